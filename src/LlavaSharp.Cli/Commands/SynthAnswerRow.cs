namespace LlavaSharp.Cli.Commands;

/// <summary>One line of <c>eval synth --answers-file</c>.</summary>
internal sealed record SynthAnswerRow(long Scene, string Type, string Question, string Expected, string Answer, bool Right);
