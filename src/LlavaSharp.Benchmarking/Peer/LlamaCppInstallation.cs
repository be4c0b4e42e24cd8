using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using LlavaSharp.IO;
using LlavaSharp.Native;

namespace LlavaSharp.Benchmarking.Peer;

/// <summary>llama.cpp as npm's <c>node-llama-cpp</c> brings it, ready built, in a folder of the cache. Nothing is compiled, and no script of a package runs.</summary>
public sealed class LlamaCppInstallation
{
    /// <summary>The version of node-llama-cpp, and of its library for the processor.</summary>
    public const string Version = "3.22.1";

    private const int OldestNode = 20;
    private const string Script = "llama-cpp-peer.mjs";

    private LlamaCppInstallation(string folder, string node) => (Folder, Node) = (folder, node);

    /// <summary>Where it lies.</summary>
    public string Folder { get; }

    /// <summary>The program that runs it, and its version.</summary>
    public string Node { get; }

    /// <summary>The script that computes as it is told.</summary>
    internal string ScriptPath => Path.Combine(Folder, Script);

    /// <summary>Finds the installation, or makes it: two packages of npm and what they depend on, about 90 MB.</summary>
    /// <param name="notice">Is told what takes long.</param>
    /// <param name="cache">The folder for such things; null: <see cref="CacheFolder"/>.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="PeerException">Node.js or npm is missing, too old, or fails; or there is no ready built library for this machine.</exception>
    /// <exception cref="LlavaException">The folder cannot be written.</exception>
    public static async Task<LlamaCppInstallation> EnsureAsync(Action<string>? notice = null, string? cache = null, CancellationToken cancellationToken = default)
    {
        var library = Library(RuntimeInformation.RuntimeIdentifier, OperatingSystem.IsLinux() ? "linux" : OperatingSystem.IsWindows() ? "win" : "mac", RuntimeInformation.ProcessArchitecture);
        var node = await NodeVersionAsync(cancellationToken);
        var parent = Path.Combine(cache ?? CacheFolder.Root, "peer");
        var folder = Path.Combine(parent, $"node-llama-cpp-{Version}");
        if (!IsComplete(folder, library))
        {
            notice?.Invoke($"Installing node-llama-cpp {Version} (ready built llama.cpp) with npm in {folder}.");
            await InstallAsync(parent, folder, library, cancellationToken);
        }
        var installation = new LlamaCppInstallation(folder, node);
        installation.WriteScript();
        return installation;
    }

    /// <summary>npm's name of the library for a system and processor.</summary>
    /// <exception cref="PeerException">There is none that computes on the processor.</exception>
    internal static string Library(string platform, string system, Architecture processor) => (system, processor) switch
    {
        ("linux" or "win" or "mac", Architecture.X64) => $"@node-llama-cpp/{system}-x64",
        ("linux" or "win", Architecture.Arm64) => $"@node-llama-cpp/{system}-arm64",
        _ => throw new PeerException($"node-llama-cpp has no ready built library that computes on the processor of {platform}. Measure without --peer."),
    };

    private static bool IsComplete(string folder, string library) =>
        File.Exists(Path.Combine(folder, "node_modules", "node-llama-cpp", "package.json")) && File.Exists(Path.Combine(folder, "node_modules", library, "package.json"));

    private static async Task<string> NodeVersionAsync(CancellationToken cancellationToken)
    {
        var (_, output, _) = await RunAsync("node", ["--version"], null, cancellationToken);
        var version = output.Trim();
        if (!int.TryParse(version.TrimStart('v').Split('.')[0], out var major) || major < OldestNode)
            throw new PeerException($"Node.js is of version '{version}'; node-llama-cpp {Version} needs {OldestNode} or later. Install a newer one, or measure without --peer.");
        return version;
    }

    // beside its place and then moved there, so that what is found is whole
    private static async Task InstallAsync(string parent, string folder, string library, CancellationToken cancellationToken)
    {
        var temporary = Path.Combine(parent, $".{Guid.NewGuid():N}");
        try
        {
            AtomicFile.WriteBytes(Path.Combine(temporary, "package.json"), """{"private": true}"""u8.ToArray());
            // without the optional packages, which are the libraries of all systems and graphics cards
            string[] arguments = ["install", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--loglevel=error", $"node-llama-cpp@{Version}", $"{library}@{Version}"];
            var (status, _, error) = await RunAsync(OperatingSystem.IsWindows() ? "npm.cmd" : "npm", arguments, temporary, cancellationToken);
            if (status != 0 || !IsComplete(temporary, library))
                throw new PeerException($"npm could not install node-llama-cpp {Version} (exit {status}): {FirstErrors(error)}. Check the connection to the registry, or measure without --peer.");
            if (Directory.Exists(folder) && !IsComplete(folder, library))
                Directory.Delete(folder, recursive: true);
            if (!Directory.Exists(folder))
                Directory.Move(temporary, folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PeerException($"node-llama-cpp cannot be put into '{folder}': {exception.Message} Set LLAVA_CACHE to a folder that can be written.", exception);
        }
        finally
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
        }
    }

    private void WriteScript()
    {
        using var resource = typeof(LlamaCppInstallation).Assembly.GetManifestResourceStream($"LlavaSharp.Benchmarking.{Script}")!;
        var bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        if (!File.Exists(ScriptPath) || !File.ReadAllBytes(ScriptPath).AsSpan().SequenceEqual(bytes))
            AtomicFile.WriteBytes(ScriptPath, bytes);
    }

    private static async Task<(int Status, string Output, string Error)> RunAsync(string program, string[] arguments, string? folder, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder ?? "" };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            throw new PeerException($"'{program}' cannot be started: {exception.Message}. Comparing with llama.cpp takes Node.js {OldestNode} or later with npm (https://nodejs.org); or measure without --peer.", exception);
        }
        using (process)
        {
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            try
            {
                await process.WaitForExitAsync(cancellationToken);
                return (process.ExitCode, await output, await error);
            }
            finally
            {
                if (!process.HasExited)
                    process.Kill(entireProcessTree: true);
            }
        }
    }

    // npm names the cause first, and then speaks of proxies and log files
    private static string FirstErrors(string text) => string.Join("; ", text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
        .Select(line => line.StartsWith("npm error ", StringComparison.Ordinal) ? line["npm error ".Length..] : line).Take(3));
}
