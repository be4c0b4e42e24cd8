using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Prompts;
using LlavaSharp.Serving.Controller;
using LlavaSharp.Serving.Web;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Parity.Areas.Serving;

/// <summary>The web server's functions in the place of the original's: events, models and templates, moderation.</summary>
internal static class WebCases
{
    private static readonly WebServerOptions _options = new() { Quirks = WebQuirks.Original, StateInterval = TimeSpan.Zero };

    /// <summary>Adds the cases of the files.</summary>
    public static void Check(AreaRun run)
    {
        Run("web-events.json", EventsAsync);
        Run("web-models.json", ModelsAsync);
        Run("web-moderation.json", ModerationAsync);
        // information only
        run.Use("web-log.json");

        void Run(string file, Func<AreaRun, JsonElement, Action<string, Func<Comparison, Task>>, Task> check)
        {
            if (!run.Has(file))
                return;
            var json = run.Json(file);
            check(run, json, (name, compare) => run.Case($"{file}:{name}", c => compare(c).GetAwaiter().GetResult())).GetAwaiter().GetResult();
        }
    }

    private static async Task EventsAsync(AreaRun run, JsonElement json, Action<string, Func<Comparison, Task>> addCase)
    {
        var folder = Directory.CreateTempSubdirectory("llava-web-").FullName;
        try
        {
            var name = json.GetProperty("model").GetString()!;
            using var model = LlavaModel.Load(Path.Combine(run.Root, "checkpoints", name), options: new()
            {
                Device = "cpu",
                DataType = json.GetProperty("dtype_of_computation").GetString()!,
                PixelRounding = json.GetProperty("pixel_rounding").GetString() switch { "float16" => PixelRounding.Float16, "bfloat16" => PixelRounding.BFloat16, _ => PixelRounding.None },
                Offline = true,
                Compatibility = CompatibilityOptions.Original,
            });
            var fakes = json.GetProperty("fake_models").EnumerateObject().ToDictionary(
                fake => fake.Name,
                fake => (IReadOnlyList<string>)[.. fake.Value.EnumerateArray().Select(frame => frame.ValueKind == JsonValueKind.String ? frame.GetString()! : frame.GetRawText())]);
            await using var worker = await LiveWorker.StartAsync(model).ConfigureAwait(false);
            await using var fake = await LiveWorker.StartAsync(null, fakes).ConfigureAwait(false);
            await using var controller = await ControllerServer.StartAsync(new() { Host = "127.0.0.1", Port = 0 }, logging => logging.SetMinimumLevel(LogLevel.None)).ConfigureAwait(false);
            var controllerUrl = controller.Address.ToString().TrimEnd('/');
            var addresses = new Dictionary<string, string>();
            foreach (var address in json.GetProperty("addresses").EnumerateObject())
                switch (address.Value.GetString()!)
                {
                    case "controller":
                        addresses[controllerUrl] = address.Name;
                        break;
                    case var role when role == $"worker of {name}":
                        addresses[worker.Address] = address.Name;
                        await RegisterAsync(controllerUrl, worker.Address, [name]).ConfigureAwait(false);
                        break;
                    case var role when role.Contains("nobody listens", StringComparison.Ordinal):
                        await RegisterAsync(controllerUrl, address.Name, [role.Split(' ')[0]]).ConfigureAwait(false);
                        break;
                    default:
                        addresses[fake.Address] = address.Name;
                        await RegisterAsync(controllerUrl, fake.Address, [.. fakes.Keys]).ConfigureAwait(false);
                        break;
                }
            using var handler = new RecordingHandler();
            using var server = new WebConversations(
                _options with
                {
                    ControllerUrl = controllerUrl,
                    LogFolder = folder,
                    Clock = new SteppingClock(json.GetProperty("clock_start").GetDouble(), json.GetProperty("clock_step").GetDouble()),
                    Today = () => DateOnly.Parse(json.GetProperty("today").GetString()!, System.Globalization.CultureInfo.InvariantCulture),
                },
                null,
                handler);
            var player = new WebPlayer(server, handler, addresses, json.GetProperty("client_ip").GetString()!, run.Use);
            var number = 0;
            foreach (var row in json.GetProperty("events").EnumerateArray())
            {
                if (row.TryGetProperty("event", out var kind))
                    addCase($"{number} {kind.GetString()}", c => player.PlayAsync(row, c));
                number++;
            }
            addCase("serve_images", c =>
            {
                c.Sequence("files", json.GetProperty("serve_images").EnumerateArray().Select(path => path.GetString()!).Order(StringComparer.Ordinal), Directory
                    .EnumerateFiles(Path.Combine(folder, "serve_images"), "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/')).Order(StringComparer.Ordinal));
                return Task.CompletedTask;
            });
            addCase("fields", c =>
            {
                c.Fields(json, "clock", "client_ip", "model", "models", "sampling", "addresses", "fake_models", "clock_start", "clock_step", "today", "pixel_rounding", "dtype_of_computation", "serve_images", "events");
                return Task.CompletedTask;
            });
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task RegisterAsync(string controller, string address, string[] models)
    {
        using var http = new HttpClient();
        using var content = new StringContent(new JsonObject
        {
            ["worker_name"] = address,
            ["check_heart_beat"] = false,
            ["worker_status"] = new JsonObject { ["model_names"] = new JsonArray([.. models.Select(model => (JsonNode)model)]), ["speed"] = 1, ["queue_length"] = 0 },
        }.ToJsonString());
        using var reply = await http.PostAsync($"{controller}/register_worker", content).ConfigureAwait(false);
        reply.EnsureSuccessStatusCode();
    }

    private static async Task ModelsAsync(AreaRun run, JsonElement json, Action<string, Func<Comparison, Task>> addCase)
    {
        addCase("fields", c =>
        {
            c.Fields(json, "templates", "model_lists", "load_demo", "known_models");
            return Task.CompletedTask;
        });
        foreach (var row in json.GetProperty("templates").EnumerateArray())
            addCase($"template of '{row.GetProperty("model").GetString()}'", c => TemplateAsync(row, c));
        var number = 0;
        foreach (var row in json.GetProperty("model_lists").EnumerateArray())
            addCase($"list {number++}", async c =>
            {
                c.Fields(row, "listed", "sorted");
                using var handler = Controller(row.GetProperty("listed"));
                using var server = new WebConversations(_options, null, handler);
                c.Equal("failure", null, await server.Models.RefreshAsync().ConfigureAwait(false));
                c.Sequence("sorted", row.GetProperty("sorted").EnumerateArray().Select(name => name.GetString()!), server.Models.Names);
                c.Sequence("requests", ["/refresh_all_workers", "/list_models"], handler.Take().Select(request => new Uri(request.Url).AbsolutePath));
            });
        number = 0;
        foreach (var row in json.GetProperty("load_demo").EnumerateArray())
            addCase($"load {number++}", async c =>
            {
                c.Fields(row, "url_params", "dropdown_value", "state_messages");
                using var handler = Controller(json.GetProperty("known_models"));
                using var server = new WebConversations(_options, null, handler);
                var load = await server.Open("192.0.2.1").LoadAsync(row.GetProperty("url_params").TextOrNull("model")).ConfigureAwait(false);
                c.Equal("dropdown_value", row.GetProperty("dropdown_value").GetString(), load.Selected);
                c.Equal("state_messages", row.GetProperty("state_messages").GetInt32(), load.State.Turns.Count);
            });
    }

    private static async Task TemplateAsync(JsonElement row, Comparison c)
    {
        c.Fields(row, "model", "templates_equal_to_the_chosen", "prompt", "error");
        var model = row.GetProperty("model").GetString()!;
        using var handler = new RecordingHandler((request, _, _) => Task.FromResult(request.RequestUri!.AbsolutePath == "/get_worker_address" ? Json("{\"address\":\"http://127.0.0.1:1\"}") : Json("")));
        using var server = new WebConversations(_options with { LogFolder = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()) }, null, handler);
        try
        {
            var conversation = server.Open("192.0.2.1");
            await conversation.AddTextAsync("Hello").ConfigureAwait(false);
            await foreach (var _ in conversation.AnswerAsync(new(model)).ConfigureAwait(false))
                continue;
            var prompt = JsonNode.Parse(handler.Take()[^1].Body)!["prompt"]!.GetValue<string>();
            if (row.TryGetProperty("error", out var error))
                return;   // Q20: goes on with a template that exists
            c.Equal("prompt", row.GetProperty("prompt").GetString(), prompt);
            c.Equal("template", true, row.GetProperty("templates_equal_to_the_chosen").EnumerateArray().Any(name => name.GetString() == ConversationTemplates.InferNameForWeb(model)));
        }
        finally
        {
            if (Directory.Exists(server.Options.LogFolder))
                Directory.Delete(server.Options.LogFolder, recursive: true);
        }
    }

    private static async Task ModerationAsync(AreaRun run, JsonElement json, Action<string, Func<Comparison, Task>> addCase)
    {
        addCase("fields", c =>
        {
            c.Fields(json, "stub_flags_texts_containing", "calls", "add_text");
            return Task.CompletedTask;
        });
        var number = 0;
        foreach (var row in json.GetProperty("calls").EnumerateArray())
            addCase($"call {number++}", c => CallAsync(row, c));

        var unwanted = json.GetProperty("stub_flags_texts_containing").GetString()!;
        using var handler = new RecordingHandler((_, body, _) =>
            Task.FromResult(Json($"{{\"results\":[{{\"flagged\":{(Encoding.UTF8.GetString(body).Contains(unwanted, StringComparison.Ordinal) ? "true" : "false")}}}]}}")));
        var nowhere = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());   // nothing is to be recorded
        using var server = new WebConversations(_options with { Moderate = true, ModerationKey = "test-key", LogFolder = nowhere }, null, handler);
        number = 0;
        foreach (var row in json.GetProperty("add_text").EnumerateArray())
            addCase($"add_text {number++}", c => new WebPlayer(server, handler, new Dictionary<string, string>(), "192.0.2.1", run.Use).PlayAsync(row, c));
    }

    private static async Task CallAsync(JsonElement row, Comparison c)
    {
        c.Fields(row, "text", "request", "body_is_valid_json", "reply", "reply_status", "raised", "flagged", "error");
        using var handler = new RecordingHandler(async (_, _, cancellation) =>
        {
            switch (row.GetProperty("raised").GetString())
            {
                case "ReadTimeout":
                    await Task.Delay(Timeout.Infinite, cancellation).ConfigureAwait(false);
                    break;
                case { } raised:
                    throw new HttpRequestException(raised);
            }
            var reply = row.GetProperty("reply");
            return Json(reply.ValueKind == JsonValueKind.String ? reply.GetString()! : reply.GetRawText(), (HttpStatusCode)row.GetProperty("reply_status").GetInt32());
        });
        var patience = _options.ModerationPatience;
        using var server = new WebConversations(_options with { Moderate = true, ModerationKey = "test-key", ModerationPatience = TimeSpan.FromMilliseconds(200) }, null, handler);
        var result = await server.Moderation.CheckAsync(row.GetProperty("text").GetString()!).ConfigureAwait(false);
        // a reply that the original fails at: nothing is flagged
        c.Equal("flagged", row.TryGetProperty("flagged", out var flagged) && flagged.GetBoolean(), result.IsFlagged);
        var wanted = row.GetProperty("request");
        c.Fields(wanted, "method", "url", "headers", "body_base64", "body_text", "timeout");
        var sent = handler.Take().Single();
        c.Equal("method", wanted.GetProperty("method").GetString(), sent.Method);
        c.Equal("url", wanted.GetProperty("url").GetString(), sent.Url);
        c.Equal("content-type", wanted.GetProperty("headers").GetProperty("Content-Type").GetString(), sent.ContentType);
        c.Equal("authorization", wanted.GetProperty("headers").GetProperty("Authorization").GetString(), sent.Authorization);
        c.Equal("body", wanted.GetProperty("body_base64").GetString(), Convert.ToBase64String(sent.Body));
        c.Equal("timeout", wanted.GetProperty("timeout").GetDouble(), patience.TotalSeconds);
    }

    private static RecordingHandler Controller(JsonElement models) => new((request, _, _) =>
        Task.FromResult(Json(request.RequestUri!.AbsolutePath == "/list_models" ? $"{{\"models\":{models.GetRawText()}}}" : "null")));

    private static HttpResponseMessage Json(string text, HttpStatusCode status = HttpStatusCode.OK) => new(status) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(text)) };
}
