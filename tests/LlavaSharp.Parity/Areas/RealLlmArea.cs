using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using LlavaSharp.Prompts;
using static TorchSharp.torch;

namespace LlavaSharp.Parity.Areas;

/// <summary>A real small language model: chat template, ids, logits, greedy answers and the likelihood of a text, with weights in float32 and rounded to float16.</summary>
internal sealed class RealLlmArea : IParityArea
{
    private const string InputsFile = "inputs.json";
    private const double LogitTolerance = 2e-3;
    private const double MarginBound = 0.01;
    private const double LikelihoodTolerance = 5e-3;
    private const double MeanTolerance = 1e-3;      // relative
    private const int PositionsAtOnce = 128;        // whose logits lie in memory together

    // the goldens, and how the weights are brought into the form that each was made with
    private static readonly (string Name, Func<string, string, string> Prepare)[] _variants =
    [
        ("gguf_float32_weights", (weights, _) => weights),
        ("hf_fp16_weights", (weights, folder) =>
        {
            HalfPrecisionFolder.Write(weights, folder);
            return folder;
        }),
    ];

    public string Name => "real-llm";

    public void Check(AreaRun run)
    {
        foreach (var path in Directory.GetFiles(run.Folder, "peer-*.json"))
            run.Use(Path.GetFileName(path));   // information
        if (!run.Has(InputsFile))
            return;
        var inputs = run.Json(InputsFile);
        var weights = Path.Combine(run.Models, inputs.Text("gguf_file"));
        run.Case("inputs", c => CheckInputs(c, inputs, weights));
        var isFirst = true;
        foreach (var (name, prepare) in _variants)
        {
            // the prompts themselves are checked with the file as it is, also where no golden goes with it
            var golden = run.Has($"golden-{name}.json") ? run.Json($"golden-{name}.json") : (JsonElement?)null;
            if (golden is null && !isFirst)
                continue;
            var temporary = Directory.CreateTempSubdirectory("llava-parity-").FullName;
            try
            {
                CheckVariant(run, name, inputs, golden, weights, () => prepare(weights, temporary), isFirst);
            }
            finally
            {
                Directory.Delete(temporary, recursive: true);
            }
            isFirst = false;
        }
        if (File.Exists(weights) && inputs.TextOrNull("text_file") is { } textFile)
            QuantizedPerplexity.Check(run, weights, File.ReadAllText(run.Use(textFile)));
    }

    private static void CheckInputs(Comparison c, JsonElement inputs, string weights)
    {
        c.Fields(inputs, "gguf_sha256", "gguf_file", "prompts", "text_file", "text_ids");
        if (!File.Exists(weights))
        {
            c.Fail(Missing(weights));
            return;
        }
        using var file = File.OpenRead(weights);
        c.Equal("gguf_sha256", inputs.Text("gguf_sha256"), Convert.ToHexStringLower(SHA256.HashData(file)));
    }

    private static void CheckVariant(AreaRun run, string name, JsonElement inputs, JsonElement? golden, string weights, Func<string> prepare, bool withAllInputs)
    {
        LlavaModel? model = null;
        run.Case($"{name}:load", c =>
        {
            if (golden is { } root)
                c.Fields(root, "prompts", "text");
            if (File.Exists(weights))
                model = LlavaModel.Load(prepare(), options: new LoadOptions { Device = "cpu", DataType = "float32", Offline = true, Compatibility = CompatibilityOptions.Original });
            else
                c.Fail(Missing(weights));
        });
        using (model)
        {
            var recorded = golden is { } file ? file.GetProperty("prompts").EnumerateArray().ToDictionary(row => row.Text("name")) : [];
            foreach (var prompt in inputs.GetProperty("prompts").EnumerateArray())
                if (recorded.Remove(prompt.Text("name"), out var row) || withAllInputs)
                    Case($"{name}/{prompt.Text("name")}", (c, loaded) => CheckPrompt(c, loaded, prompt, row));
            foreach (var unknown in recorded.Keys)
                run.Case($"{name}/{unknown}", c => c.Fail($"{InputsFile} has no prompt of this name"));
            if (inputs.TextOrNull("text_file") is not { } textFile)
                return;
            var path = run.Use(textFile);
            Case($"{name}/text", (c, loaded) => CheckText(c, loaded, File.ReadAllText(path), inputs, golden));
        }

        void Case(string id, Action<Comparison, LlavaModel> check) => run.Case(id, c =>
        {
            if (model is not null)
                check(c, model);
            else
                c.Fail(File.Exists(weights) ? "the model did not load" : Missing(weights));
        });
    }

    private static string Missing(string weights) => $"the weights '{Path.GetFileName(weights)}' are not in '{Path.GetDirectoryName(weights)}' (--models DIR names another folder)";

    private static void CheckPrompt(Comparison c, LlavaModel model, JsonElement input, JsonElement golden)
    {
        c.Fields(input, "name", "messages", "text", "input_ids", "tokens");
        var conversation = input.HasValue("messages") ? Read(model, input.GetProperty("messages")) : null;
        if (conversation is not null)
            c.Equal("text", input.Text("text"), conversation.GetPrompt());
        var ids = model.EncodePrompt(input.Text("text"), 0, addSpecialTokens: conversation is not { WritesSpecialTokens: true });
        c.Sequence("input_ids", input.Ints("input_ids"), ids);
        if (golden.ValueKind != JsonValueKind.Object)
            return;
        c.Fields(golden, "name", "mean", "std", "top20_ids", "top20_values", "greedy_ids", "greedy_text", "greedy_margins");
        var expected = golden.Ints("greedy_ids");
        var margins = golden.Numbers("greedy_margins");
        if (expected.Length == 0)
        {
            c.Fail("greedy_ids is empty, so there are no logits to compare");
            return;
        }
        // answers are generated as everywhere; what follows a raw prompt is compared in one pass, which takes a twentieth of the time
        var (generated, steps) = conversation is not null ? Generate(model, ids, expected.Length) : Follow(model, ids, expected);
        var first = steps[0];
        List<double> own = [.. steps.Select(logits => GreedyComparison.Margin(logits))];
        LogitsComparison.CheckSpread(c, golden.Number("mean"), golden.Number("std"), first, LogitTolerance);
        LogitsComparison.CheckTop(c, golden.Ints("top20_ids"), golden.Numbers("top20_values"), first, LogitTolerance);
        GreedyComparison.Check(c, expected, margins, recorded: true, generated, MarginBound, () => c.Equal("greedy_text", golden.Text("greedy_text"), model.Tokenizer.Decode(generated)));
        // a margin is the difference of two logits
        for (var i = 0; i < Math.Min(margins.Length, own.Count) && (i == 0 || expected[i - 1] == generated[i - 1]); i++)
            c.Close(string.Create(CultureInfo.InvariantCulture, $"greedy_margins[{i}]"), margins[i], own[i], 2 * LogitTolerance);
    }

    // a greedy answer, and the logits of each of its steps
    private static (List<int> Ids, List<float[]> Steps) Generate(LlavaModel model, int[] ids, int count) => model.OnModelThread(() =>
    {
        var steps = new List<float[]>();
        using var scope = NewDisposeScope();
        using var merged = model.Merge(ids, []);
        var (generated, _) = GreedyComparison.Generate(model.CreateGenerator(), merged, count, steps.Add);
        return (generated, steps);
    });

    // what each step chooses when those before it chose what is recorded: one pass over the prompt and the recorded ids, but for the last
    private static (List<int> Ids, List<float[]> Steps) Follow(LlavaModel model, int[] ids, int[] recorded) => model.OnModelThread(() =>
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var merged = model.Merge([.. ids, .. recorded.AsSpan(0, recorded.Length - 1)], []);
        var language = model.Checkpoint.Network.Language;
        var hidden = language.Forward(merged.Embeddings, merged.Positions)[0].narrow(0, ids.Length - 1, recorded.Length);   // [n, C]
        List<float[]> steps = [.. Enumerable.Range(0, recorded.Length).Select(step => language.Logits(hidden[step]).data<float>().ToArray())];
        return (steps.ConvertAll(logits => Array.IndexOf(logits, logits.Max())), steps);
    });

    private static Conversation Read(LlavaModel model, JsonElement messages)
    {
        var conversation = model.CreateConversation();
        foreach (var message in messages.EnumerateArray())
        {
            if (message.Text("role") == "system")
                conversation.System = message.Text("content");
            else
                conversation.Append(message.Text("role"), message.Text("content"));
        }
        conversation.Append(conversation.Roles[1], null);
        return conversation;
    }

    private static void CheckText(Comparison c, LlavaModel model, string text, JsonElement inputs, JsonElement? golden)
    {
        var ids = model.Tokenizer.Encode(text);
        c.Sequence("text_ids", inputs.Ints("text_ids"), ids);
        if (golden is not { } root || !root.HasValue("text"))
            return;
        var expected = root.GetProperty("text");
        c.Fields(expected, "tokens", "nll_sum", "nll_mean", "perplexity", "nll");
        var actual = Likelihood(model, ids);
        c.Close("nll", [.. expected.Numbers("nll").Select(value => (float)value)], actual, LikelihoodTolerance);
        var mean = actual.Average(value => (double)value);
        c.Close("nll_mean", expected.Number("nll_mean"), mean, MeanTolerance * expected.Number("nll_mean"));
        c.Close("perplexity", expected.Number("perplexity"), Math.Exp(mean), MeanTolerance * expected.Number("perplexity"));
    }

    // of each token from the second on, in one window
    private static float[] Likelihood(LlavaModel model, int[] ids) => model.OnModelThread(() =>
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        using var merged = model.Merge(ids, []);
        var language = model.Checkpoint.Network.Language;
        var hidden = language.Forward(merged.Embeddings, merged.Positions)[0];                                    // [T, C]
        var next = tensor([.. ids.Skip(1).Select(id => (long)id)]);                                              // [T - 1]
        var values = new List<float>(ids.Length - 1);
        for (var i = 0; i < ids.Length - 1; i += PositionsAtOnce)
        {
            using var piece = NewDisposeScope();
            var count = Math.Min(PositionsAtOnce, ids.Length - 1 - i);
            var logits = language.Logits(hidden.narrow(0, i, count)).to(ScalarType.Float32);                      // [n, V]
            values.AddRange(nn.functional.cross_entropy(logits, next.narrow(0, i, count), reduction: nn.Reduction.None).data<float>());
        }
        return values.ToArray();
    });
}
