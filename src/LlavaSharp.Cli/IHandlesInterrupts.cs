namespace LlavaSharp.Cli;

/// <summary>A verb that decides itself what Ctrl-C does; for all others it cancels.</summary>
internal interface IHandlesInterrupts;
