using LlavaSharp.Checkpoints;
using System.Text;
using LlavaSharp.IO;
using LlavaSharp.Models;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Parity.Areas;

/// <summary>Weights that come from a formula (golden/full-size/README.md), so that full-size models need no file.</summary>
internal sealed class FormulaWeights(uint salt) : IWeightSource, IDisposable
{
    private readonly Dictionary<string, Tensor> _made = new(StringComparer.Ordinal);

    public bool Contains(string name) => true;

    public Tensor Get(string name, params ReadOnlySpan<long> shape)
    {
        if (_made.TryGetValue(name, out var held))
            return held;
        var count = 1L;
        foreach (var size in shape)
            count *= size;
        var values = new float[count];
        var isNorm = shape.Length == 1 && (name.Contains("norm", StringComparison.Ordinal) || name.Contains("layrnorm", StringComparison.Ordinal));
        if (isNorm)
        {
            var centre = name.EndsWith("weight", StringComparison.Ordinal) ? 1f : 0f;
            Fill(name, values, u => (float)(Half)(centre + 0.1f * 2 * (u - 0.5f)));
        }
        else
        {
            var scale = Scale(name, shape);
            Fill(name, values, u => (float)(Half)(scale * 2 * (u - 0.5f)));
        }
        return _made[name] = tensor(values, shape.ToArray()).DetachFromDisposeScope();
    }

    /// <summary>Numbers in [0, 1) by name and index, handed through <paramref name="map"/>.</summary>
    public void Fill(string name, float[] values, Func<float, float> map)
    {
        var seed = unchecked(Crc32.Append(0, Encoding.UTF8.GetBytes(name)) + salt);
        Parallel.For(0, (values.Length + 65535) / 65536, block =>
        {
            for (var i = block * 65536; i < Math.Min(values.Length, (block + 1) * 65536); i++)
                values[i] = map(Uniform(seed, (uint)i));
        });
    }

    public void Dispose()
    {
        foreach (var value in _made.Values)
            value.Dispose();
        _made.Clear();
    }

    private static float Uniform(uint seed, uint i)
    {
        unchecked
        {
            var x = i + seed * 0x9E3779B9u;
            x ^= x >> 16;
            x *= 0x85EBCA6Bu;
            x ^= x >> 13;
            x *= 0xC2B2AE35u;
            x ^= x >> 16;
            return (x >> 8) / 16777216f;
        }
    }

    private static float Scale(string name, ReadOnlySpan<long> shape)
    {
        if (name.Contains("embed_tokens", StringComparison.Ordinal))
            return 0.05f;
        if (name.Contains("lm_head", StringComparison.Ordinal))
            return 0.04f;
        if (name.Contains("position_embedding", StringComparison.Ordinal) || name.Contains("class_embedding", StringComparison.Ordinal))
            return 0.05f;
        if (shape.Length == 1)
            return 0.02f;
        double inputs = 1;
        foreach (var size in shape[1..])
            inputs *= size;
        return (float)(1.2 / Math.Sqrt(inputs));
    }
}
