namespace LlavaSharp.Evaluation.Synth;

using LlavaSharp.Data.Synth;

/// <summary>An object as a description names it; what the description leaves out is null.</summary>
/// <param name="Size">Big or small.</param>
/// <param name="Color">The colour.</param>
/// <param name="Shape">The shape.</param>
/// <param name="Place">0 to 8, row by row.</param>
public readonly record struct SynthDescribedObject(SynthSize? Size, SynthColor? Color, SynthShape Shape, int? Place)
{
    /// <summary>Reads a description: clauses end at a comma, semicolon, full stop, line break or "and"; each shape word makes an object of the words around it.</summary>
    public static IReadOnlyList<SynthDescribedObject> Parse(string description)
    {
        ArgumentNullException.ThrowIfNull(description);
        var found = new List<SynthDescribedObject>();
        foreach (var clause in description.Split([',', ';', '.', ':', '\n'], StringSplitOptions.RemoveEmptyEntries))
        {
            var words = SynthAnswerText.Words(clause);
            var start = 0;
            for (var i = 0; i <= words.Length; i++)
            {
                if (i < words.Length && words[i] != "and")
                    continue;
                ParseClause(words.AsSpan(start, i - start), found);
                start = i + 1;
            }
        }
        return found;
    }

    private static void ParseClause(ReadOnlySpan<string> words, List<SynthDescribedObject> found)
    {
        var start = 0;
        var afterShape = false;
        for (var i = 0; i < words.Length; i++)
        {
            var isShape = SynthAnswerText.IsShape(words[i]);
            if (afterShape && (isShape || SynthAnswerText.IsColor(words[i]) || SynthAnswerText.IsSize(words[i])))
            {
                Add(words[start..i], found);
                start = i;
                afterShape = false;
            }
            afterShape |= isShape;
        }
        Add(words[start..], found);
    }

    private static void Add(ReadOnlySpan<string> words, List<SynthDescribedObject> found)
    {
        var place = SynthAnswerText.Place(words);
        if (SynthAnswerText.Shape(words) is { } shape)
            found.Add(new((SynthSize?)SynthAnswerText.Size(words), (SynthColor?)SynthAnswerText.Color(words), (SynthShape)shape, place));
        else if (place is not null && found.Count > 0 && found[^1].Place is null)
            found[^1] = found[^1] with { Place = place };
    }
}
