using System.Text;
using System.Text.Json;
using LlavaSharp.Checkpoints;
using LlavaSharp.Imaging;
using LlavaSharp.Models;
using LlavaSharp.Native;
using LlavaSharp.Quantization;
using static TorchSharp.torch;

namespace LlavaSharp.Parity.Areas;

/// <summary>The numbers of bitsandbytes: NF4 with double quantisation, and LLM.int8.</summary>
public sealed class QuantizationArea : IParityArea
{
    private const double NearMiddle = 1e-6;

    public string Name => "quantization";

    public void Check(AreaRun run)
    {
        TorchRuntime.Initialize();
        if (run.Has("golden.json"))
            run.Use("golden.json");   // information as a whole
        CheckNormalFloat4(run, "nf4.safetensors");
        CheckInt8(run, "int8.safetensors");
        CheckStateDict(run, "nf4-linear-state-dict.safetensors");
        CheckModel(run, "model.json", "model.safetensors");
    }

    // a whole model: its last logits with all linear layers but the output matrix quantised
    private static void CheckModel(AreaRun run, string name, string tensorsName)
    {
        if (!run.Has(name))
            return;
        var set = run.Json(name);
        using var tensors = new GoldenTensors(run.Has(tensorsName) ? SafetensorsFile.Open(run.Use(tensorsName)) : null);
        var folder = Path.Combine(run.Root, set.Text("checkpoint_folder"));
        var owners = set.GetProperty("cases").EnumerateArray().Select(row => $"case{row.Int("case")}").ToList();
        var inputs = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "golden.json"))).RootElement.GetProperty("cases");
        foreach (var (form, options, allowed) in new[] { ("nf4", new LoadOptions { LoadIn4Bit = true }, 2e-2), ("int8", new LoadOptions { LoadIn8Bit = true }, 5e-2) })
        {
            LlavaModel? model = null;
            run.Case($"{name}:{form}", c =>
            {
                c.Fields(set, "checkpoint", "checkpoint_folder", "cases", "quantised_layers", "quantised_layer_names", "made_with");
                model = LlavaModel.Load(folder, options: options with { QuantType = "nf4", Device = "cpu", DataType = "float32", Offline = true, Compatibility = CompatibilityOptions.Original });
                if (set.HasValue("quantised_layers"))
                    c.Equal("quantised_layers", set.Int("quantised_layers"), ExpectedTensors.For(model.Config, model.Config.VisionConfig).Count(IsQuantized));
            });
            using (model)
            {
                foreach (var row in set.GetProperty("cases").EnumerateArray())
                {
                    run.Case($"{name}:case{row.Int("case")}.{form}", c =>
                    {
                        c.Fields(row, "case", "nf4_max_difference_from_float", "int8_max_difference_from_float", "std", "argmax_float_nf4_int8");
                        CheckLogits(c, model!, inputs[row.Int("case")], Path.GetDirectoryName(folder)!, tensors, $"case{row.Int("case")}.{form}", allowed);
                    });
                }
            }
        }
        run.Case($"{tensorsName}:names", c => c.Sequence("tensors that no check knows", [], tensors.Unknown(tensor => !owners.Contains(tensor[..Math.Max(0, tensor.IndexOf('.'))]))));
    }

    private static bool IsQuantized(ExpectedTensor tensor) =>
        tensor.Shape.Length == 2 && tensor.Required && !tensor.Name.Contains("embed", StringComparison.Ordinal) && tensor.Name != "lm_head.weight";

    private static void CheckLogits(Comparison c, LlavaModel model, JsonElement input, string pictures, GoldenTensors tensors, string name, double allowed)
    {
        if (tensors.Find(name) is not { } expected)
            return;
        var images = input.Texts("pictures").Select(picture => Image.Load(Path.Combine(pictures, picture))).ToList();
        var ids = model.EncodePrompt(input.Text("prompt"), images.Count);
        var pixels = model.PreparePixels(images);
        model.OnModelThread(() =>
        {
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            using var merged = model.Merge(ids, pixels);
            var language = model.Checkpoint.Network.Language;
            var logits = language.Logits(language.Forward(merged.Embeddings, merged.Positions))[0, -1];   // [V]
            c.Close(name, expected, logits.to(ScalarType.Float32).contiguous().data<float>().ToArray(), allowed);
            return true;
        });
    }

    private static void CheckNormalFloat4(AreaRun run, string name)
    {
        if (!run.Has(name))
            return;
        using var file = new MatrixFile(run.Use(name));
        run.Case($"{name}:codes", c =>
        {
            if (file.Find("nf4_code") is { } levels)
                c.Close("nf4_code", levels.ToSingles(), NormalFloat4.Levels, 0);
            if (file.Find("nested_code") is { } nested)
                c.Close("nested_code", nested.ToSingles(), NormalFloat4.NestedLevels, 0);
        });
        file.CheckMatrices(run, name, CheckMatrix);

        void CheckMatrix(Comparison c, string matrix)
        {
            var weight = file.Find($"{matrix}.weight")!;
            var values = weight.ToSingles();
            var doubly = NormalFloat4.Quantize(values, doubly: true);
            var singly = NormalFloat4.Quantize(values, doubly: false);
            if (file.Find($"{matrix}.packed") is { } packed)
                c.Equal("levels that differ away from a middle", 0, CountLevels(values, singly.Magnitudes, packed.Bytes, doubly.Packed));
            if (file.Find($"{matrix}.absmax_u8") is { } bytes)
                c.Equal("absmax_u8 that differ away from a middle", 0, CountMagnitudes(singly.Magnitudes, doubly, bytes.Bytes));
            Near(c, $"{matrix}.nested_absmax", doubly.NestedMagnitudes!, 1e-6);
            Near(c, $"{matrix}.offset", [doubly.Offset], 1e-6);
            Near(c, $"{matrix}.absmax", doubly.Magnitudes, 1e-6);
            Near(c, $"{matrix}.dequantised", Rounded(doubly, weight.DataType), 1e-7);
            Near(c, $"{matrix}.single.absmax", singly.Magnitudes, 0);
            Near(c, $"{matrix}.single.dequantised", Rounded(singly, weight.DataType), 1e-7);
            if (file.Find($"{matrix}.x") is not { } x || file.Find($"{matrix}.y") is not { } y)
                return;
            using var scope = NewDisposeScope();
            using var linear = new NormalFloat4Linear(tensor(values, weight.Shape).to(weight.DataType == StoredDataType.Float16 ? ScalarType.Float16 : ScalarType.Float32), null, CPU);
            var product = linear.Forward(tensor(x.ToSingles(), x.Shape));
            c.Close($"{matrix}.y", y.ToSingles(), product.data<float>().ToArray(), 1e-4);
        }

        void Near(Comparison c, string key, float[] actual, double allowed)
        {
            if (file.Find(key) is { } expected)
                c.Close(key, expected.ToSingles(), actual, allowed);
        }
    }

    private static float[] Rounded(NormalFloat4Values quantized, StoredDataType type)
    {
        var values = new float[quantized.Count];
        quantized.Dequantize(values);
        if (type == StoredDataType.Float16)
        {
            foreach (ref var value in values.AsSpan())
                value = (float)(Half)value;
        }
        return values;
    }

    private static int CountLevels(float[] values, float[] magnitudes, ReadOnlySpan<byte> expected, byte[] actual)
    {
        var wrong = Math.Abs(expected.Length - actual.Length);
        for (var i = 0; i < values.Length && i / 2 < Math.Min(expected.Length, actual.Length); i++)
        {
            var shift = i % 2 == 0 ? 4 : 0;
            int e = expected[i / 2] >> shift & 15, a = actual[i / 2] >> shift & 15;
            var value = values[i] / magnitudes[i / NormalFloat4.BlockSize];
            if (e != a && !(Math.Abs(e - a) == 1 && Math.Abs((NormalFloat4.Levels[e] + NormalFloat4.Levels[a]) / 2 - value) <= NearMiddle))
                wrong++;
        }
        return wrong;
    }

    private static int CountMagnitudes(float[] magnitudes, NormalFloat4Values quantized, ReadOnlySpan<byte> expected)
    {
        var actual = quantized.MagnitudeLevels!;
        var wrong = Math.Abs(expected.Length - actual.Length);
        for (var i = 0; i < Math.Min(expected.Length, actual.Length); i++)
        {
            var value = (magnitudes[i] - quantized.Offset) / quantized.NestedMagnitudes![i / NormalFloat4.NestedBlockSize];
            var middle = (NormalFloat4.NestedLevels[expected[i]] + NormalFloat4.NestedLevels[actual[i]]) / 2;
            if (expected[i] != actual[i] && !(Math.Abs(expected[i] - actual[i]) == 1 && Math.Abs(middle - value) <= NearMiddle))
                wrong++;
        }
        return wrong;
    }

    private static void CheckInt8(AreaRun run, string name)
    {
        if (!run.Has(name))
            return;
        using var file = new MatrixFile(run.Use(name));
        file.CheckMatrices(run, name, CheckMatrix);

        void CheckMatrix(Comparison c, string matrix)
        {
            using var scope = NewDisposeScope();
            var weight = Tensor($"{matrix}.weight")!;
            var largest = OutlierInt8.LargestOfRows(weight);
            var quantized = OutlierInt8.Quantize(weight, largest);
            Exact(c, $"{matrix}.weight_i8", quantized);
            Close(c, $"{matrix}.weight_scale", largest, 0);
            if (Tensor($"{matrix}.x") is not { } x)
                return;
            var (x8, xLargest, outliers) = OutlierInt8.QuantizeInput(x);
            Exact(c, $"{matrix}.x_i8", x8);
            Close(c, $"{matrix}.x_scale", xLargest, 0);
            Exact(c, $"{matrix}.outlier_columns", outliers);
            var y = OutlierInt8.Multiply(x, quantized, largest);
            Close(c, $"{matrix}.y_exact", y, 1e-4);
            Close(c, $"{matrix}.y_f32", y, 1e-4);
            Close(c, $"{matrix}.y_f16", y, 2e-3);
            Close(c, $"{matrix}.y_unquantised", x.matmul(weight.t()), 1e-4);
        }

        Tensor? Tensor(string key) => file.Find(key) is { } stored ? tensor(stored.ToSingles(), stored.Shape) : null;

        void Exact(Comparison c, string key, Tensor actual)
        {
            if (file.Find(key) is { } expected)
                c.Sequence(key, expected.ToSingles(), actual.to(ScalarType.Float32).data<float>().ToArray());
        }

        void Close(Comparison c, string key, Tensor actual, double allowed)
        {
            if (file.Find(key) is { } expected)
                c.Close(key, expected.ToSingles(), actual.to(ScalarType.Float32).contiguous().data<float>().ToArray(), allowed);
        }
    }

    // a matrix of nf4.safetensors as a quantised checkpoint stores it
    private static void CheckStateDict(AreaRun run, string name)
    {
        const string prefix = "weight.quant_state.bitsandbytes__";
        if (!run.Has(name))
            return;
        using var file = SafetensorsFile.Open(run.Use(name));
        run.Case(name, c =>
        {
            var stateName = file.Tensors.Keys.Single(key => key.StartsWith(prefix, StringComparison.Ordinal));
            c.Equal("type", "nf4", stateName[prefix.Length..]);
            var restored = NormalFloat4.Restore(file.Tensors["weight"], name => file.Tensors[$"weight.{name}"], file.Tensors[stateName]);
            var state = JsonDocument.Parse(Encoding.UTF8.GetString(file.Tensors[stateName].Bytes)).RootElement;
            c.Fields(state, "quant_type", "blocksize", "dtype", "shape", "nested_blocksize", "nested_dtype", "nested_offset");
            c.Equal("blocksize", NormalFloat4.BlockSize, state.GetProperty("blocksize").GetInt32());
            c.Equal("nested_blocksize", NormalFloat4.NestedBlockSize, state.GetProperty("nested_blocksize").GetInt32());
            c.Close("quant_map", file.Tensors["weight.quant_map"].ToSingles(), NormalFloat4.Levels, 0);
            c.Close("nested_quant_map", file.Tensors["weight.nested_quant_map"].ToSingles(), NormalFloat4.NestedLevels, 0);
            if (!run.Has("nf4.safetensors"))
                return;
            using var matrices = SafetensorsFile.Open(run.Use("nf4.safetensors"));
            var shape = state.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64()).ToArray();
            var same = matrices.Tensors.Values.FirstOrDefault(t => t.Name.EndsWith(".packed", StringComparison.Ordinal) && t.Bytes.SequenceEqual(file.Tensors["weight"].Bytes));
            if (same is null)
            {
                c.Fail("no matrix of nf4.safetensors has these packed values");
                return;
            }
            var weight = matrices.Tensors[same.Name[..same.Name.IndexOf('.')] + ".weight"];
            c.Sequence("shape", weight.Shape, shape);
            c.Close("restored", matrices.Tensors[same.Name[..same.Name.IndexOf('.')] + ".dequantised"].ToSingles(), Rounded(restored, weight.DataType), 1e-7);
            var own = NormalFloat4.Quantize(weight.ToSingles(), doubly: true);
            c.Sequence("absmax", file.Tensors["weight.absmax"].Bytes.ToArray(), own.MagnitudeLevels!);
        });
    }

    /// <summary>A golden file of matrices: "NAME.part" each, and which of its tensors were asked for.</summary>
    private sealed class MatrixFile(string path) : IDisposable
    {
        private readonly SafetensorsFile _file = SafetensorsFile.Open(path);
        private readonly HashSet<string> _known = new(StringComparer.Ordinal);

        public StoredTensor? Find(string key)
        {
            _known.Add(key);
            return _file.Tensors.GetValueOrDefault(key);
        }

        /// <summary>One case a matrix, and one for tensors that none of them asked for.</summary>
        public void CheckMatrices(AreaRun run, string name, Action<Comparison, string> check)
        {
            foreach (var matrix in _file.Tensors.Keys.Where(key => key.EndsWith(".weight", StringComparison.Ordinal)).Select(key => key[..key.IndexOf('.')]).Distinct().Order(StringComparer.Ordinal))
                run.Case($"{name}:{matrix}", c => check(c, matrix));
            run.Case($"{name}:names", c => c.Sequence("tensors that no check knows", [], _file.Tensors.Keys.Where(key => !_known.Contains(key))));
        }

        public void Dispose() => _file.Dispose();
    }
}
