using System.Diagnostics;

namespace LlavaSharp.Cli.Tests;

/// <summary>Runs the built <c>llava</c> in a process of its own.</summary>
internal static class LlavaProcess
{
    public sealed record Outcome(int ExitCode, string Output, string Error);

    /// <summary>Runs <c>dotnet exec llava.dll</c> with these arguments and extra environment variables (null removes one).</summary>
    public static Task<Outcome> RunAsync(string[] arguments, params (string Name, string? Value)[] environment) => RunAsync(arguments, null, environment);

    /// <summary>The same, with a text on standard input.</summary>
    public static async Task<Outcome> RunAsync(string[] arguments, string? input, params (string Name, string? Value)[] environment)
    {
        using var process = Start(arguments, environment);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var error = process.StandardError.ReadToEndAsync(limit.Token);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        try
        {
            await process.WaitForExitAsync(limit.Token);
            return new(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException("llava did not end within two minutes.");
        }
    }

    /// <summary>Starts it, with all three streams redirected.</summary>
    public static Process Start(string[] arguments, params (string Name, string? Value)[] environment) => Start(arguments, "", environment);

    /// <summary>The same in a folder.</summary>
    public static Process Start(string[] arguments, string folder, params (string Name, string? Value)[] environment)
    {
        var dotnet = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        // a job that a shell started in the background ignores interrupts (behind nohup, hang-ups), and so would all its children
        var start = OperatingSystem.IsLinux() ? new ProcessStartInfo("env", ["--default-signal=INT,HUP", dotnet]) : new ProcessStartInfo(dotnet);
        start.RedirectStandardOutput = start.RedirectStandardError = start.RedirectStandardInput = true;
        start.WorkingDirectory = folder;
        start.ArgumentList.Add("exec");
        start.ArgumentList.Add(Program());
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    // The build links referenced files into the tests' output; the host needs the file itself, beside its runtimeconfig.json.
    private static string Program()
    {
        var file = new FileInfo(Path.Combine(AppContext.BaseDirectory, "llava.dll"));
        return file.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? file.FullName;
    }
}
