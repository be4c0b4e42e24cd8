using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Models;
using LlavaSharp.Prompts;
using static TorchSharp.torch;

namespace LlavaSharp.Parity.Areas;

/// <summary>Tiny checkpoints in every layout: prompts, pixel values, features, embeddings, logits, losses, greedy and beam-search output.</summary>
internal sealed class CheckpointsArea : IParityArea
{
    private const double PixelTolerance = 1e-6;
    private const double FeatureTolerance = 2e-4;   // relative to the largest magnitude
    private const double LogitTolerance = 1e-3;
    private const double LossTolerance = 1e-4;
    private const double MarginBound = 0.002;
    private const double BeamTolerance = 1e-3;
    private const int BeamCount = 3;                // the README: "3 beams, 12 new tokens"
    private const int BeamTokens = 12;
    private const string GoldenFolder = "golden";

    private static readonly string AppliedDelta = Path.Combine(GoldenFolder, "delta-applied.safetensors");

    public string Name => "checkpoints";

    public void Check(AreaRun run)
    {
        foreach (var folder in Directory.GetDirectories(run.Folder).Select(path => Path.GetFileName(path)!).Where(name => name != GoldenFolder))
            run.UseAll(folder);
        if (!run.Has(GoldenFolder))
            return;
        // a smaller copy may lack the set that a file of tensors belongs to: then nothing says what they are
        foreach (var path in Directory.GetFiles(Path.Combine(run.Folder, GoldenFolder), "*.safetensors"))
            run.Use(Path.Combine(GoldenFolder, Path.GetFileName(path)));
        foreach (var path in Directory.GetFiles(Path.Combine(run.Folder, GoldenFolder), "*.json").Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileNameWithoutExtension(path);
            var temporary = Directory.CreateTempSubdirectory("llava-parity-").FullName;
            try
            {
                CheckSet(run, name, run.Json(Path.Combine(GoldenFolder, name + ".json")), temporary);
            }
            finally
            {
                Directory.Delete(temporary, recursive: true);
            }
        }
    }

    private static void CheckSet(AreaRun run, string name, JsonElement set, string temporary)
    {
        LlavaModel? model = null;
        var tensorFile = Path.Combine(GoldenFolder, name + ".safetensors");
        using var tensors = new GoldenTensors(run.Has(tensorFile) ? SafetensorsFile.Open(run.Use(tensorFile)) : null);
        run.Case($"{name}:load", c =>
        {
            c.Fields(set, "model", "model_dir", "model_base", "delta_base", "config_override", "dtype_of_computation", "cases");
            c.Equal("dtype_of_computation", "float32", set.TextOrNull("dtype_of_computation") ?? "float32");
            model = Load(run, c, set, temporary);
        });
        using (model)
        {
            var owners = new List<string>();
            foreach (var row in set.GetProperty("cases").EnumerateArray())
            {
                var isBatch = row.HasValue("padding_side");
                var id = row.Text(isBatch ? "padding_side" : "id");
                owners.Add(id);
                if (isBatch)
                    run.Case($"{name}/{id}", c => CheckBatch(run, c, Loaded(model), row, tensors));
                else
                    run.Case($"{name}/{id}", c => CheckCase(run, c, Loaded(model), row, tensors));
            }
            if (model is not null && tensors.Unknown(owners).ToArray() is { Length: > 0 } unknown)
                run.Case($"{name}.safetensors", c => c.Fail($"no check knows the tensors {string.Join(", ", unknown)}"));
        }
    }

    private static LlavaModel Loaded(LlavaModel? model) => model ?? throw new InvalidOperationException("the model did not load");

    private static LlavaModel Load(AreaRun run, Comparison c, JsonElement set, string temporary)
    {
        var folder = Path.Combine(run.Folder, set.Text("model_dir"));
        var overrides = set.HasValue("config_override") ? set.GetProperty("config_override").EnumerateObject().ToDictionary(p => p.Name, p => JsonNode.Parse(p.Value.GetRawText())) : [];
        if (set.TextOrNull("delta_base") is { } deltaBase)
        {
            DeltaTools.Apply(Path.Combine(run.Folder, deltaBase), folder, temporary);
            if (run.Has(AppliedDelta))
                CheckSum(c, SafetensorsFile.Open(run.Use(AppliedDelta)), temporary);
            // the tower lies beside the delta, not beside the sum
            if (LlavaConfig.Load(Path.Combine(folder, "config.json")).MmVisionTower is { } tower)
                overrides.TryAdd("mm_vision_tower", Path.Combine(run.Folder, tower));
            folder = temporary;
        }
        return LlavaModel.Load(folder, set.TextOrNull("model_base") is { } basis ? Path.Combine(run.Folder, basis) : null, options: new LoadOptions
        {
            Device = "cpu",
            DataType = "float32",
            Offline = true,
            ConfigOverrides = overrides,
            Compatibility = CompatibilityOptions.Original,
        });
    }

    private static void CheckSum(Comparison c, SafetensorsFile expected, string folder)
    {
        using (expected)
        using (var applied = CheckpointFolder.Open(folder))
        {
            foreach (var (name, tensor) in expected.Tensors)
            {
                if (!applied.Tensors.TryGetValue(name, out var sum))
                {
                    c.Fail($"the sum has no {name}");
                    continue;
                }
                c.Equal($"type of {name}", tensor.DataType, sum.DataType);
                c.Sequence($"shape of {name}", tensor.Shape, sum.Shape);
                c.Equal($"bytes of {name}", true, tensor.Bytes.SequenceEqual(sum.Bytes));
            }
        }
    }

    private static void CheckCase(AreaRun run, Comparison c, LlavaModel model, JsonElement row, GoldenTensors tensors)
    {
        c.Fields(row, "id", "template", "pictures", "question", "prompt", "input_ids", "sequence_length", "greedy_ids", "greedy_margins", "greedy_text",
            "beam3_ids", "beam3_score", "labels_from", "loss");
        var id = row.Text("id");
        var images = row.Texts("pictures").Select(name => Image.Load(Path.Combine(run.Folder, "pictures", name + ".png"))).ToList();
        var prompt = model.CreatePrompt(row.Text("question"), images.Count, row.Text("template"));
        if (row.HasValue("prompt"))
            c.Equal("prompt", row.Text("prompt"), prompt);
        var ids = model.EncodePrompt(prompt, images.Count);
        c.Sequence("input_ids", row.Ints("input_ids"), ids);
        var pixels = model.PreparePixels(images);
        for (var i = 0; i < pixels.Count; i++)
            if (tensors.Find($"{id}.pixel_values.{i}") is { } values)
                c.Close($"pixel_values.{i}", values, pixels[i].Data, PixelTolerance);
        model.OnModelThread(() =>
        {
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            if (tensors.Find($"{id}.image_features") is { } features)
                c.CloseRelative("image_features", features, Flat(EncodeTiles(model, pixels)), FeatureTolerance);
            using var merged = model.Merge(ids, pixels);
            if (row.HasValue("sequence_length"))
                c.Equal("sequence_length", row.Int("sequence_length"), merged.Plan.Length);
            if (tensors.Find($"{id}.inputs_embeds") is { } embeddings)
                c.CloseRelative("inputs_embeds", embeddings, Flat(merged.Embeddings), FeatureTolerance);
            CheckLogits(c, model, merged, tensors, id);
            CheckGreedy(c, model, merged, row);
            CheckBeams(c, model, merged, row);
            CheckLoss(c, model, ids, pixels, row);
            return true;
        });
    }

    private static void CheckLogits(Comparison c, LlavaModel model, MergedBatch merged, GoldenTensors tensors, string id)
    {
        var language = model.Checkpoint.Network.Language;
        var logits = language.Logits(language.Forward(merged.Embeddings, merged.Positions))[0];   // [T, V]
        if (tensors.Find($"{id}.logits_last") is { } last)
            c.Close("logits_last", last, Flat(logits[-1]), LogitTolerance);
        if (tensors.Find($"{id}.logits_argmax") is not { } expected)
            return;
        var (values, indices) = logits.topk(2, -1);
        float[] best = Flat(values);
        var actual = indices.data<long>().ToArray();
        c.Equal("length of logits_argmax", expected.Length, actual.Length / 2);
        for (var i = 0; i < Math.Min(expected.Length, actual.Length / 2); i++)
            if (best[2 * i] - best[2 * i + 1] > MarginBound)
                c.Equal($"logits_argmax[{i}]", (long)expected[i], actual[2 * i]);
    }

    private static void CheckGreedy(Comparison c, LlavaModel model, MergedBatch merged, JsonElement row)
    {
        if (!row.HasValue("greedy_ids"))
            return;
        var expected = row.Ints("greedy_ids");
        var (ids, own) = GreedyComparison.Generate(model.CreateGenerator(), merged, expected.Length);
        var recorded = row.HasValue("greedy_margins");
        GreedyComparison.Check(c, expected, recorded ? row.Numbers("greedy_margins") : own, recorded, ids, MarginBound, () =>
        {
            if (row.HasValue("greedy_text"))
                c.Equal("greedy_text", row.Text("greedy_text").Trim(), model.Tokenizer.Decode(ids).Trim());
        });
    }

    private static void CheckBeams(Comparison c, LlavaModel model, MergedBatch merged, JsonElement row)
    {
        if (!row.HasValue("beam3_ids"))
            return;
        // the first id is the start token that the original's library puts in front
        var expected = row.Ints("beam3_ids")[1..];
        var settings = new GenerationOptions { Temperature = 0, MaxNewTokens = BeamTokens, NumBeams = BeamCount }.Resolve();
        var best = model.CreateGenerator().GenerateBeams(merged, settings);
        if (!best.Ids.SequenceEqual(expected))
            c.Close("beam3_score", row.Number("beam3_score"), best.SumOfLogProbabilities / best.Ids.Count, BeamTolerance);
    }

    private static void CheckLoss(Comparison c, LlavaModel model, int[] ids, IReadOnlyList<PixelValues> pixels, JsonElement row)
    {
        if (!row.HasValue("labels_from") || !row.TryGetProperty("loss", out _))
            return;
        var from = row.Int("labels_from");
        var labels = ids.Select((id, i) => i < from || id < 0 ? LlavaConstants.IgnoreIndex : (long)id).ToArray();
        var network = model.Checkpoint.Network;
        using var merged = network.Merge([ids], [labels], network.EncodeImages(pixels, ScalarType.Float32, CPU), CPU, compatibility: CompatibilityOptions.Original);
        var loss = network.Loss(merged).item<float>();
        if (row.HasValue("loss"))
            c.Close("loss", row.Number("loss"), loss, LossTolerance);
        else
            c.Equal("loss is not a number", true, float.IsNaN(loss));
    }

    private static void CheckBatch(AreaRun run, Comparison c, LlavaModel model, JsonElement row, GoldenTensors tensors)
    {
        c.Fields(row, "padding_side", "input_ids", "attention_mask", "labels", "pictures", "merged_attention_mask", "merged_labels", "loss");
        var side = row.Text("padding_side");
        var masks = row.GetProperty("attention_mask").EnumerateArray().Select(mask => mask.Ints()).ToList();
        var ids = row.GetProperty("input_ids").EnumerateArray().Select((r, i) => r.Ints().Where((_, j) => masks[i][j] != 0).ToArray()).ToList();
        var labels = row.GetProperty("labels").EnumerateArray().Select((r, i) => r.Ints().Where((_, j) => masks[i][j] != 0).Select(v => (long)v).ToArray()).ToList();
        var images = row.Texts("pictures").Select(name => Image.Load(Path.Combine(run.Folder, "pictures", name + ".png"))).ToList();
        model.OnModelThread(() =>
        {
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            var network = model.Checkpoint.Network;
            var features = network.EncodeImages(model.PreparePixels(images), ScalarType.Float32, CPU);
            using var merged = network.Merge(ids, labels, features, CPU, padLeft: side == "left");
            if (tensors.Find($"{side}.inputs_embeds") is { } embeddings)
                c.CloseRelative("inputs_embeds", embeddings, Flat(merged.Embeddings), FeatureTolerance);
            var visible = merged.Visible ?? ones(merged.Embeddings.shape[0], merged.Embeddings.shape[1], ScalarType.Bool);
            if (row.HasValue("merged_attention_mask"))
                c.Sequence("merged_attention_mask", row.GetProperty("merged_attention_mask").EnumerateArray().SelectMany(mask => mask.Ints()), visible.data<bool>().ToArray().Select(v => v ? 1 : 0));
            if (row.HasValue("merged_labels"))
                c.Sequence("merged_labels", row.GetProperty("merged_labels").EnumerateArray().SelectMany(r => r.Ints()).Select(v => (long)v), merged.Labels.data<long>().ToArray());
            if (row.HasValue("loss"))
                c.Close("loss", row.Number("loss"), network.Loss(merged).item<float>(), LossTolerance);
            var hidden = network.Language.Forward(merged.Embeddings, merged.Positions, merged.Visible);
            var last = stack(merged.Plan.Rows.Select((r, i) => hidden[i, merged.Plan.PadLeft ? merged.Plan.Length - 1 : r.Length - 1]));
            if (tensors.Find($"{side}.logits_last_valid") is { } valid)
                c.Close("logits_last_valid", valid, Flat(network.Language.Logits(last)), LogitTolerance);
            return true;
        });
    }

    // the projected features of every tile of every picture, before tiles are merged
    private static Tensor EncodeTiles(LlavaModel model, IReadOnlyList<PixelValues> pixels) =>
        model.Checkpoint.Network.Encode(cat([.. pixels.Select(p => tensor(p.Data, [p.Tiles, 3, p.Height, p.Width]))], 0));

    private static float[] Flat(Tensor values) => values.to(ScalarType.Float32).contiguous().data<float>().ToArray();
}
