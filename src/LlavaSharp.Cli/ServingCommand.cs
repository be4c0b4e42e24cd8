using System.CommandLine;

namespace LlavaSharp.Cli;

/// <summary>A verb that runs until it is told to stop, and then finishes what it is doing.</summary>
internal sealed class ServingCommand(string name, string description) : Command(name, description)
{
    /// <summary>So long it may take; a little longer than servers give themselves.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(130);
}
