using System.CommandLine;

namespace LlavaSharp.Cli;

/// <summary>Runs the verb that the arguments name, with one set of exit codes and one form of errors for all verbs.</summary>
internal static class CommandRunner
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;
    public const int Interrupted = 130;

    /// <summary>Parses and runs; an error is one line on <paramref name="error"/> (with <c>LLAVA_DEBUG=1</c> the stack trace too).</summary>
    public static async Task<int> RunAsync(RootCommand root, string[] arguments, TextWriter error, CancellationToken cancellationToken = default)
    {
        var verb = "";
        try
        {
            var normalized = ArgparseCompatibility.Normalize(root, arguments);
            // A prompt may begin with '@', and the original has no response files.
            var parsed = root.Parse(normalized, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
            verb = UsageMessages.Verb(parsed.CommandResult.Command);
            if (parsed.Errors.Count > 0 && parsed.CommandResult.Command is { Subcommands.Count: > 0, Action: null } && parsed.UnmatchedTokens.Count == 0)
                return ShowHelp(root, verb, error);
            if (parsed.Errors.Count > 0)
                throw new UsageException(UsageMessages.Describe(parsed));
            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, Error = error };
            if (parsed.CommandResult.Command is ServingCommand)
                configuration.ProcessTerminationTimeout = ServingCommand.Patience;
            if (parsed.CommandResult.Command is IHandlesInterrupts)
                configuration.ProcessTerminationTimeout = null;
            return await parsed.InvokeAsync(configuration, cancellationToken);
        }
        catch (UsageException exception)
        {
            verb = exception.Command is { } command ? UsageMessages.Verb(command) : verb;
            error.WriteLine($"llava{verb}: {OneLine(exception.Message)} See: llava{verb} --help");
            return WrongUsage;
        }
        catch (OperationCanceledException)
        {
            return Interrupted;
        }
        catch (Exception exception)
        {
            // What the library did not foresee still ends as one line; LlavaException says itself what to do.
            var advice = exception is LlavaException ? "" : $" ({exception.GetType().Name}; set LLAVA_DEBUG=1 for the stack trace)";
            error.WriteLine($"llava: {OneLine(exception.Message)}{advice}");
            if (Environment.GetEnvironmentVariable("LLAVA_DEBUG") == "1")
                error.WriteLine(exception);
            return Failed;
        }
    }

    // a verb that is only half a sentence: what can follow is the best answer, but not what was asked for
    private static int ShowHelp(RootCommand root, string verb, TextWriter error)
    {
        root.Parse([.. verb.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]).Invoke(new InvocationConfiguration { Output = error, Error = error });
        return WrongUsage;
    }

    private static string OneLine(string message) => message.ReplaceLineEndings(" ").Trim();
}
