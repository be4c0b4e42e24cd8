namespace LlavaSharp.Cli.Commands;

/// <summary>Where the time of <c>llava run</c> went, in seconds.</summary>
internal sealed record RunTimings(double Load, double Image, double Prefill, double Decode);
