using LlavaSharp.Data.Synth;

namespace LlavaSharp.Evaluation.Synth;

/// <summary>Examines a model on fresh pictures of the synthetic world; it knows the model only by a function from a prompt to an answer.</summary>
public sealed class SynthEvaluator
{
    private readonly Func<SynthPrompt, CancellationToken, Task<string>> _ask;

    /// <summary>Creates the examiner.</summary>
    /// <param name="ask">Answers a prompt; called one at a time.</param>
    public SynthEvaluator(Func<SynthPrompt, CancellationToken, Task<string>> ask)
    {
        ArgumentNullException.ThrowIfNull(ask);
        _ask = ask;
    }

    /// <summary>Asks every question of some conversations and counts the right answers.</summary>
    /// <param name="seed">The seed of the conversations: another than the model was trained with.</param>
    /// <param name="conversations">How many conversations (1,024 for the model card).</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <param name="output">Where the table goes at the end; null for nowhere.</param>
    /// <param name="cancellationToken">Stops between questions.</param>
    /// <exception cref="LlavaException">A value of the options is outside its range.</exception>
    public async Task<SynthReport> RunAsync(
        long seed, int conversations, SynthEvaluatorOptions? options = null, TextWriter? output = null, CancellationToken cancellationToken = default)
    {
        options ??= new();
        var generator = new SynthConversationGenerator(seed, options.Conversations);
        var scorer = new SynthScorer();
        for (var i = 0; i < conversations; i++)
            await AskAsync(generator.Create(options.FirstIndex + i), options.FirstIndex + i, options, scorer, cancellationToken).ConfigureAwait(false);
        var report = scorer.Report();
        if (output is not null)
            await output.WriteAsync(report.ToTable().AsMemory(), cancellationToken).ConfigureAwait(false);
        return report;
    }

    private async Task AskAsync(SynthConversation conversation, long index, SynthEvaluatorOptions options, SynthScorer scorer, CancellationToken cancellationToken)
    {
        var picture = conversation.Draw();
        var history = new List<(string Question, string Answer)>();
        foreach (var question in conversation.Turns)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var answer = await _ask(new(picture, [.. history], question.Text), cancellationToken).ConfigureAwait(false);
            var right = scorer.Add(question.Type, question.Answer, answer);
            options.Answered?.Invoke(new(index, question, answer, right));
            if (options.KeepConversation)
                history.Add((question.Text, answer));
        }
    }
}
