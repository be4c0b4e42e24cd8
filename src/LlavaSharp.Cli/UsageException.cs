using System.CommandLine;

namespace LlavaSharp.Cli;

/// <summary>Arguments that cannot be understood: exit code 2.</summary>
internal sealed class UsageException(string message, Command? command = null) : LlavaException(message)
{
    /// <summary>The command whose flags they are, when it was found before the line was parsed.</summary>
    public Command? Command { get; } = command;
}
