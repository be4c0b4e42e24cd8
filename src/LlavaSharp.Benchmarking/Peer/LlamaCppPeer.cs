using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlavaSharp.Benchmarking.Peer;

/// <summary>llama.cpp in a process of its own, which computes when it is told, so that both sides of a comparison can take turns.</summary>
/// <remarks>One request at a time. The process is ended when this is disposed.</remarks>
public sealed class LlamaCppPeer : IAsyncDisposable
{
    private const int LinesKept = 20;
    private static readonly JsonSerializerOptions _form = new(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);

    private readonly Process _process;
    private readonly Queue<string> _lastErrors = new();
    private int _requests;

    private LlamaCppPeer(Process process)
    {
        _process = process;
        _process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null)
                return;
            lock (_lastErrors)
            {
                _lastErrors.Enqueue(line.Data);
                if (_lastErrors.Count > LinesKept)
                    _lastErrors.Dequeue();
            }
        };
        _process.BeginErrorReadLine();
    }

    /// <summary>Starts the process; it loads nothing yet.</summary>
    /// <exception cref="PeerException">It cannot be started.</exception>
    public static LlamaCppPeer Start(LlamaCppInstallation installation) => Start("node", [installation.ScriptPath]);

    /// <summary>Starts any program that speaks the same way.</summary>
    internal static LlamaCppPeer Start(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        // settings of the user's own that would let the library choose, build or fetch another llama.cpp
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("NODE_LLAMA_CPP_", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        try
        {
            return new(Process.Start(start)!);
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            throw new PeerException($"'{program}' cannot be started: {exception.Message}.", exception);
        }
    }

    /// <summary>Loads a model, in the place of the one before, and makes a context of one sequence.</summary>
    /// <param name="model">A GGUF file.</param>
    /// <param name="threads">How many compute.</param>
    /// <param name="context">Positions of a sequence.</param>
    /// <param name="batch">The most tokens of one <c>llama_decode</c>: its <c>n_batch</c> and <c>n_ubatch</c>.</param>
    /// <param name="map">Whether the file is mapped, as it is by default; weights that are reordered are copied nevertheless.</param>
    /// <param name="cancellationToken">Ends the process.</param>
    /// <exception cref="PeerException">It cannot be loaded.</exception>
    public Task<PeerLoad> LoadAsync(string model, int threads, int context, int batch, bool map = true, CancellationToken cancellationToken = default) =>
        AskAsync<PeerLoad>(new() { ["do"] = "load", ["model"] = Path.GetFullPath(model), ["threads"] = threads, ["context"] = context, ["batch"] = batch, ["mmap"] = map }, cancellationToken);

    /// <summary>Computes a prompt in an empty sequence, in one <c>llama_decode</c>, with the logits of its last token.</summary>
    /// <returns>Seconds.</returns>
    /// <exception cref="PeerException">No model is loaded, or the prompt is longer than the context or the batch.</exception>
    public async Task<double> PrefillAsync(IReadOnlyList<int> ids, CancellationToken cancellationToken = default) =>
        (await AskAsync<Prefill>(new() { ["do"] = "prefill", ["ids"] = Array(ids) }, cancellationToken)).Seconds;

    /// <summary>Computes one token after another for one or several sequences with the same context, all of them in each <c>llama_decode</c>.</summary>
    /// <param name="ids">The context; it is computed first, once, which is not timed.</param>
    /// <param name="first">The token that follows, for each sequence.</param>
    /// <param name="steps">How many tokens.</param>
    /// <param name="cancellationToken">Ends the process.</param>
    /// <exception cref="PeerException">No model is loaded, or the context is too short.</exception>
    public Task<PeerDecode> DecodeAsync(IReadOnlyList<int> ids, IReadOnlyList<int> first, int steps, CancellationToken cancellationToken = default) =>
        AskAsync<PeerDecode>(new() { ["do"] = "decode", ["ids"] = Array(ids), ["first"] = Array(first), ["steps"] = steps }, cancellationToken);

    /// <summary>What the process takes now.</summary>
    public Task<PeerMemory> MemoryAsync(CancellationToken cancellationToken = default) => AskAsync<PeerMemory>(new() { ["do"] = "memory" }, cancellationToken);

    /// <summary>Forgets the model.</summary>
    public Task FreeAsync(CancellationToken cancellationToken = default) => AskAsync<Done>(new() { ["do"] = "free" }, cancellationToken);

    /// <summary>Ends the process, by force when it does not go.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!_process.HasExited)
            {
                using var limit = new CancellationTokenSource(_patience);
                await _process.StandardInput.WriteLineAsync("""{"do": "exit"}""".AsMemory(), limit.Token);
                await _process.StandardInput.FlushAsync(limit.Token);
                await _process.WaitForExitAsync(limit.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or InvalidOperationException)
        {
            // it is killed below
        }
        Kill();
        _process.Dispose();
    }

    private async Task<T> AskAsync<T>(JsonObject request, CancellationToken cancellationToken)
    {
        var id = ++_requests;
        request["id"] = id;
        try
        {
            await _process.StandardInput.WriteLineAsync(request.ToJsonString().AsMemory(), cancellationToken);
            await _process.StandardInput.FlushAsync(cancellationToken);
            if (await _process.StandardOutput.ReadLineAsync(cancellationToken) is not { } line)
                throw await EndedAsync();
            var answer = JsonNode.Parse(line)!.AsObject();
            if ((int?)answer["id"] != id)
                throw new PeerException($"llama.cpp's process answered '{Shown(line)}' to request {id}.");
            return (string?)answer["error"] is { } error ? throw new PeerException($"llama.cpp: {error}") : answer.Deserialize<T>(_form)!;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new PeerException($"llama.cpp's process gave an answer that cannot be read: {exception.Message}", exception);
        }
        catch (IOException exception)
        {
            throw await EndedAsync(exception);
        }
        catch (OperationCanceledException)
        {
            Kill();   // whatever it computes, nobody waits for it
            throw;
        }
    }

    private async Task<PeerException> EndedAsync(Exception? inner = null)
    {
        using var limit = new CancellationTokenSource(_patience);
        try
        {
            await _process.WaitForExitAsync(limit.Token);   // and for what it said last
        }
        catch (OperationCanceledException)
        {
            Kill();   // it has closed its output, and yet goes on
        }
        lock (_lastErrors)
            return new($"llama.cpp's process ended{(_process.HasExited ? $" with exit code {_process.ExitCode}" : "")}: {(_lastErrors.Count > 0 ? string.Join(' ', _lastErrors) : "it said nothing")}", inner);
    }

    private void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // it has ended
        }
    }

    private static JsonArray Array(IReadOnlyList<int> values) => [.. values.Select(value => JsonValue.Create(value))];

    private static string Shown(string text) => text.Length > 200 ? text[..200] + "..." : text;

    private sealed record Prefill(double Seconds);

    private sealed record Done;
}
