using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.IO;

namespace LlavaSharp.Serving.Protocol;

/// <summary>Asks the controller as its clients do.</summary>
/// <param name="http">What sends; without a time limit of its own.</param>
/// <param name="url">Where the controller listens.</param>
/// <param name="patience">So long it may take; three times as long to refresh its list.</param>
/// <param name="clock">What measures it.</param>
internal sealed class ControllerClient(HttpClient http, string url, TimeSpan patience, TimeProvider clock)
{
    private const int MostBytes = 4 << 20;

    /// <summary>Makes it ask all its workers.</summary>
    /// <exception cref="ControllerException">It cannot be asked.</exception>
    public Task RefreshAsync(CancellationToken cancellation) => PostAsync("/refresh_all_workers", null, 3 * patience, cancellation);

    /// <summary>The models that its workers have, and the conversation templates that go with them whatever their names are.</summary>
    /// <exception cref="ControllerException">It cannot be asked.</exception>
    public async Task<(IReadOnlyList<string> Names, IReadOnlyDictionary<string, string> Templates)> ModelsAsync(CancellationToken cancellation) => Read<(IReadOnlyList<string>, IReadOnlyDictionary<string, string>)>(
        await PostAsync("/list_models", null, patience, cancellation).ConfigureAwait(false),
        json => json["models"] is JsonArray names ? ([.. names.Select(name => ProtocolJson.Text(name, "models"))], WorkerStatus.ReadTemplates(json)) : throw new ProtocolException("'models' is missing or no list."));

    /// <summary>The address of a worker that has a model; empty: there is none.</summary>
    /// <exception cref="ControllerException">It cannot be asked.</exception>
    public async Task<string> AddressAsync(string model, CancellationToken cancellation) => Read(
        await PostAsync("/get_worker_address", new JsonObject { ["model"] = model }, patience, cancellation).ConfigureAwait(false),
        json => ProtocolJson.Text(json, "address"));

    private T Read<T>(byte[] reply, Func<JsonObject, T> read)
    {
        try
        {
            return read(ProtocolJson.Object(reply));
        }
        catch (Exception exception) when (exception is ProtocolException or InvalidOperationException)   // the latter: a text with half a character
        {
            throw new ControllerException($"What listens at {url} is no controller: {exception.Message} Check --controller-url.", exception);
        }
    }

    private async Task<byte[]> PostAsync(string path, JsonObject? json, TimeSpan limit, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url.TrimEnd('/') + path);
        if (json is not null)
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(PythonJson.Dump(json))) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var timer = new CancellationTokenSource(limit, clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, linked.Token).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK)
                throw new ControllerException($"The controller at {url} answered {(int)response.StatusCode} to {path}. Check --controller-url.");
            await response.Content.LoadIntoBufferAsync(MostBytes, linked.Token).ConfigureAwait(false);
            return await response.Content.ReadAsByteArrayAsync(linked.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (!cancellation.IsCancellationRequested)
        {
            throw new ControllerException($"The controller at {url} did not answer within {limit.TotalSeconds:0} seconds. Check that it runs (llava controller).", exception);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw new ControllerException($"The controller at {url} cannot be reached: {exception.Message} Check that it runs (llava controller), and --controller-url.", exception);
        }
    }
}
