using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Serving.Controller;
using LlavaSharp.Serving.Sglang;
using LlavaSharp.Serving.Workers;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Parity.Areas.Serving;

/// <summary>Our SGLang worker in the place of the original's: its HTTP side, and what it gives to its back end.</summary>
internal static class SglangCases
{
    private const string File = "sglang-worker.json";

    /// <summary>Adds the cases.</summary>
    public static void Check(AreaRun run)
    {
        if (!run.Has(File))
            return;
        var json = run.Json(File);
        var number = 0;
        foreach (var start in json.GetProperty("runs").EnumerateArray())
        {
            var run1 = number++;
            RunAsync(start, (name, compare) => run.Case($"{File}:{run1} {name}", c => compare(c).GetAwaiter().GetResult())).GetAwaiter().GetResult();
        }
        run.Case($"{File}:fields", c => c.Fields(json, "title", "runs", "steps"));
    }

    private static async Task RunAsync(JsonElement start, Action<string, Func<Comparison, Task>> addCase)
    {
        await using var controller = await ControllerServer.StartAsync(new() { Host = "127.0.0.1", Port = 0 }, Quiet).ConfigureAwait(false);
        using var controllerSteps = new Transcript(controller.Address, new Dictionary<string, string>());
        await controllerSteps.AskAsync("/register_worker", new JsonObject
        {
            ["worker_name"] = "http://127.0.0.1:1",
            ["check_heart_beat"] = false,
            ["worker_status"] = new JsonObject { ["model_names"] = JsonNode.Parse(start.GetProperty("other_models_of_the_controller").GetRawText()), ["speed"] = 1, ["queue_length"] = 0 },
        }.ToJsonString()).ConfigureAwait(false);
        var arguments = start.GetProperty("arguments").EnumerateArray().Select(argument => argument.GetString()!).ToArray();
        var name = Array.IndexOf(arguments, "--model-name") is >= 0 and var at ? arguments[at + 1] : null;
        var runtime = new ScriptedRuntime(start);
        var backend = await SglangBackend.CreateAsync(runtime, name).ConfigureAwait(false);
        var options = new WorkerOptions { Host = "127.0.0.1", Port = 0, ControllerAddress = controller.Address.ToString().TrimEnd('/'), Quirks = WorkerQuirks.Original };
        await using var server = await WorkerServer.StartAsync(options, backend, Quiet).ConfigureAwait(false);
        using var workerSteps = new Transcript(server.Address, new Dictionary<string, string>());
        var number = 0;
        foreach (var step in start.GetProperty("steps").EnumerateArray())
            addCase($"{number++} {(step.TryGetProperty("case", out var title) ? title.GetString() : step.GetProperty("request").GetProperty("path").GetString())}", async c =>
            {
                runtime.Sent.Clear();
                var steps = step.GetProperty("request").GetProperty("path").GetString()!.StartsWith("/worker_", StringComparison.Ordinal) ? workerSteps : controllerSteps;
                await steps.PlayAsync(step, c).ConfigureAwait(false);
                if (step.TryGetProperty("sent_to_back_end", out var sent))
                    c.Equal("sent to the back end", Canonical(JsonNode.Parse(sent.GetRawText())!.AsArray().Where(call => call!["event"]!.GetValue<string>() == "run")), Canonical(runtime.Sent));
            });
    }

    private static string Canonical(IEnumerable<JsonNode?> calls) => string.Join('\n', calls.Select(call =>
    {
        var arguments = call!["keyword_arguments"]!;
        // whole numbers and fractions are the same here
        return $"{arguments["temperature"]!.GetValue<double>():R} {arguments["top_p"]!.GetValue<double>():R} {call["parts"]!.ToJsonString()}";
    }));

    private static void Quiet(ILoggingBuilder logging) => logging.SetMinimumLevel(LogLevel.None);

    private sealed class ScriptedRuntime(JsonElement start) : ISglangRuntime
    {
        public List<JsonNode> Sent { get; } = [];

        public Task<string> GetModelPathAsync(CancellationToken cancellation) => Task.FromResult(start.GetProperty("back_end_model_path").GetString()!);

        public async IAsyncEnumerable<string> RunAsync(SglangProgram program, [EnumeratorCancellation] CancellationToken cancellation)
        {
            Sent.Add(new JsonObject
            {
                ["keyword_arguments"] = new JsonObject { ["temperature"] = program.Temperature, ["top_p"] = program.TopP },
                ["parts"] = new JsonArray(
                [
                    .. program.Parts.Select(part => part.Picture is { } picture
                        ? new JsonObject { ["image"] = new JsonObject { ["mode"] = "RGB", ["size"] = new JsonArray(picture.Width, picture.Height), ["md5_of_pixels"] = Convert.ToHexStringLower(MD5.HashData(picture.Rgb)) } }
                        : new JsonObject { ["text"] = part.Text }),
                    new JsonObject { ["gen"] = "response", ["max_tokens"] = program.MaxTokens },
                ]),
            });
            foreach (var piece in start.GetProperty("back_end_pieces").EnumerateArray())
            {
                await Task.Yield();
                var text = piece.GetString()!;
                if (text.StartsWith('!'))
                    throw new InvalidOperationException(text);
                yield return text;
            }
        }
    }
}
