using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using LlavaSharp.IO;

namespace LlavaSharp.Checkpoints;

/// <summary>Fetches the files of a checkpoint from a hub into the local cache; an interrupted file goes on where it stopped.</summary>
internal sealed class HubDownloader(HubOptions options) : IDisposable
{
    private const int MaxListingBytes = 16 << 20;
    private const int BufferBytes = 1 << 20;

    private readonly HttpClient _client = new(options.Handler ?? new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(20) }, disposeHandler: options.Handler is null)
    {
        Timeout = Timeout.InfiniteTimeSpan, // weights take as long as they take; silence is bounded below
        DefaultRequestHeaders = { { "User-Agent", "LlavaSharp" } },
    };

    public void Dispose() => _client.Dispose();

    /// <summary>Downloads what is missing and returns the snapshot's folder.</summary>
    public async Task<string> DownloadAsync(string id, CancellationToken cancellation)
    {
        var started = false;
        try
        {
            var (commit, files) = await ListAsync(id, cancellation).ConfigureAwait(false);
            var model = HubCache.ModelFolder(options.CacheFolder, id);
            var snapshot = Path.Combine(model, "snapshots", commit);
            Directory.CreateDirectory(snapshot);
            started = true;
            foreach (var file in Choose(files))
                if (!File.Exists(Path.Combine(snapshot, file)))
                    await FetchAsync(id, commit, file, snapshot, cancellation).ConfigureAwait(false);
            // the reference comes last: until then nobody takes the snapshot for whole
            var reference = System.Text.Encoding.UTF8.GetBytes(commit);
            if (commit != options.Revision)
                AtomicFile.Write(Path.Combine(model, "refs", options.Revision), stream => stream.Write(reference));
            return snapshot;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or UnauthorizedAccessException or TimeoutException)
        {
            throw new CheckpointException($"Fetching '{id}' from {options.Endpoint} failed: {exception.Message.TrimEnd('.')}.{(started ? $" What was fetched is kept in '{options.CacheFolder}', and the next try goes on from there." : "")}", innerException: exception);
        }
    }

    /// <summary>The files worth having: config, tokenizer, and weights in one container, safetensors before PyTorch's.</summary>
    internal static IReadOnlyList<string> Choose(IEnumerable<string> files)
    {
        var names = files.Where(IsPlainName).ToList();
        var safe = names.Any(name => name.StartsWith("model", StringComparison.Ordinal) && name.EndsWith(".safetensors", StringComparison.Ordinal));
        var safeAdapter = names.Contains("adapter_model.safetensors");
        return [.. names.Where(Wanted).OrderBy(IsWeights).ThenBy(name => name, StringComparer.Ordinal)];

        bool Wanted(string name) => Path.GetExtension(name) switch
        {
            ".json" => name != "pytorch_model.bin.index.json" || !safe,
            ".model" or ".txt" or ".jinja" => true,
            ".safetensors" => true,
            ".bin" when name.StartsWith("pytorch_model", StringComparison.Ordinal) => !safe,
            ".bin" when name == "adapter_model.bin" => !safeAdapter,
            ".bin" => name is ProjectorFile.FileName or "non_lora_trainables.bin",
            _ => false,
        };

        static bool IsWeights(string name) => Path.GetExtension(name) is ".bin" or ".safetensors";

        static bool IsPlainName(string name) =>
            name.Length is > 0 and <= 200 && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
    }

    private async Task<(string Commit, List<string> Files)> ListAsync(string id, CancellationToken cancellation)
    {
        using var response = await SendAsync($"api/models/{id}/revision/{Uri.EscapeDataString(options.Revision)}", null, id, cancellation).ConfigureAwait(false);
        using var body = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        using var buffer = new MemoryStream();
        var piece = new byte[1 << 16];
        for (int count; (count = await ReadAsync(body, piece, cancellation).ConfigureAwait(false)) > 0;)
        {
            if (buffer.Length + count > MaxListingBytes)
                throw new CheckpointException($"{options.Endpoint} gave a list of files for '{id}' that is too long.");
            buffer.Write(piece, 0, count);
        }
        var json = ConfigFile.Parse(buffer.ToArray(), $"list of files of {id}");
        if (json["sha"] is not JsonValue sha || !sha.TryGetValue(out string? commit) || !HubCache.IsCommit(commit) || json["siblings"] is not JsonArray siblings)
            throw new CheckpointException($"{options.Endpoint} answered about '{id}' with something that is no list of files. Is HF_ENDPOINT a hub?");
        var files = new List<string>();
        foreach (var item in siblings)
            if (item is JsonObject file && file["rfilename"] is JsonValue value && value.TryGetValue(out string? name))
                files.Add(name);
        return (commit, files);
    }

    private async Task FetchAsync(string id, string commit, string file, string snapshot, CancellationToken cancellation)
    {
        var target = Path.Combine(snapshot, file);
        var partial = target + ".incomplete";
        using (var output = new FileStream(partial, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None))
        {
            var start = output.Length;
            var response = await SendAsync($"{id}/resolve/{commit}/{file}", start, id, cancellation).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                response.Dispose();
                response = await SendAsync($"{id}/resolve/{commit}/{file}", start = 0, id, cancellation).ConfigureAwait(false);
            }
            using (response)
            {
                // a server that ignores the range sends the whole file again
                if (response.StatusCode != HttpStatusCode.PartialContent || response.Content.Headers.ContentRange?.From != start)
                    start = 0;
                output.SetLength(start);
                output.Position = start;
                var length = response.Content.Headers.ContentLength + start;
                using var body = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
                var piece = new byte[BufferBytes];
                for (int count; (count = await ReadAsync(body, piece, cancellation).ConfigureAwait(false)) > 0;)
                {
                    await output.WriteAsync(piece.AsMemory(0, count), cancellation).ConfigureAwait(false);
                    options.Progress?.Invoke(file, output.Position, length);
                }
                if (length is { } due && output.Position != due)
                    throw new IOException($"'{file}' ended after {output.Position} of {due} bytes.");
            }
            output.Flush(flushToDisk: true);
        }
        File.Move(partial, target, overwrite: true);
    }

    private async Task<HttpResponseMessage> SendAsync(string path, long? start, string id, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(options.Endpoint.AbsoluteUri.TrimEnd('/') + "/" + path));
        if (start > 0)
            request.Headers.Range = new RangeHeaderValue(start, null);
        if (options.Token is not null)
            request.Headers.Authorization = new("Bearer", options.Token);
        var response = await WithinAMinute(
            token => _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token), cancellation).ConfigureAwait(false);
        if (response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && start > 0)
            return response;
        var status = response.StatusCode;
        response.Dispose();
        throw new CheckpointException(status switch
        {
            HttpStatusCode.NotFound => $"{options.Endpoint} has no '{path}' (revision '{options.Revision}'). Check the name '{id}'.",
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => $"{options.Endpoint} does not give '{id}' to you: it does not exist, or needs a token in HF_TOKEN (and its terms accepted).",
            _ => $"{options.Endpoint} answered {(int)status} ({status}) for '{path}'. Try again later.",
        });
    }

    private static Task<int> ReadAsync(Stream stream, Memory<byte> buffer, CancellationToken cancellation) =>
        WithinAMinute(token => stream.ReadAsync(buffer, token).AsTask(), cancellation);

    private static async Task<T> WithinAMinute<T>(Func<CancellationToken, Task<T>> action, CancellationToken cancellation)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        silence.CancelAfter(TimeSpan.FromMinutes(1));
        try
        {
            return await action(silence.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException("The hub did not answer in time.");
        }
    }
}
