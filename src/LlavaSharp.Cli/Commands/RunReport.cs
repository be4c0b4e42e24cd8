using LlavaSharp.Generation;

namespace LlavaSharp.Cli.Commands;

/// <summary>The object that <c>llava run --json</c> prints; the order of its keys is this one.</summary>
internal sealed record RunReport(
    string Model,
    string Template,
    string Prompt,
    IReadOnlyList<int> InputIds,
    IReadOnlyList<int> OutputIds,
    string Text,
    string FinishReason,
    int PromptTokens,
    RunTimings Timings)
{
    public static RunReport From(EvalResult result)
    {
        var generation = result.Generation;
        var reason = generation.FinishReason switch
        {
            Generation.FinishReason.Stop => "stop",
            Generation.FinishReason.Length => "length",
            _ => "stop_string",
        };
        var times = generation.Timings;
        return new(
            result.Model, result.Template, generation.Prompt, generation.InputIds, generation.OutputIds, generation.Text, reason, generation.PromptTokens,
            new(result.LoadSeconds, times.Image, times.Prefill, times.Decode));
    }
}
