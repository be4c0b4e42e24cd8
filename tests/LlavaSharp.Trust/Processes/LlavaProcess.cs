using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace LlavaSharp.Trust.Processes;

/// <summary>A server of <c>llava</c> in a process of its own, in a folder of its own.</summary>
internal sealed partial class LlavaProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly DirectoryInfo? _folder;
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private LlavaProcess(ProcessStartInfo start, DirectoryInfo? folder)
    {
        _folder = folder;
        _process = new() { StartInfo = start };
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is not null && Listening().Match(line.Data) is { Success: true } match)
                _address.TrySetResult(new(match.Value));
        };
        _process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null)
                _errors.Enqueue(line.Data);
        };
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        _process.StandardInput.Close();
    }

    /// <summary>Where it listens.</summary>
    public Uri Address => _address.Task.Result;

    public int Id => _process.Id;

    public bool IsRunning => !_process.HasExited;

    /// <summary>The lines that it wrote to standard error.</summary>
    public IReadOnlyCollection<string> Errors => _errors;

    /// <summary>Starts a verb and waits until it listens.</summary>
    /// <param name="arguments">The verb and its flags; the port is in them.</param>
    /// <param name="folder">Where it runs; null: in a folder of its own, which goes with it.</param>
    /// <param name="shell">A line of sh in which <c>"$@"</c> is the command; null: none.</param>
    public static async Task<LlavaProcess> StartAsync(string[] arguments, string? folder = null, string? shell = null)
    {
        var own = folder is null ? Directory.CreateTempSubdirectory("llava-trust-") : null;
        var dotnet = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";
        var start = new ProcessStartInfo(shell is null ? dotnet : "sh", [.. shell is null ? Array.Empty<string>() : ["-c", shell, "sh", dotnet], "exec", Program(), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = folder ?? own!.FullName,
        };
        var server = new LlavaProcess(start, own);
        try
        {
            await Task.WhenAny(server._address.Task, server._process.WaitForExitAsync(TrustMode.Cancellation)).WaitAsync(TimeSpan.FromMinutes(2), TrustMode.Cancellation);
            Assert.True(server._address.Task.IsCompleted, $"llava {string.Join(' ', arguments)} ended before it listened: {string.Join('\n', server.Errors)}");
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends it at once (SIGKILL).</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(TrustMode.Cancellation);
    }

    /// <summary>Stops every thread of it, without its knowing.</summary>
    public Task FreezeAsync() => SignalAsync("STOP");

    /// <summary>Lets it go on.</summary>
    public Task ThawAsync() => SignalAsync("CONT");

    /// <summary>Sends a signal.</summary>
    public async Task SignalAsync(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(TrustMode.Cancellation);
        Assert.Equal(0, kill.ExitCode);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
        _folder?.Delete(recursive: true);
    }

    // The build links referenced files into the tests' output; the host needs the file itself, beside its runtimeconfig.json.
    private static string Program()
    {
        var file = new FileInfo(Path.Combine(AppContext.BaseDirectory, "llava.dll"));
        return file.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? file.FullName;
    }

    [GeneratedRegex("http://[0-9.]+:[0-9]+/")]
    private static partial Regex Listening();
}
