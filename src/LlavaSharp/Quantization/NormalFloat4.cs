using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;

namespace LlavaSharp.Quantization;

/// <summary>
/// NF4 with double quantisation (Dettmers et al. 2023, "QLoRA"), with the numbers of bitsandbytes: blocks of 64 values share their largest magnitude,
/// and those magnitudes, less their mean, are kept in 8 bits by blocks of 256.
/// </summary>
internal static class NormalFloat4
{
    /// <summary>Values that share a magnitude.</summary>
    public const int BlockSize = 64;

    /// <summary>Magnitudes that share a scale.</summary>
    public const int NestedBlockSize = 256;

    /// <summary>The sixteen levels, ascending.</summary>
    public static ReadOnlySpan<float> Levels =>
    [
        -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0.0f,
        0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f,
    ];

    /// <summary>The 256 levels of a magnitude, ascending: bitsandbytes' signed dynamic map of 8 bits.</summary>
    public static float[] NestedLevels { get; } = DynamicMap();

    private static readonly float[] _middles = Middles(Levels);
    private static readonly float[] _nestedMiddles = Middles(NestedLevels);

    /// <summary>Quantises values in the order of their memory; blocks may span rows.</summary>
    /// <param name="values">The values; the last block may be short.</param>
    /// <param name="doubly">Whether the magnitudes are quantised too.</param>
    public static NormalFloat4Values Quantize(ReadOnlySpan<float> values, bool doubly)
    {
        var magnitudes = new float[(values.Length + BlockSize - 1) / BlockSize];
        var packed = new byte[(values.Length + 1) / 2];
        for (var block = 0; block < magnitudes.Length; block++)
        {
            var start = block * BlockSize;
            var part = values.Slice(start, Math.Min(BlockSize, values.Length - start));
            var largest = 0f;
            foreach (var value in part)
                largest = Math.Max(largest, Math.Abs(value));
            magnitudes[block] = largest;
            for (var i = 0; i < part.Length; i++)
            {
                // a block of zeros divides zero by zero, and what is no number is at the lowest level: as the library does
                var level = Nearest(part[i] / largest, _middles);
                packed[(start + i) / 2] |= (byte)(i % 2 == 0 ? level << 4 : level);
            }
        }
        if (!doubly)
            return new(values.Length, packed, magnitudes, null, null, 0);
        var offset = (float)(magnitudes.Sum(m => (double)m) / magnitudes.Length);
        var nested = new float[(magnitudes.Length + NestedBlockSize - 1) / NestedBlockSize];
        var bytes = new byte[magnitudes.Length];
        for (var block = 0; block < nested.Length; block++)
        {
            var part = magnitudes.AsSpan(block * NestedBlockSize, Math.Min(NestedBlockSize, magnitudes.Length - block * NestedBlockSize));
            foreach (var magnitude in part)
                nested[block] = Math.Max(nested[block], Math.Abs(magnitude - offset));
            for (var i = 0; i < part.Length; i++)
                bytes[block * NestedBlockSize + i] = (byte)Nearest((part[i] - offset) / nested[block], _nestedMiddles);
        }
        return new(values.Length, packed, RestoreMagnitudes(bytes, nested, offset), bytes, nested, offset);
    }

    /// <summary>Reads a matrix as a quantised checkpoint of bitsandbytes stores it.</summary>
    /// <param name="packed">The tensor <c>weight</c>.</param>
    /// <param name="part">The tensors <c>weight.absmax</c>, <c>weight.nested_absmax</c> by the last part of their names.</param>
    /// <param name="state">The tensor <c>weight.quant_state.bitsandbytes__nf4</c>: bytes of JSON.</param>
    /// <exception cref="CheckpointException">The parts do not fit together.</exception>
    public static NormalFloat4Values Restore(StoredTensor packed, Func<string, StoredTensor> part, StoredTensor state)
    {
        JsonNode? json;
        try
        {
            json = JsonNode.Parse(state.Bytes);
        }
        catch (JsonException exception)
        {
            throw new CheckpointException($"Tensor '{state.Name}' of '{state.File}' is no JSON: {exception.Message}", state.File, state.Name, exception);
        }
        var shape = (json?["shape"] as JsonArray)?.Select(size => size!.GetValue<long>()).ToArray() ?? [];
        var bytes = part("absmax").Bytes.ToArray();
        var nested = part("nested_absmax").ToSingles();
        if (TensorShape.ElementCount(shape) is not { } count || packed.ByteLength != (count + 1) / 2
            || bytes.Length != (count + BlockSize - 1) / BlockSize || nested.Length != (bytes.Length + NestedBlockSize - 1) / NestedBlockSize)
            throw new CheckpointException($"Tensor '{packed.Name}' of '{packed.File}' does not fit its state {json?.ToJsonString()}. Fetch the checkpoint again.", packed.File, packed.Name);
        var offset = (float)(json?["nested_offset"]?.GetValue<double>() ?? 0);
        return new((int)count, packed.Bytes.ToArray(), RestoreMagnitudes(bytes, nested, offset), bytes, nested, offset);
    }

    private static float[] RestoreMagnitudes(byte[] levels, float[] nested, float offset)
    {
        var magnitudes = new float[levels.Length];
        for (var i = 0; i < magnitudes.Length; i++)
            magnitudes[i] = NestedLevels[levels[i]] * nested[i / NestedBlockSize] + offset;
        return magnitudes;
    }

    // the number of middles below it: none for what is not a number
    private static int Nearest(float value, float[] middles)
    {
        var (low, high) = (0, middles.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (value > middles[middle])
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    private static float[] Middles(ReadOnlySpan<float> levels)
    {
        var middles = new float[levels.Length - 1];
        for (var i = 0; i < middles.Length; i++)
            middles[i] = (levels[i] + levels[i + 1]) / 2;
        return middles;
    }

    // for each of seven powers of ten 1, 2, 4 ... 64 values evenly between a tenth and one, both signs; and zero and one
    private static float[] DynamicMap()
    {
        const int exponents = 7;
        var levels = new List<float> { 0, 1 };
        for (var i = 0; i < exponents; i++)
        {
            var count = 1 << i;
            var power = (float)Math.Pow(10, i - (exponents - 1));
            for (var k = 0; k < count; k++)
            {
                var middle = (Boundary(k, count) + Boundary(k + 1, count)) / 2;
                var level = power * middle;
                levels.Add(level);
                levels.Add(-level);
            }
        }
        levels.Sort();
        levels[0] = -1;   // in the library's table the lowest level is not the middle of its interval
        return [.. levels];

        // as torch.linspace(0.1, 1, count + 1) counts: from both ends to the middle, with fused operations in single precision
        static float Boundary(int index, int count)
        {
            var step = (1f - 0.1f) / count;
            return index < (count + 1) / 2 ? MathF.FusedMultiplyAdd(step, index, 0.1f) : MathF.FusedMultiplyAdd(-step, count - index, 1f);
        }
    }
}
