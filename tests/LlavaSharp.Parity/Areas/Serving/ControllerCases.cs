using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Serving.Controller;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace LlavaSharp.Parity.Areas.Serving;

/// <summary>Our controller in the place of the original's: its endpoints, its relay, its lottery, and the workers that it forgets.</summary>
internal static class ControllerCases
{
    private const double Deviations = 4;   // that the shares of a lottery may be off

    private static readonly ControllerOptions _options = new() { Host = "127.0.0.1", Port = 0, SecondErrorFrame = true };

    /// <summary>Adds the cases of the four files.</summary>
    /// <param name="run">The area.</param>
    /// <param name="pace">What the pauses of the recorded worker, and the controller's patience with it, are multiplied by.</param>
    public static void Check(AreaRun run, double pace = 1)
    {
        Run(run, "controller.json", (json, step) => EndpointsAsync(json, step));
        Run(run, "controller-relay.json", (json, step) => RelayAsync(json, step, pace));
        Run(run, "controller-lottery.json", (json, step) => LotteryAsync(json, step));
        Run(run, "controller-expiry.json", (json, step) => ExpiryAsync(json, step));
    }

    private static void Run(AreaRun run, string file, Func<JsonElement, Action<string, Action<Comparison>>, Task> check)
    {
        if (run.Has(file))
            check(run.Json(file), (name, compare) => run.Case($"{file}:{name}", compare)).GetAwaiter().GetResult();
    }

    private static async Task EndpointsAsync(JsonElement json, Action<string, Action<Comparison>> addCase)
    {
        await using var server = await StartAsync(_options).ConfigureAwait(false);
        using var transcript = new Transcript(server.Address, new Dictionary<string, string>());
        Play(json, transcript, addCase, _ => { });
    }

    private static async Task RelayAsync(JsonElement json, Action<string, Action<Comparison>> addCase, double pace)
    {
        await using var worker = await ScriptedWorker.StartAsync(pace).ConfigureAwait(false);
        await using var server = await StartAsync(_options with { WorkerPatience = _options.WorkerPatience * pace }).ConfigureAwait(false);
        using var transcript = new Transcript(server.Address, new Dictionary<string, string> { [json.GetProperty("worker_address").GetString()!] = worker.Address });
        Play(json, transcript, addCase, worker.Follow);
        addCase("worker_received", c =>
        {
            var wanted = json.GetProperty("worker_received").EnumerateArray().ToArray();
            c.Sequence("requests", wanted.Select(request => $"{request.GetProperty("method")} {request.GetProperty("path")}"), worker.Received.Select(request => $"{request.Method} {request.Path}"));
            foreach (var (request, received) in wanted.Zip(worker.Received))
            {
                var body = request.GetProperty("body").GetString()!;
                c.Equal("body", true, body.Length == 0 ? received.Body.Length == 0 : JsonNode.DeepEquals(JsonNode.Parse(body), JsonNode.Parse(received.Body)));
                if (request.GetProperty("headers").TryGetProperty("content-type", out var type))
                    c.Equal("content-type", type.GetString(), received.ContentType);
            }
        });
    }

    private static async Task LotteryAsync(JsonElement json, Action<string, Action<Comparison>> addCase)
    {
        await using var server = await StartAsync(_options with { DispatchMethod = DispatchMethod.Lottery, Random = new Random(7) }).ConfigureAwait(false);
        using var transcript = new Transcript(server.Address, new Dictionary<string, string>());
        var shares = json.GetProperty("expected_shares").EnumerateObject().ToDictionary(share => share.Name, share => share.Value.GetDouble());
        var waiting = shares.Keys.ToHashSet();
        HashSet<string>? models = null;
        var number = 0;
        foreach (var step in json.GetProperty("steps").EnumerateArray())
        {
            addCase($"{number++}", c => transcript.PlayAsync(step, c).GetAwaiter().GetResult());
            if (waiting.Count == 0 || !step.GetProperty("request").TryGetProperty("json", out var sent) || !sent.TryGetProperty("worker_name", out var name) || !waiting.Remove(name.GetString()!))
                continue;
            var offered = sent.GetProperty("worker_status").GetProperty("model_names").EnumerateArray().Select(model => model.GetString()!);
            models = models is null ? [.. offered] : [.. models.Intersect(offered)];
            // all that take part are there
            if (waiting.Count == 0)
                addCase("draws", c => Draw(json.GetProperty("draws").GetInt32(), models.Single(), shares, transcript, c).GetAwaiter().GetResult());
        }
    }

    private static async Task Draw(int draws, string model, Dictionary<string, double> shares, Transcript transcript, Comparison c)
    {
        var counts = shares.Keys.ToDictionary(address => address, _ => 0);
        for (var i = 0; i < draws; i++)
            counts[(await transcript.AskAsync("/get_worker_address", new JsonObject { ["model"] = model }.ToJsonString()).ConfigureAwait(false))!["address"]!.GetValue<string>()]++;
        foreach (var (address, share) in shares)
            c.Close(address, share, (double)counts[address] / draws, Deviations * Math.Sqrt(share * (1 - share) / draws));
    }

    private static async Task ExpiryAsync(JsonElement json, Action<string, Action<Comparison>> addCase)
    {
        var clock = new FakeTimeProvider();
        await using var server = await StartAsync(_options with { Clock = clock }).ConfigureAwait(false);
        using var transcript = new Transcript(server.Address, new Dictionary<string, string>());
        foreach (var registration in json.GetProperty("registrations").EnumerateArray())
            await transcript.AskAsync("/register_worker", registration.GetRawText()).ConfigureAwait(false);
        var second = 0;
        string? listed = null;
        foreach (var step in json.GetProperty("steps").EnumerateArray())
        {
            var at = step.GetProperty("seconds").GetInt32();
            addCase($"second {at}", c => StepAsync(c).GetAwaiter().GetResult());

            async Task StepAsync(Comparison c)
            {
                if (listed is not null)
                {
                    await AdvanceAsync(at - 1).ConfigureAwait(false);   // a second may be off
                    c.Equal("models before", listed, await ListAsync().ConfigureAwait(false));
                }
                await AdvanceAsync(step.TryGetProperty("models", out var models) && at > 0 ? at + 1 : at).ConfigureAwait(false);
                if (models.ValueKind == JsonValueKind.Array)
                    c.Equal("models", listed = string.Join(' ', models.EnumerateArray()), await ListAsync().ConfigureAwait(false));
                else
                    c.Equal("reply", step.GetProperty("reply").GetProperty("exist").GetBoolean(),
                        (await transcript.AskAsync("/receive_heart_beat", step.GetProperty("request").GetRawText()).ConfigureAwait(false))!["exist"]!.GetValue<bool>());
            }
        }

        async Task<string> ListAsync() => string.Join(' ', ((await transcript.AskAsync("/list_models").ConfigureAwait(false))!["models"] as JsonArray)!.Select(name => name!.GetValue<string>()).Order(StringComparer.Ordinal));

        async Task AdvanceAsync(int until)
        {
            for (; second < until; second++)
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                await Task.Delay(5).ConfigureAwait(false);   // what the second woke runs on other threads
            }
        }
    }

    private static void Play(JsonElement json, Transcript transcript, Action<string, Action<Comparison>> addCase, Action<JsonElement> before)
    {
        var number = 0;
        foreach (var step in json.GetProperty("steps").EnumerateArray())
        {
            before(step);
            addCase($"{number++} {step.GetProperty("request").GetProperty("path")}", c => transcript.PlayAsync(step, c).GetAwaiter().GetResult());
        }
    }

    private static Task<ControllerServer> StartAsync(ControllerOptions options) => ControllerServer.StartAsync(options, logging => logging.SetMinimumLevel(LogLevel.None));
}
