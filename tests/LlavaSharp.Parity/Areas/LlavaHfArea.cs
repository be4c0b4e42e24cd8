using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Models;
using LlavaSharp.Prompts;
using LlavaSharp.Tokenizers;
using static TorchSharp.torch;

namespace LlavaSharp.Parity.Areas;

/// <summary>Tiny checkpoints in the layouts of Hugging Face's own classes: ids, tiles, features, logits and greedy output.</summary>
internal sealed class LlavaHfArea : IParityArea
{
    private const double PixelTolerance = 1e-6;
    private const double MeanTolerance = 1e-5;
    private const double FeatureTolerance = 1e-4;
    private const double LogitTolerance = 1e-3;
    private const double MarginBound = 0.01;
    private const int EndId = 2;                  // the README: greedy_text is cut after the first id 2
    private const string GoldenFile = "golden.json";
    private const string TensorFile = "golden.safetensors";

    public string Name => "llava-hf";

    public void Check(AreaRun run)
    {
        run.UseAll("pictures");
        foreach (var folder in Directory.GetDirectories(run.Folder).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal))
        {
            // a smaller copy may hold a checkpoint that only another area asks for
            if (run.Has(Path.Combine(folder, "config.json")))
                run.UseAll(folder);
            if (run.Has(Path.Combine(folder, GoldenFile)))
                CheckSet(run, folder, run.Json(Path.Combine(folder, GoldenFile)));
        }
    }

    private static void CheckSet(AreaRun run, string folder, JsonElement set)
    {
        var path = Path.Combine(run.Folder, folder);
        LlavaModel? model = null;
        Tokenizer? slow = null;
        run.Case($"{folder}:load", c =>
        {
            c.Fields(set, "seed", "class", "storage", "compute", "image_token_id", "cases");
            model = LlavaModel.Load(path, options: new LoadOptions { Device = "cpu", DataType = "float32", Offline = true, Compatibility = CompatibilityOptions.Original });
            if (File.Exists(Path.Combine(path, "tokenizer.model")))
                slow = TokenizerLoader.Load(path, TokenizerKind.Slow);
            if (set.HasValue("image_token_id"))
                c.Equal("image_token_id", set.Int("image_token_id"), model.Config.ImageTokenId);
            // 1.6 is the class that merges tiles
            if (set.HasValue("class"))
                c.Equal("class", set.Text("class"), model.Config.ImageAspectRatio == ImagePreprocessor.AnyRes ? "LlavaNextForConditionalGeneration" : "LlavaForConditionalGeneration");
        });
        using (model)
        using (var tensors = new GoldenTensors(run.Has(Path.Combine(folder, TensorFile)) ? SafetensorsFile.Open(run.Use(Path.Combine(folder, TensorFile))) : null))
        {
            var owners = new List<string>();
            foreach (var row in set.GetProperty("cases").EnumerateArray())
            {
                var id = $"case{owners.Count}";
                owners.Add(id);
                run.Case($"{folder}/{id}", c => CheckCase(run, c, model ?? throw new InvalidOperationException("the model did not load"), slow, row, id, tensors));
            }
            if (model is not null && tensors.Unknown(name => CaseOf(name) >= owners.Count).ToArray() is { Length: > 0 } unknown)
                run.Case($"{folder}/{TensorFile}", c => c.Fail($"no check knows the tensors {string.Join(", ", unknown)}"));
        }
    }

    // the number N of "caseN.part"; -1: it names none
    private static int CaseOf(string tensor) =>
        tensor.StartsWith("case", StringComparison.Ordinal) && tensor.IndexOf('.', StringComparison.Ordinal) is > 4 and var dot
        && int.TryParse(tensor.AsSpan(4, dot - 4), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;

    private static void CheckCase(AreaRun run, Comparison c, LlavaModel model, Tokenizer? slow, JsonElement row, string id, GoldenTensors tensors)
    {
        c.Fields(row, "prompt", "pictures", "picture_sizes_wh", "image_sizes_hw", "input_ids_one_per_image", "input_ids_one_per_image_slow_tokenizer",
            "input_ids_expanded_length", "pixel_values_shape", "pixel_u8_sha256", "pixel_values_mean_per_tile", "pixel_u8_round_trip_max_error", "packed_length",
            "last_logits_top5", "last_logits_std", "greedy_ids_ignoring_eos", "greedy_margins", "greedy_text", "generate_agrees");
        var prompt = row.Text("prompt");
        var images = row.Texts("pictures").Select(name => Image.Load(Path.Combine(run.Folder, name))).ToList();
        CheckSizes(c, row, images);
        var ids = model.EncodePrompt(prompt, images.Count);
        var marker = model.Config.ImageTokenId!.Value;
        var expected = row.Ints("input_ids_one_per_image");
        c.Sequence("input_ids_one_per_image", expected.Select(value => value == marker ? LlavaConstants.ImageTokenIndex : value), ids);
        if (slow is not null)
            c.Sequence("input_ids_one_per_image_slow_tokenizer", row.HasValue("input_ids_one_per_image_slow_tokenizer") ? row.Ints("input_ids_one_per_image_slow_tokenizer") : expected, slow.Encode(prompt));
        else if (row.HasValue("input_ids_one_per_image_slow_tokenizer"))
            c.Fail("input_ids_one_per_image_slow_tokenizer: the folder has no tokenizer.model");
        var pixels = model.PreparePixels(images);
        CheckPixels(c, model, row, images, pixels, id, tensors);
        model.OnModelThread(() =>
        {
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            CheckNetwork(c, model, row, ids, pixels, id, tensors);
            return true;
        });
    }

    private static void CheckSizes(Comparison c, JsonElement row, List<Image> images)
    {
        if (row.HasValue("picture_sizes_wh"))
            c.Sequence("picture_sizes_wh", Flat(row.GetProperty("picture_sizes_wh")), images.SelectMany(image => new[] { image.Width, image.Height }));
        if (row.HasValue("image_sizes_hw"))
            c.Sequence("image_sizes_hw", Flat(row.GetProperty("image_sizes_hw")), images.SelectMany(image => new[] { image.Height, image.Width }));
    }

    private static void CheckPixels(
        Comparison c, LlavaModel model, JsonElement row, List<Image> images, IReadOnlyList<PixelValues> pixels, string id, GoldenTensors tensors)
    {
        if (pixels.Count == 0)
        {
            foreach (var name in (ReadOnlySpan<string>)["pixel_values_shape", "pixel_u8_sha256", "pixel_values_mean_per_tile"])
                c.Equal($"{name} without a picture", false, row.HasValue(name));
            return;
        }
        var views = ImagePreprocessor.RenderViews(images, model.ImageProcessor!, model.Config.ImageAspectRatio, model.Config.ImageGridPinpoints, CompatibilityOptions.Original);
        var bytes = views.SelectMany(picture => picture).SelectMany(ChannelsFirst).ToArray();
        if (row.HasValue("pixel_u8_sha256"))
            c.Equal("pixel_u8_sha256", row.Text("pixel_u8_sha256"), Convert.ToHexStringLower(SHA256.HashData(bytes)));
        CheckTensor(c, tensors, $"{id}.pixel_u8", 0, [pixels.Sum(picture => picture.Tiles), 3, pixels[0].Height, pixels[0].Width], () => [.. bytes.Select(value => (float)value)]);
        // pictures with fewer tiles than another are filled up with zeros
        var most = pixels.Max(picture => picture.Tiles);
        int[] shape = pixels[0].HasTileAxis ? [pixels.Count, most, 3, pixels[0].Height, pixels[0].Width] : [pixels.Count, 3, pixels[0].Height, pixels[0].Width];
        if (row.HasValue("pixel_values_shape"))
            c.Sequence("pixel_values_shape", row.Ints("pixel_values_shape"), shape);
        var tile = 3 * pixels[0].Height * pixels[0].Width;
        var values = pixels.SelectMany(picture => picture.Data.Concat(new float[(most - picture.Tiles) * tile])).ToArray();
        CheckTensor(c, tensors, $"{id}.pixel_values", PixelTolerance, [.. shape.Select(side => (long)side)], () => values);
        if (!row.HasValue("pixel_values_mean_per_tile"))
            return;
        var means = row.Numbers("pixel_values_mean_per_tile");
        var actual = pixels.SelectMany(picture => picture.Data.Chunk(tile)).Select(values => values.Average(value => (double)value)).ToArray();
        c.Equal("number of pixel_values_mean_per_tile", means.Length, actual.Length);
        for (var i = 0; i < Math.Min(means.Length, actual.Length); i++)
            c.Close($"pixel_values_mean_per_tile[{i}]", means[i], actual[i], MeanTolerance);
    }

    private static void CheckNetwork(Comparison c, LlavaModel model, JsonElement row, int[] ids, IReadOnlyList<PixelValues> pixels, string id, GoldenTensors tensors)
    {
        var network = model.Checkpoint.Network;
        var merges = pixels.Count > 0 && pixels[0].HasTileAxis;
        var features = network.EncodeImages(pixels, ScalarType.Float32, CPU);
        CheckTensor(c, tensors, $"{id}.image_features", FeatureTolerance, () => network.Encode(cat([.. pixels.Select(p => tensor(p.Data, [p.Tiles, 3, p.Height, p.Width]))], 0)));
        CheckTensor(c, tensors, $"{id}.packed_features", FeatureTolerance, () => cat([.. features], 0));
        if (row.HasValue("packed_length"))
            c.Equal("packed_length", row.Int("packed_length"), merges ? features.Sum(f => (int)f.shape[0]) : -1);
        using var merged = model.Merge(ids, pixels);
        if (row.HasValue("input_ids_expanded_length"))
            c.Equal("input_ids_expanded_length", row.Int("input_ids_expanded_length"), merged.Plan.Length);
        var logits = network.Language.Logits(network.Language.Forward(merged.Embeddings, merged.Positions))[0, -1];   // [V]
        CheckTensor(c, tensors, $"{id}.last_logits", LogitTolerance, () => logits);
        if (row.HasValue("greedy_ids_ignoring_eos"))
            CheckGreedy(c, model, merged, row);
    }

    private static void CheckGreedy(Comparison c, LlavaModel model, MergedBatch merged, JsonElement row)
    {
        var expected = row.Ints("greedy_ids_ignoring_eos");
        var (ids, own) = GreedyComparison.Generate(new TextGenerator(model.Checkpoint.Network.Language, [], null), merged, expected.Length);
        var recorded = row.HasValue("greedy_margins");
        GreedyComparison.Check(c, expected, recorded ? row.Numbers("greedy_margins") : own, recorded, ids, MarginBound, () =>
        {
            var end = ids.IndexOf(EndId);
            if (row.HasValue("greedy_text"))
                c.Equal("greedy_text", row.Text("greedy_text"), TextStream.Decode(model.Tokenizer, end < 0 ? ids : ids[..(end + 1)]));
        });
    }

    private static void CheckTensor(Comparison c, GoldenTensors tensors, string name, double allowed, Func<Tensor> compute)
    {
        if (tensors.Find(name) is null)
            return;
        var actual = compute();
        CheckTensor(c, tensors, name, allowed, actual.shape, () => actual.contiguous().data<float>().ToArray());
    }

    private static void CheckTensor(Comparison c, GoldenTensors tensors, string name, double allowed, long[] shape, Func<float[]> values)
    {
        if (tensors.Find(name) is not { } expected)
            return;
        c.Sequence($"shape of {name}", tensors.Shape(name), shape);
        c.Close(name, expected, values(), allowed);
    }

    // interleaved RGB to three planes
    private static IEnumerable<byte> ChannelsFirst(byte[] view)
    {
        for (var channel = 0; channel < 3; channel++)
            for (var i = channel; i < view.Length; i += 3)
                yield return view[i];
    }

    private static IEnumerable<int> Flat(JsonElement pairs) => pairs.EnumerateArray().SelectMany(pair => pair.Ints());
}
