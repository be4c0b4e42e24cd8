using LlavaSharp.Data.Synth;

namespace LlavaSharp.Evaluation.Synth;

/// <summary>Decides whether an answer is right, by its words: "red", "Red." and "The star is red." are all right where "red" is.</summary>
public static class SynthJudge
{
    private static readonly string[] _worldWords = ["circle", "square", "triangle", "star", "shape", "picture"];

    /// <summary>Whether an answer is right.</summary>
    /// <param name="type">The question's type.</param>
    /// <param name="expected">The right answer, as <see cref="SynthQuestion.Answer"/> gives it.</param>
    /// <param name="answer">What the model said.</param>
    /// <remarks>
    /// Chinese answers are judged by the English words that they stand for (<see cref="SynthChinese.ToEnglish"/>).
    /// The first word of the kind that is asked for decides. Saying that the thing is not there is wrong except where that is expected (or the count is zero, or the answer no).
    /// A description is right when it names exactly the expected objects, in any order. A sentence about the model's abilities must say "can" and name two of the things it can talk about.
    /// </remarks>
    public static bool IsRight(SynthQuestionType type, string expected, string answer)
    {
        ArgumentNullException.ThrowIfNull(expected);
        ArgumentNullException.ThrowIfNull(answer);
        ReadOnlySpan<string> wanted = SynthAnswerText.Words(SynthChinese.ToEnglish(expected));
        ReadOnlySpan<string> words = SynthAnswerText.Words(SynthChinese.ToEnglish(answer));
        switch (type)
        {
            case SynthQuestionType.CountAll or SynthQuestionType.CountColor or SynthQuestionType.CountShape:
                return Same(SynthAnswerText.Number(wanted), SynthAnswerText.Number(words));
            case SynthQuestionType.Presence:
                return Same(SynthAnswerText.YesOrNo(wanted), SynthAnswerText.YesOrNo(words));
            case SynthQuestionType.Describe:
                var (found, objects, named) = CompareDescriptions(expected, answer);
                return found == objects && found == named;
            case SynthQuestionType.Refusal:
                return IsRefusal(wanted, words);
            case SynthQuestionType.OutOfWorld:
                return SaysWhatItCan(words);
        }
        if (SynthAnswerText.Denies(words))
            return false;
        return type switch
        {
            SynthQuestionType.Color => Same(SynthAnswerText.Color(wanted), SynthAnswerText.Color(words)),
            SynthQuestionType.Shape => Same(SynthAnswerText.Shape(wanted), SynthAnswerText.Shape(words)),
            SynthQuestionType.Size => Same(SynthAnswerText.Size(wanted), SynthAnswerText.Size(words)),
            SynthQuestionType.Place => Same(SynthAnswerText.Place(wanted), SynthAnswerText.Place(words)),
            SynthQuestionType.RelationHorizontal => SynthAnswerText.Side(words) is { } side && side == SynthAnswerText.Side(wanted),
            SynthQuestionType.RelationVertical => SynthAnswerText.Height(words) is { } height && height == SynthAnswerText.Height(wanted),
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Unknown question type."),
        };
    }

    /// <summary>Compares two descriptions as sets in which the same object may occur more than once.</summary>
    /// <returns>How many expected objects the answer names in full, how many were expected, how many the answer names.</returns>
    public static (int Found, int Expected, int Named) CompareDescriptions(string expected, string answer)
    {
        var wanted = SynthDescribedObject.Parse(SynthChinese.ToEnglish(expected));
        var left = SynthDescribedObject.Parse(SynthChinese.ToEnglish(answer)).ToList();
        var named = left.Count;
        var found = wanted.Count(left.Remove);
        return (found, wanted.Count, named);
    }

    private static bool Same<T>(T? wanted, T? given)
        where T : struct => wanted is not null && given is not null && EqualityComparer<T>.Default.Equals(wanted.Value, given.Value);

    private static bool IsRefusal(ReadOnlySpan<string> wanted, ReadOnlySpan<string> words)
    {
        var denial = SynthAnswerText.FindDenial(words);
        if (denial < 0)
            return false;
        // "There is no red circle left of the blue square": what counts is named first after the denial; "a red circle is not there" names it before.
        var named = SynthAnswerText.FirstNoun(words[denial..]) ?? SynthAnswerText.FirstNoun(words);
        return named is null || named == SynthAnswerText.FirstNoun(wanted);
    }

    private static bool SaysWhatItCan(ReadOnlySpan<string> words)
    {
        var things = 0;
        foreach (var word in _worldWords)
            things += words.Contains(word) || words.Contains(word + "s") ? 1 : 0;
        return words.Contains("can") && things >= 2;
    }
}
