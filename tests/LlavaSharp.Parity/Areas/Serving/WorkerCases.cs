using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Serving.Clients;
using LlavaSharp.Serving.Controller;
using LlavaSharp.Serving.Workers;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Parity.Areas.Serving;

/// <summary>Our worker in the place of the original's: its endpoints, its queue, behind our controller, and asked by the small clients.</summary>
internal static class WorkerCases
{
    private static readonly WorkerOptions _options = new() { Host = "127.0.0.1", Port = 0, Quirks = WorkerQuirks.Original };

    /// <summary>Adds the cases of the files.</summary>
    /// <param name="run">The area.</param>
    /// <param name="pace">What the pauses of the recording are multiplied by.</param>
    /// <param name="engine">Makes what answers of a model; null: the model itself.</param>
    public static void Check(AreaRun run, double pace = 1, Func<LlavaModel, IGenerationEngine>? engine = null)
    {
        var make = engine ?? (model => model);
        Run("worker-generate.json", (json, add) => GenerateAsync(run, json, make, add));
        Run("worker-queue.json", (json, add) => QueueAsync(run, json, make, add, pace));
        Run("through-controller.json", (json, add) => ThroughControllerAsync(run, json, make, add, pace));
        Run("clients.json", (json, add) => ClientsAsync(run, json, make, add));
        run.Use("logs.json");   // information only

        void Run(string file, Func<JsonElement, Action<string, Func<Comparison, Task>>, Task> check)
        {
            if (run.Has(file))
                check(run.Json(file), (name, compare) => run.Case($"{file}:{name}", c => compare(c).GetAwaiter().GetResult())).GetAwaiter().GetResult();
        }
    }

    private static async Task GenerateAsync(AreaRun run, JsonElement json, Func<LlavaModel, IGenerationEngine> make, Action<string, Func<Comparison, Task>> addCase)
    {
        using var model = Load(run, json);
        // nobody waits for heartbeats here, nor for a thread that died
        var quirks = WorkerQuirks.Original with { HeartBeatsBlock = false, DeadThreadSilence = TimeSpan.Zero };
        await using var server = await StartAsync(_options with { Register = false, Quirks = quirks }, new EngineBackend(make(model), model.Name, quirks)).ConfigureAwait(false);
        using var transcript = new Transcript(server.Address, new Dictionary<string, string>());
        var number = 0;
        foreach (var step in json.GetProperty("steps").EnumerateArray())
        {
            var isDrawn = step.TryGetProperty("sampled", out var sampled) && sampled.GetBoolean();
            addCase($"{number++} {(step.TryGetProperty("case", out var name) ? name.GetString() : "status")}", c => transcript.PlayAsync(step, c, isDrawn ? FrameRule.Shape : FrameRule.Last));
        }
        addCase("fields", c =>
        {
            c.Fields(json, "title", "model", "context", "pixel_rounding", "dtype_of_computation", "steps");
            return Task.CompletedTask;
        });
    }

    private static async Task QueueAsync(AreaRun run, JsonElement json, Func<LlavaModel, IGenerationEngine> make, Action<string, Func<Comparison, Task>> addCase, double pace)
    {
        using var model = Load(run, json);
        var replies = json.GetProperty("controller_replies").EnumerateObject().ToDictionary(path => path.Name, path => new Queue<string>(path.Value.EnumerateArray().Select(reply => reply.GetString()!)));
        await using var controller = await RecordingServer.StartAsync(path =>
        {
            lock (replies)
                return (200, [Encoding.UTF8.GetBytes(replies[path].Count > 1 ? replies[path].Dequeue() : replies[path].Peek())]);   // the last one repeats
        }).ConfigureAwait(false);
        var told = json.GetProperty("told_controller");
        var address = JsonNode.Parse(told[0].GetProperty("body").GetString()!)!["worker_name"]!.GetValue<string>();
        var arguments = json.GetProperty("arguments").EnumerateArray().Select(argument => argument.GetString()!).ToArray();
        var options = _options with
        {
            ControllerAddress = controller.Address,
            WorkerAddress = address,
            LimitModelConcurrency = int.Parse(arguments[Array.IndexOf(arguments, "--limit-model-concurrency") + 1], System.Globalization.CultureInfo.InvariantCulture),
        };
        var backend = new SlowBackend(new EngineBackend(make(model), model.Name, WorkerQuirks.Original), TimeSpan.FromMilliseconds(pace * json.GetProperty("token_delay_ms").GetDouble()));
        await using var server = await StartAsync(options, backend).ConfigureAwait(false);
        using var transcript = new Transcript(server.Address, new Dictionary<string, string>());
        var steps = json.GetProperty("steps");
        var interval = TimeSpan.FromMilliseconds(pace * json.GetProperty("request_interval_ms").GetDouble());
        addCase("before", c => transcript.PlayAsync(steps[0], c));
        using var http = new HttpClient { BaseAddress = server.Address };
        var running = new List<Task<string>>();
        foreach (var request in json.GetProperty("requests").EnumerateArray())
        {
            running.Add(AskAsync(http, request.GetRawText()));
            await Task.Delay(interval).ConfigureAwait(false);
        }
        addCase("under load", c => transcript.PlayAsync(steps[1], c));
        var answers = await Task.WhenAll(running).ConfigureAwait(false);
        if (json.GetProperty("same_reply_to_all").GetBoolean())
            addCase("answers", c =>
            {
                c.Equal("different answers", 1, answers.Distinct(StringComparer.Ordinal).Count());
                return Task.CompletedTask;
            });
        addCase("after", c => transcript.PlayAsync(steps[2], c));
        // the last heartbeat goes out behind the last answer
        for (var waited = 0; controller.Received.Count < told.GetArrayLength() && waited < 100; waited++)
            await Task.Delay(20).ConfigureAwait(false);
        addCase("told_controller", c =>
        {
            controller.Compare(told, i => i == 0 || i == told.GetArrayLength() - 1, c);
            return Task.CompletedTask;
        });
        addCase("fields", c =>
        {
            c.Fields(json, "title", "told_controller", "same_reply_to_all", "model", "requests", "request_interval_ms", "token_delay_ms", "controller_replies", "arguments", "steps", "pixel_rounding", "dtype_of_computation");
            return Task.CompletedTask;
        });
    }

    private static async Task ThroughControllerAsync(AreaRun run, JsonElement json, Func<LlavaModel, IGenerationEngine> make, Action<string, Func<Comparison, Task>> addCase, double pace)
    {
        using var model = Load(run, json);
        var quirks = WorkerQuirks.Original with { DeadThreadSilence = WorkerQuirks.Original.DeadThreadSilence * pace };
        var controllerOptions = new ControllerOptions { Host = "127.0.0.1", Port = 0, SecondErrorFrame = true };
        await using var controller = await ControllerServer.StartAsync(controllerOptions with { WorkerPatience = controllerOptions.WorkerPatience * pace }, Quiet).ConfigureAwait(false);
        await using var server = await StartAsync(_options with { ControllerAddress = Url(controller.Address), Quirks = quirks }, new EngineBackend(make(model), model.Name, quirks)).ConfigureAwait(false);
        var recorded = json.GetProperty("steps").EnumerateArray()
            .Select(step => step.GetProperty("response")).Where(response => response.TryGetProperty("body_text", out _))
            .Select(response => JsonNode.Parse(response.GetProperty("body_text").GetString()!) is JsonObject body && body["address"]?.GetValue<string>() is { Length: > 0 } address ? address : null).First(address => address is not null)!;
        using var transcript = new Transcript(controller.Address, new Dictionary<string, string> { [recorded] = Url(server.Address) });
        var number = 0;
        foreach (var step in json.GetProperty("steps").EnumerateArray())
            addCase($"{number++} {step.GetProperty("request").GetProperty("path")}", c => transcript.PlayAsync(step, c, Frames(step)));
        addCase("fields", c =>
        {
            c.Fields(json, "title", "model", "pixel_rounding", "dtype_of_computation", "steps");
            return Task.CompletedTask;
        });

        // what the controller says itself is exact
        static FrameRule Frames(JsonElement step) => step.GetProperty("response").TryGetProperty("frames", out var frames) && frames[0].GetProperty("error_code").GetInt32() != 0 ? FrameRule.Exact : FrameRule.Last;
    }

    private static async Task ClientsAsync(AreaRun run, JsonElement json, Func<LlavaModel, IGenerationEngine> make, Action<string, Func<Comparison, Task>> addCase)
    {
        using var model = Load(run, json);
        await using var controller = await ControllerServer.StartAsync(new() { Host = "127.0.0.1", Port = 0 }, Quiet).ConfigureAwait(false);
        var backend = new GreedyBackend(new EngineBackend(make(model), model.Name, WorkerQuirks.Original));
        await using var server = await StartAsync(_options with { ControllerAddress = Url(controller.Address) }, backend).ConfigureAwait(false);
        var replies = new Queue<JsonElement>(json.GetProperty("server_replies").EnumerateArray());
        await using var recording = await RecordingServer.StartAsync(_ =>
        {
            lock (replies)
                return replies.Dequeue() is var reply ? (reply.GetProperty("status").GetInt32(), [.. reply.GetProperty("bytes_base64").EnumerateArray().Where(chunk => chunk.ValueKind == JsonValueKind.String).Select(chunk => chunk.GetBytesFromBase64())]) : default;
        }).ConfigureAwait(false);
        var addresses = json.GetProperty("addresses").EnumerateObject().ToDictionary(address => address.Name, address => address.Value.GetString()! switch
        {
            "controller" => Url(controller.Address),
            "recording server" => recording.Address,
            var role when role.StartsWith("worker", StringComparison.Ordinal) => Url(server.Address),
            _ => address.Name,   // nobody listens there
        });
        var number = 0;
        foreach (var step in json.GetProperty("steps").EnumerateArray())
            addCase($"{number++} {step.GetProperty("program").GetString()}", async c =>
            {
                c.Fields(step, "program", "arguments", "exit_code", "stdout", "error");
                using var output = new StringWriter();
                var code = 0;
                try
                {
                    await RunClientAsync(step, addresses, output).ConfigureAwait(false);
                }
                catch (LlavaException)
                {
                    code = 1;
                }
                c.Equal("exit_code", step.GetProperty("exit_code").GetInt32(), code);
                c.Equal("stdout", addresses.Aggregate(step.GetProperty("stdout").GetString()!, (text, pair) => text.Replace(pair.Key, pair.Value, StringComparison.Ordinal)), output.ToString());
            });
        addCase("received", c =>
        {
            recording.Compare(json.GetProperty("received"), _ => true, c);
            return Task.CompletedTask;
        });
        addCase("fields", c =>
        {
            c.Fields(json, "title", "received", "note", "addresses", "model", "server_replies", "pixel_rounding", "dtype_of_computation", "steps");
            return Task.CompletedTask;
        });
    }

    private static async Task RunClientAsync(JsonElement step, Dictionary<string, string> addresses, TextWriter output)
    {
        var arguments = step.GetProperty("arguments").EnumerateArray().Select(argument => addresses.GetValueOrDefault(argument.GetString()!, argument.GetString()!)).ToArray();
        switch (step.GetProperty("program").GetString())
        {
            case "test_message":
                await TestMessageClient.RunAsync(
                    Flag("--controller-address") ?? "", Flag("--worker-address"), Flag("--model-name")!, Flag("--message")!,
                    int.Parse(Flag("--max-new-tokens") ?? "32", System.Globalization.CultureInfo.InvariantCulture), output).ConfigureAwait(false);
                break;
            case "register_worker":
                // the worker's own address is told as it was recorded where nobody is asked for it
                await RegisterWorkerClient.RunAsync(Flag("--controller-address")!, Flag("--worker-name")!, Array.IndexOf(arguments, "--check-heart-beat") >= 0).ConfigureAwait(false);
                break;
            case var other:
                throw new InvalidDataException($"There is no program '{other}'.");
        }

        // as Python's argparse: the beginning of a flag will do
        string? Flag(string name) => Array.FindIndex(arguments, argument => argument.StartsWith("--", StringComparison.Ordinal) && name.StartsWith(argument, StringComparison.Ordinal)) is >= 0 and var at ? arguments[at + 1] : null;
    }

    private static async Task<string> AskAsync(HttpClient http, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var reply = await http.PostAsync("/worker_generate_stream", content).ConfigureAwait(false);
        return await reply.Content.ReadAsStringAsync().ConfigureAwait(false);
    }

    /// <summary>Loads the model of a file as its recording had it.</summary>
    internal static LlavaModel Load(AreaRun run, JsonElement json) => LlavaModel.Load(Path.Combine(run.Root, "checkpoints", json.GetProperty("model").GetString()!), options: new()
    {
        Device = "cpu",
        DataType = json.TryGetProperty("dtype_of_computation", out var type) ? type.GetString()! : "float32",
        PixelRounding = json.TryGetProperty("pixel_rounding", out var rounding) ? rounding.GetString() switch { "float16" => PixelRounding.Float16, "bfloat16" => PixelRounding.BFloat16, _ => PixelRounding.None } : PixelRounding.Float16,
        Offline = true,
        Compatibility = CompatibilityOptions.Original,
    });

    private static Task<WorkerServer> StartAsync(WorkerOptions options, IWorkerBackend backend) => WorkerServer.StartAsync(options, backend, Quiet);

    private static void Quiet(ILoggingBuilder logging) => logging.SetMinimumLevel(LogLevel.None);

    private static string Url(Uri address) => address.ToString().TrimEnd('/');
}
