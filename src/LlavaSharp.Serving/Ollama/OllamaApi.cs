using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.OpenAi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Ollama;

/// <summary>Ollama's interface over the models of this server: <c>/api/chat</c>, <c>/api/generate</c>, <c>/api/tags</c>, <c>/api/show</c>, <c>/api/ps</c>, <c>/api/version</c>.</summary>
public static class OllamaApi
{
    // the interface as of this version of Ollama: some clients ask for a least one
    private const string Version = "0.12.0";
    private const string Latest = ":latest";   // what clients put behind names without a tag

    /// <summary>Answers clients that look at <c>/</c> whether anybody is there, and leaves browsers, which want HTML, to a page that is mapped there.</summary>
    public static void UseOllamaGreeting(this IApplicationBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        app.Use((context, next) =>
            context.Request.Path == "/" && (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method)) && !context.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
                ? GreetAsync(context) : next(context));
    }

    /// <summary>Maps the endpoints.</summary>
    /// <param name="app">The application.</param>
    /// <param name="models">The models.</param>
    /// <param name="options">Limits.</param>
    /// <param name="greets">Whether <c>/</c> says that somebody is there; a host with a page of its own leaves it out, see <see cref="UseOllamaGreeting"/>.</param>
    /// <returns>For the host to add what it asks of all of them, such as keys.</returns>
    public static IEndpointConventionBuilder MapOllama(this IEndpointRouteBuilder app, ServedModels models, OpenAiOptions? options = null, bool greets = true)
    {
        ArgumentNullException.ThrowIfNull(app);
        ArgumentNullException.ThrowIfNull(models);
        options ??= new();
        var logger = app.ServiceProvider.GetRequiredService<ILoggerFactory>().CreateLogger("ollama");
        if (greets)
            app.MapMethods("/", ["GET", "HEAD"], GreetAsync);
        var group = app.MapGroup("/api");
        Get("/version", _ => new JsonObject { ["version"] = Version });
        Get("/tags", _ => new JsonObject { ["models"] = new JsonArray([.. models.All.Select(model => (JsonNode)Describe(model))]) });
        Get("/ps", _ => new JsonObject { ["models"] = new JsonArray([.. models.All.Select(model => (JsonNode)DescribeLoaded(model, options.Clock.GetUtcNow()))]) });
        Post("/show", async (context, request) => await OllamaReplies.WriteAsync(context, Show(Find(models, request))).ConfigureAwait(false));
        Post("/chat", (context, request) => ChatAsync(context, request, models, options));
        Post("/generate", (context, request) => GenerateAsync(context, request, models, options));
        return group;

        void Get(string path, Func<HttpContext, JsonObject> reply) => group.MapGet(path, OllamaReplies.Guard(context => OllamaReplies.WriteAsync(context, reply(context)), logger));

        void Post(string path, Func<HttpContext, RequestObject, Task> answer) =>
            group.MapPost(path, OllamaReplies.Guard(async context => await answer(context, await RequestObject.ReadAsync(context).ConfigureAwait(false)).ConfigureAwait(false), logger));
    }

    /// <summary>A time as Ollama writes it.</summary>
    internal static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);

    private static Task GreetAsync(HttpContext context) => context.Response.WriteAsync("Ollama is running", context.RequestAborted);

    private static async Task ChatAsync(HttpContext context, RequestObject request, ServedModels models, OpenAiOptions options)
    {
        var model = Find(models, request);
        OllamaRequests.RefuseWhatIsMissing(request);
        var form = OllamaRequests.Form(request, model.Engine.Model);
        var streams = request.Flag("stream") ?? true;
        var sampling = OllamaRequests.Options(request, options.MaxTokens) with { Constraint = form.Constraint };
        var messages = OllamaRequests.Messages(request, options);
        var answer = new OllamaAnswer(context, model, options.Clock, (line, piece) => line["message"] = new JsonObject { ["role"] = "assistant", ["content"] = piece }, form.Tools);
        if (messages.Count == 0)
            await answer.SayLoadedAsync(streams).ConfigureAwait(false);
        else
            await answer.SendAsync(await PromptAsync(model, messages, sampling, options, form.Tools, context.RequestAborted).ConfigureAwait(false), streams).ConfigureAwait(false);
    }

    private static async Task GenerateAsync(HttpContext context, RequestObject request, ServedModels models, OpenAiOptions options)
    {
        var model = Find(models, request);
        OllamaRequests.RefuseWhatIsMissing(request);
        request.Refuse("is not supported", "suffix", "template", "context", "tools");
        var form = OllamaRequests.Form(request, model.Engine.Model);
        var streams = request.Flag("stream") ?? true;
        var sampling = OllamaRequests.Options(request, options.MaxTokens) with { Constraint = form.Constraint };
        var pictures = OllamaRequests.Pictures(request, "images", options);
        var (prompt, system) = (request.Text("prompt") ?? "", request.Text("system"));
        var answer = new OllamaAnswer(context, model, options.Clock, (line, piece) => line["response"] = piece);
        if (prompt.Length == 0 && pictures.Count == 0)
        {
            await answer.SayLoadedAsync(streams).ConfigureAwait(false);
            return;
        }
        if (request.Flag("raw") == true)
        {
            var images = pictures.Cast<DataContent>().Select(picture => Imaging.Image.FromBytes(picture.Data.Span, options.Pictures)).ToArray();
            await answer.SendAsync(new() { Prompt = prompt, Images = images, Options = sampling }, streams).ConfigureAwait(false);
            return;
        }
        List<ChatMessage> messages = string.IsNullOrEmpty(system) ? [] : [new(ChatRole.System, system)];
        messages.Add(new(ChatRole.User, [.. pictures, new TextContent(prompt)]));
        await answer.SendAsync(await PromptAsync(model, messages, sampling, options, null, context.RequestAborted).ConfigureAwait(false), streams).ConfigureAwait(false);
    }

    private static async Task<GenerationRequest> PromptAsync(ServedModel model, IReadOnlyList<ChatMessage> messages, GenerationOptions sampling, OpenAiOptions options, ToolUse? tools, CancellationToken cancellation)
    {
        var (conversation, pictures) = await ChatRequests.ConversationAsync(model.Engine.Model, messages, null, new() { Pictures = options.Pictures }, cancellation, tools).ConfigureAwait(false);
        return GenerationRequest.For(conversation, pictures, sampling);
    }

    private static ServedModel Find(ServedModels models, RequestObject request)
    {
        // older clients of /api/show say "name"
        var name = request.Text("model") ?? request.Text("name") ?? throw request.Missing("model");
        return models.Find(name) ?? (name.EndsWith(Latest, StringComparison.Ordinal) ? models.Find(name[..^Latest.Length]) : null)
            ?? throw new OpenAiException(404, $"model '{name}' not found");
    }

    private static JsonObject Describe(ServedModel model) => new()
    {
        ["name"] = model.Name,
        ["model"] = model.Name,
        ["modified_at"] = Time(model.Created),
        ["size"] = 0,
        ["digest"] = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(model.Name))),   // there is no layer to hash: the name is what tells models apart
        ["details"] = Details(model),
    };

    private static JsonObject DescribeLoaded(ServedModel model, DateTimeOffset now)
    {
        var loaded = Describe(model);
        loaded.Remove("modified_at");
        loaded["expires_at"] = Time(now.AddYears(1));   // models stay
        loaded["size_vram"] = 0;
        loaded["context_length"] = model.Engine.Model.ContextLength;
        return loaded;
    }

    private static JsonObject Show(ServedModel model)
    {
        var known = model.Engine.Model;
        return new()
        {
            ["modelfile"] = $"FROM {model.Name}\n",
            ["parameters"] = "",
            ["template"] = known.TemplateName,
            ["details"] = Details(model),
            ["model_info"] = new JsonObject { ["general.architecture"] = "llava", ["general.basename"] = model.Name, ["llava.context_length"] = known.ContextLength, ["llava.embedding_length"] = known.Config.HiddenSize, ["llava.block_count"] = known.Config.NumHiddenLayers },
            ["capabilities"] = known.SeesImages ? new JsonArray("completion", "vision", "tools") : new JsonArray("completion", "tools"),
            ["modified_at"] = Time(model.Created),
        };
    }

    private static JsonObject Details(ServedModel model) => new()
    {
        ["parent_model"] = model.Adapter is null ? "" : model.Engine.Model.Name,
        ["format"] = "safetensors",
        ["family"] = "llava",
        ["families"] = model.Engine.Model.SeesImages ? new JsonArray("llava", "clip") : new JsonArray("llava"),
        ["parameter_size"] = "",
        ["quantization_level"] = model.Engine.Model.DataType,
    };
}
