using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Serving.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Parity.Areas.Serving;

/// <summary>Answers generation requests with a model, greedily, in a worker's frames; and with fixed frames for models that there are not.</summary>
internal sealed class LiveWorker : IAsyncDisposable
{
    private const int MostTokens = 1024;

    private readonly WebApplication _app;
    private readonly IGenerationEngine? _engine;
    private readonly IReadOnlyDictionary<string, IReadOnlyList<string>> _fixed;

    private LiveWorker(IGenerationEngine? engine, IReadOnlyDictionary<string, IReadOnlyList<string>> frames)
    {
        (_engine, _fixed) = (engine, frames);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = 64 << 20);
        _app = builder.Build();
        _app.MapPost("/worker_generate_stream", AnswerAsync);
    }

    /// <summary>Where it listens.</summary>
    public string Address => _app.Urls.First();

    /// <summary>Starts one.</summary>
    /// <param name="engine">What answers; null: nothing does.</param>
    /// <param name="frames">Frames by model; <c>{prompt}</c> in them is the prompt.</param>
    public static async Task<LiveWorker> StartAsync(IGenerationEngine? engine, IReadOnlyDictionary<string, IReadOnlyList<string>>? frames = null)
    {
        var worker = new LiveWorker(engine, frames ?? new Dictionary<string, IReadOnlyList<string>>());
        await worker._app.StartAsync().ConfigureAwait(false);
        return worker;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var json = (await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted).ConfigureAwait(false))!.AsObject();
        var prompt = json["prompt"]!.GetValue<string>();
        if (_fixed.TryGetValue(json["model"]!.GetValue<string>(), out var frames))
        {
            await context.Response.StartAsync(context.RequestAborted).ConfigureAwait(false);
            foreach (var frame in frames)
            {
                var filled = frame.StartsWith('{') && JsonNode.Parse(frame) is JsonObject said
                    ? new StreamFrame(said["text"]!.GetValue<string>().Replace("{prompt}", prompt, StringComparison.Ordinal), said["error_code"]!.GetValue<int>()).ToBytes()
                    : [.. System.Text.Encoding.UTF8.GetBytes(frame), 0];
                await context.Response.Body.WriteAsync(filled, context.RequestAborted).ConfigureAwait(false);
            }
            return;
        }
        var request = new GenerationRequest
        {
            Prompt = prompt,
            Images = [.. json["images"]!.AsArray().Select(text => Image.FromBytes(Convert.FromBase64String(text!.GetValue<string>())))],
            Options = new() { Temperature = 0, MaxNewTokens = Math.Min(json["max_new_tokens"]!.GetValue<int>(), MostTokens) },
        };
        var stop = json["stop"]!.GetValue<string>();
        var text = prompt;
        await foreach (var update in _engine!.GenerateAsync(request, context.RequestAborted).ConfigureAwait(false))
        {
            text += update.Text;
            if (text.EndsWith(stop, StringComparison.Ordinal))
                text = text[..^stop.Length];
            await context.Response.Body.WriteAsync(new StreamFrame(text, 0).ToBytes(), context.RequestAborted).ConfigureAwait(false);
            await context.Response.Body.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        }
    }
}
