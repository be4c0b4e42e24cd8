using System.Text.RegularExpressions;
using LlavaSharp.Data.Synth;

namespace LlavaSharp.Data.Tests.Synth;

/// <summary>Answers a question from its text and the scene's numbers alone, slowly and without the generator's help.</summary>
internal static partial class SynthOracle
{
    private static readonly string[] _numbers = ["zero", "one", "two", "three", "four", "five"];
    private static readonly string[] _rows = ["top", "middle", "bottom"];
    private static readonly string[] _columns = ["left", "center", "right"];

    public static (SynthQuestionType Type, string Answer) Answer(SynthScene scene, string question)
    {
        var text = question.Replace("\nAnswer the question using a single word or phrase.", "").ToLowerInvariant();
        var names = Names().Matches(text).Select(match => (Color: match.Groups[1].Value, Shape: match.Groups[2].Value)).Where(name => name.Color != "" || IsShape(name.Shape)).ToList();
        if (text.StartsWith("on which side of") || text.StartsWith("seen from"))
            names.Reverse();
        if (Regex.IsMatch(text, "how many|^count|number of"))
            return Count(scene, text);
        if (names.Count == 0)
            return (SynthQuestionType.Describe, Describe(scene));
        if (Regex.IsMatch(text, "^(is there|do you see|can you see|are there any|does the picture show|is an? )"))
            return (SynthQuestionType.Presence, Find(scene, names[0]).Count > 0 ? "yes" : "no");
        var missing = names.FirstOrDefault(name => Find(scene, name).Count == 0);
        if (missing != default)
            return (SynthQuestionType.Refusal, $"There is no {$"{missing.Color} {(IsShape(missing.Shape) ? missing.Shape : "object")}".Trim()}.");
        var (item, other) = (Only(scene, names[0]), names.Count > 1 ? Only(scene, names[1]) : null);
        if (Regex.IsMatch(text, "left|right"))
            return (SynthQuestionType.RelationHorizontal, item.CenterX < other!.CenterX ? "left" : "right");
        if (Regex.IsMatch(text, "above|below"))
            return (SynthQuestionType.RelationVertical, item.CenterY < other!.CenterY ? "above" : "below");
        if (Regex.IsMatch(text, "colou?r"))
            return (SynthQuestionType.Color, ColorOf(item));
        if (Regex.IsMatch(text, "big|small|size"))
            return (SynthQuestionType.Size, SizeOf(scene, item));
        if (Regex.IsMatch(text, "where|position|part of the picture"))
            return (SynthQuestionType.Place, PlaceOf(scene, item));
        return (SynthQuestionType.Shape, item.Shape.ToString().ToLowerInvariant());
    }

    private static (SynthQuestionType Type, string Answer) Count(SynthScene scene, string text)
    {
        var color = Colors().Match(text).Value;
        var shape = Shapes().Match(text).Value;
        var count = Find(scene, (color, shape)).Count;
        var type = shape != "" ? SynthQuestionType.CountShape : color != "" ? SynthQuestionType.CountColor : SynthQuestionType.CountAll;
        return (type, _numbers[count]);
    }

    private static string Describe(SynthScene scene) => string.Join(", ", scene.Objects.OrderBy(item => item.CenterX).Select(item =>
        $"a {SizeOf(scene, item)} {ColorOf(item)} {item.Shape.ToString().ToLowerInvariant()} at the {PlaceOf(scene, item)}"));

    private static List<SynthObject> Find(SynthScene scene, (string Color, string Shape) name) =>
        [.. scene.Objects.Where(item => (name.Color == "" || ColorOf(item) == name.Color) && (!IsShape(name.Shape) || item.Shape.ToString().ToLowerInvariant() == name.Shape))];

    private static SynthObject Only(SynthScene scene, (string Color, string Shape) name) => Assert.Single(Find(scene, name));

    private static bool IsShape(string word) => word is "circle" or "square" or "triangle" or "star";

    private static string ColorOf(SynthObject item) => item.Color.ToString().ToLowerInvariant();

    private static string SizeOf(SynthScene scene, SynthObject item) => item.Radius > 0.12 * Math.Min(scene.Width, scene.Height) ? "big" : "small";

    private static string PlaceOf(SynthScene scene, SynthObject item) =>
        $"{_rows[(int)(item.CenterY / (scene.Height / 3.0))]} {_columns[(int)(item.CenterX / (scene.Width / 3.0))]}";

    [GeneratedRegex(@"\b(?:(red|green|blue|yellow|purple|orange|black|gray) )?(circle|square|triangle|star|object|thing)")]
    private static partial Regex Names();

    [GeneratedRegex(@"\b(red|green|blue|yellow|purple|orange|black|gray)\b")]
    private static partial Regex Colors();

    [GeneratedRegex(@"\b(circle|square|triangle|star)(?=s\b)")]
    private static partial Regex Shapes();
}
