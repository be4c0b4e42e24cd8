namespace LlavaSharp.Data.Synth;

/// <summary>A described scene and questions about it, for a language model that has not seen a picture yet.</summary>
/// <param name="Context">The description: what <see cref="SynthQuestionType.Describe"/> answers.</param>
/// <param name="Turns">Questions that the description alone answers.</param>
public sealed record SynthTextSample(string Context, IReadOnlyList<SynthQuestion> Turns)
{
    /// <summary>The sample as plain text: the context on a line of its own, then each question and its answer on lines of their own.</summary>
    public string Text => string.Join('\n', Turns.SelectMany(turn => new[] { turn.Text, turn.Answer }).Prepend(Context));
}
