using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using LlavaSharp.Imaging;

namespace LlavaSharp.Parity.Areas;

/// <summary>Decoding, resizing, padding, any-resolution and the CLIP processor.</summary>
public sealed class ImagingArea : IParityArea
{
    private const double RelativeOfSums = 1e-9;

    // The README: pinpoints are these multiples of the size.
    private static readonly (int Columns, int Rows)[] s_grids = [(1, 2), (2, 1), (2, 2), (3, 1), (1, 3)];

    public string Name => "imaging";

    public void Check(AreaRun run)
    {
        var sources = new ImagingSources(run);
        sources.Check();
        if (run.Has("resize.json"))
            CheckResize(run, sources);
        if (run.Has("expand2square.json"))
            CheckSquares(run, sources);
        if (run.Has("center_crop.json"))
            CheckCrops(run);
        if (run.Has("geometry.jsonl"))
            foreach (var (line, row) in run.Rows("geometry.jsonl"))
                run.Case($"geometry.jsonl:{line}", c => CheckGeometry(c, row));
        // a smaller copy may lack the rows that a file of tensors belongs to
        foreach (var path in Directory.GetFiles(run.Folder, "processor*.safetensors"))
            run.Use(Path.GetFileName(path));
        // one file a size, more or less: the rows say which
        foreach (var path in Directory.GetFiles(run.Folder, "processor*.jsonl").Order(StringComparer.Ordinal))
            CheckProcessor(run, sources, Path.GetFileNameWithoutExtension(path));
    }

    internal static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static (int, int) Pair(JsonElement row, string field) => (row.GetProperty(field)[0].GetInt32(), row.GetProperty(field)[1].GetInt32());

    private static void CheckResize(AreaRun run, ImagingSources sources)
    {
        var line = 0;
        foreach (var row in run.Json("resize.json").EnumerateArray())
            run.Case($"resize.json:{++line}", c =>
            {
                c.Fields(row, "image", "mode", "from", "to", "sha256", "png", "error");
                if (c.ErrorRow(row, () => PillowResize.Resize(sources.Rgb(row.Text("image")), Pair(row, "to").Item1, Pair(row, "to").Item2)))
                    return;
                var (name, mode) = (row.GetProperty("image").GetString()!, row.GetProperty("mode").GetString());
                var (width, height) = Pair(row, "to");
                byte[] actual;
                if (mode == "RGB")
                {
                    var image = sources.Rgb(name);
                    c.Equal("from", Pair(row, "from"), image.Size);
                    actual = PillowResize.Resize(image, width, height).Rgb.ToArray();
                }
                else
                {
                    var raw = sources.Raw(name);
                    c.Equal("mode", mode, raw.ModeName);
                    c.Equal("from", Pair(row, "from"), (raw.Width, raw.Height));
                    actual = PillowResize.Resize(raw, width, height).Data;
                }
                c.Equal("sha256", row.GetProperty("sha256").GetString(), Hash(actual));
                if (row.TextOrNull("png") is { } png && run.Has(png))
                {
                    var expected = sources.Decode(png);
                    c.Equal("png size", (expected.Width, expected.Height), (width, height));
                    c.Sequence("png", mode == "RGB" ? expected.ToRgb().Rgb.ToArray() : expected.Data, actual);
                }
            });
    }

    private static void CheckSquares(AreaRun run, ImagingSources sources)
    {
        var root = run.Json("expand2square.json");
        run.Case("expand2square.json", c => c.Fields(root, "colour", "cases"));
        var colour = root.GetProperty("colour");
        var fill = (colour[0].GetByte(), colour[1].GetByte(), colour[2].GetByte());
        var line = 0;
        foreach (var row in root.GetProperty("cases").EnumerateArray())
            run.Case($"expand2square.json:{++line}", c =>
            {
                c.Fields(row, "image", "from", "to", "sha256");
                var image = sources.Rgb(row.GetProperty("image").GetString()!);
                var square = ImageGeometry.ExpandToSquare(image, fill);
                c.Equal("colour", fill, new ClipImageProcessor(336).PadColour);
                c.Equal("from", Pair(row, "from"), image.Size);
                c.Equal("to", Pair(row, "to"), square.Size);
                c.Equal("sha256", row.GetProperty("sha256").GetString(), Hash(square.Rgb));
            });
    }

    private static void CheckCrops(AreaRun run)
    {
        var root = run.Json("center_crop.json");
        run.Case("center_crop.json", c => c.Fields(root, "input_rule", "cases"));
        var line = 0;
        foreach (var row in root.GetProperty("cases").EnumerateArray())
            run.Case($"center_crop.json:{++line}", c =>
            {
                c.Fields(row, "input_hw", "crop_hw", "output_hw", "output");
                var (height, width) = Pair(row, "input_hw");
                var (cropHeight, cropWidth) = Pair(row, "crop_hw");
                var (outputHeight, outputWidth) = Pair(row, "output_hw");
                var rgb = new byte[3 * width * height];
                for (var i = 0; i < rgb.Length; i++)
                    rgb[i] = (byte)(i / 3 % 255 + 1);
                var processor = new ClipImageProcessor(Math.Max(cropWidth, cropHeight), cropWidth, cropHeight, ClipImageProcessor.DefaultMean, ClipImageProcessor.DefaultStd) { DoResize = false };
                var image = Image.FromRgb(width, height, rgb);
                c.Equal("output_hw", (outputWidth, outputHeight), processor.ViewSize(width, height));
                var view = ImagePreprocessor.RenderViews([image], processor, null)[0][0];
                var expected = row.GetProperty("output").EnumerateArray().SelectMany(r => r.EnumerateArray()).Select(v => v.GetByte());
                for (var channel = 0; channel < 3; channel++)
                    c.Sequence($"output of channel {channel}", expected, view.Where((_, i) => i % 3 == channel));
            });
    }

    private static void CheckGeometry(Comparison c, JsonElement row)
    {
        c.Fields(row, "image", "pinpoints", "tile", "patches_per_side", "best", "grid_cols_rows", "resized", "pasted_at", "tiles", "map_rows_cols",
            "kept_rows_cols", "first_row_col", "tokens_spatial_unpad");
        var size = Pair(row, "image");
        var pinpoints = AnyResolution.ParsePinpoints(row.GetProperty("pinpoints"));
        int tile = row.GetProperty("tile").GetInt32(), patches = row.GetProperty("patches_per_side").GetInt32();
        var best = AnyResolution.SelectBest(size, pinpoints);
        c.Equal("best", Pair(row, "best"), best);
        var grid = AnyResolution.GridShape(size, pinpoints, tile);
        c.Equal("grid_cols_rows", Pair(row, "grid_cols_rows"), grid);
        var fit = AnyResolution.FitInside(size, best);
        c.Equal("resized", Pair(row, "resized"), (fit.Width, fit.Height));
        c.Equal("pasted_at", Pair(row, "pasted_at"), (fit.Left, fit.Top));
        c.Equal("tiles", row.GetProperty("tiles").GetInt32(), AnyResolution.CountTiles(best, tile));
        var map = (Rows: grid.Rows * patches, Columns: grid.Columns * patches);
        c.Equal("map_rows_cols", Pair(row, "map_rows_cols"), map);
        var kept = AnyResolution.Unpad(map.Rows, map.Columns, size);
        c.Equal("kept_rows_cols", Pair(row, "kept_rows_cols"), (kept.Rows, kept.Columns));
        // Where nothing is kept there is no first row and column.
        if (row.TryGetProperty("first_row_col", out _))
            c.Equal("first_row_col", Pair(row, "first_row_col"), (kept.FirstRow, kept.FirstColumn));
        else
            c.Equal("kept places", 0, kept.Rows * kept.Columns);
        c.Equal("tokens_spatial_unpad", row.GetProperty("tokens_spatial_unpad").GetInt32(), AnyResolution.CountTokens(size, pinpoints, tile, patches));
    }

    private static void CheckProcessor(AreaRun run, ImagingSources sources, string name)
    {
        var tensors = run.Has($"{name}.safetensors") ? new FloatTensors(run.Use($"{name}.safetensors")) : null;
        foreach (var (line, row) in run.Rows($"{name}.jsonl"))
            run.Case($"{name}.jsonl:{line}", c => CheckProcessorRow(c, row, sources, tensors));
    }

    private static void CheckProcessorRow(Comparison c, JsonElement row, ImagingSources sources, FloatTensors? tensors)
    {
        c.Fields(row, "images", "size", "mode", "pinpoints", "stacked", "shape", "outputs", "tensor", "unconverted", "error", "original_quirk");
        Image[] images = [.. row.GetProperty("images").EnumerateArray().Select(n => sources.Rgb(n.GetString()!))];
        var size = row.GetProperty("size").GetInt32();
        var processor = new ClipImageProcessor(size);
        var mode = row.GetProperty("mode").GetString();
        var pinpoints = row.HasValue("pinpoints")
            ? AnyResolution.ParsePinpoints(row.GetProperty("pinpoints"))
            : [.. s_grids.Select(grid => (grid.Columns * size, grid.Rows * size))];

        IReadOnlyList<PixelValues> Product() => ImagePreprocessor.Process(images, processor, mode, pinpoints, CompatibilityOptions.Original);
        if (row.TryGetProperty("error", out var error) && error.ValueKind != JsonValueKind.Null)
        {
            c.ErrorRow(row, () => ComparePlainReference(c, images, processor, mode, pinpoints, Product()));
            return;
        }
        // Rule 3: of a picture that is not converted, or that is misread, the recorded result is ok, or that of the RGB picture.
        var unconverted = row.HasValue("unconverted") && row.GetProperty("unconverted").GetBoolean();
        var misread = mode != "anyres" && images.Any(image => image.Height is 1 or 3);
        var recorded = unconverted || misread ? new Comparison() : c;
        var values = Product();
        CompareRecorded(recorded, row, values, ImagePreprocessor.RenderViews(images, processor, mode, pinpoints, CompatibilityOptions.Original), tensors);
        if (recorded.Failure is not null)
            ComparePlainReference(c, images, processor, mode, pinpoints, values);
    }

    private static void CompareRecorded(Comparison c, JsonElement row, IReadOnlyList<PixelValues> values, IReadOnlyList<IReadOnlyList<byte[]>> views, FloatTensors? tensors)
    {
        var stacked = PixelValues.CanStack(values);
        c.Equal("stacked", row.GetProperty("stacked").GetBoolean(), stacked);
        var shape = row.GetProperty("shape");
        if (stacked)
            c.Sequence("shape", shape.EnumerateArray().Select(d => d.GetInt32()), [values.Count, .. values[0].Shape]);
        else
            c.Equal("shape", JsonSerializer.Serialize(shape), JsonSerializer.Serialize(values.Select(v => v.Shape)));

        var outputs = row.GetProperty("outputs").EnumerateArray().ToArray();
        c.Equal("outputs", outputs.Length, values.Count);
        for (var i = 0; i < Math.Min(outputs.Length, values.Count); i++)
        {
            var output = outputs[i];
            c.Fields(output, "shape", "crop_rgb_sha256", "sum", "mean", "float32_sha256", "samples");
            c.Sequence("outputs.shape", output.GetProperty("shape").EnumerateArray().Select(d => d.GetInt32()), values[i].Shape);
            c.Sequence("crop_rgb_sha256", output.GetProperty("crop_rgb_sha256").EnumerateArray().Select(h => h.GetString()!), views[i].Select(view => Hash(view)));
            c.Equal("float32_sha256", output.GetProperty("float32_sha256").GetString(), Hash(MemoryMarshal.AsBytes<float>(values[i].Data)));
            foreach (var sample in output.GetProperty("samples").EnumerateArray())
                c.Equal($"samples[{sample[0]}]", sample[1].GetSingle(), values[i].Data[sample[0].GetInt32()]);
            var sum = ExactSum(values[i].Data);
            double expectedSum = output.GetProperty("sum").GetDouble(), expectedMean = output.GetProperty("mean").GetDouble();
            c.Close("sum", expectedSum, sum, RelativeOfSums * Math.Abs(expectedSum));
            c.Close("mean", expectedMean, sum / values[i].Data.Length, RelativeOfSums * Math.Abs(expectedMean));
        }
        if (row.TextOrNull("tensor") is { } key && tensors?.Find(key) is { } tensor)
        {
            // One picture's tensor has no batch axis.
            c.Sequence("tensor.shape", tensor.Shape, values.Count == 1 ? values[0].Shape : [values.Count, .. values[0].Shape]);
            c.Close("tensor", tensor.Data, values.SelectMany(v => v.Data).ToArray(), 0);
        }
    }

    // The same by the shortest way: whole pictures at every step, one formula for each value.
    private static void ComparePlainReference(
        Comparison c, Image[] images, ClipImageProcessor processor, string? mode, IReadOnlyList<(int, int)> pinpoints, IReadOnlyList<PixelValues> values)
    {
        for (var i = 0; i < images.Length; i++)
        {
            IReadOnlyList<Image> views = mode switch
            {
                "pad" => [ImageGeometry.ExpandToSquare(images[i], processor.PadColour)],
                "anyres" => [PillowResize.Resize(images[i], processor.ShortestEdge, processor.ShortestEdge),
                    .. AnyResolution.DivideToTiles(AnyResolution.ResizeAndPad(images[i], AnyResolution.SelectBest(images[i].Size, pinpoints)), processor.CropHeight)],
                _ => [images[i]],
            };
            var expected = views.SelectMany(view => ReferenceView(view, processor)).ToArray();
            c.Equal("tiles", views.Count, values[i].Tiles);
            c.Close("values of the RGB picture", expected, values[i].Data, 0);
        }
    }

    private static float[] ReferenceView(Image view, ClipImageProcessor processor)
    {
        var (width, height) = ImageGeometry.ShortestEdgeSize(view.Width, view.Height, processor.ShortestEdge);
        var resized = PillowResize.Resize(view, (int)width, (int)height);
        int left = (resized.Width - processor.CropWidth) / 2, top = (resized.Height - processor.CropHeight) / 2;
        var result = new float[3 * processor.CropWidth * processor.CropHeight];
        var at = 0;
        for (var channel = 0; channel < 3; channel++)
            for (var y = 0; y < processor.CropHeight; y++)
                for (var x = 0; x < processor.CropWidth; x++)
                {
                    var scaled = (float)(resized.Rgb[3 * ((top + y) * resized.Width + left + x) + channel] * (1.0 / 255));
                    result[at++] = (scaled - (float)processor.ImageMean[channel]) / (float)processor.ImageStd[channel];
                }
        return result;
    }

    private static double ExactSum(float[] values)
    {
        double sum = 0, lost = 0;
        foreach (double value in values)
        {
            var next = sum + value;
            lost += Math.Abs(sum) >= Math.Abs(value) ? sum - next + value : value - next + sum;
            sum = next;
        }
        return sum + lost;
    }
}
