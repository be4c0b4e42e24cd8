using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LlavaSharp.Kernels;

/// <summary>Attention of one query over the stored keys and values of its head, block by block with a running softmax (Milakov and Gimelshein 2018; Dao et al. 2022).</summary>
internal static unsafe class AttentionKernel
{
    private const int Lanes = 8;
    private const int Strip = 8 * Lanes;   // numbers of a value that are summed in registers at once

    /// <summary>softmax(q k^T scale) v over the positions from <paramref name="first"/> to before <paramref name="end"/>.</summary>
    /// <param name="store">Keys and values.</param>
    /// <param name="row">The sequence.</param>
    /// <param name="group">The head of keys and values.</param>
    /// <param name="first">The first position seen.</param>
    /// <param name="end">Behind the last one.</param>
    /// <param name="scale">What scores are multiplied by.</param>
    /// <param name="q">[width].</param>
    /// <param name="y">[width].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Attend(KeyValueStore store, int row, int group, long first, long end, float scale, float* q, float* y)
    {
        var width = store.PaddedWidth;
        var positions = store.BlockPositions;
        var scores = stackalloc float[positions];
        var query = stackalloc float[width];
        var sums = stackalloc float[width];
        new Span<float>(sums, width).Clear();
        new Span<float>(query, width).Clear();
        new ReadOnlySpan<float>(q, store.Width).CopyTo(new Span<float>(query, width));
        float most = float.NegativeInfinity, total = 0;
        for (var block = first / positions; block * positions < end; block++)
        {
            var from = (int)Math.Max(0, first - block * positions);
            var to = (int)Math.Min(positions, end - block * positions);
            var keys = store.Head(row, (int)block, group, false);
            var values = store.Head(row, (int)block, group, true);
            Score(store.Bits, keys, positions, from, to, width, query, scale, scores);
            var largest = Largest(scores, from, to, most);
            var correction = largest == most ? 1 : MathF.Exp(most - largest);   // the first block begins at exp(-infinity), which is 0
            most = largest;
            total = total * correction + Exponentiate(scores, from, to, most, (float*)values);
            if (correction != 1)
                Scale(sums, width, correction);
            Mix(store.Bits, values, positions, from, to, width, scores, sums);
        }
        var inverse = 1 / total;
        for (var i = 0; i < store.Width; i++)
            y[i] = sums[i] * inverse;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Score(CacheBits bits, byte* head, int positions, int from, int to, int width, float* query, float scale, float* scores)
    {
        var scales = (float*)head;
        var data = head + positions * sizeof(float);
        if (bits == CacheBits.Sixteen)
        {
            for (var position = from; position < to; position++)
            {
                var key = (short*)data + (nint)position * width;
                Vector256<float> a = default, b = default;
                for (var i = 0; i < width; i += 2 * Lanes)
                {
                    a = Fused(Widen(key + i), Vector256.Load(query + i), a);
                    b = Fused(Widen(key + i + Lanes), Vector256.Load(query + i + Lanes), b);
                }
                scores[position] = Vector256.Sum(a + b) * (scales[position] * scale);
            }
            return;
        }
        for (var position = from; position < to; position++)
        {
            var key = (sbyte*)data + (nint)position * width;
            Vector256<float> a = default, b = default;
            for (var i = 0; i < width; i += 2 * Lanes)
            {
                a = Fused(Widen(key + i), Vector256.Load(query + i), a);
                b = Fused(Widen(key + i + Lanes), Vector256.Load(query + i + Lanes), b);
            }
            scores[position] = Vector256.Sum(a + b) * (scales[position] * scale);
        }
    }

    // the scores become weights, times the values' scales; the sum of the weights alone is returned
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Exponentiate(float* scores, int from, int to, float most, float* valueScales)
    {
        var total = 0f;
        var position = from;
        var sums = Vector256<float>.Zero;
        for (; position + Lanes <= to; position += Lanes)
        {
            var weights = Vector256.Exp(Vector256.Load(scores + position) - Vector256.Create(most));
            sums += weights;
            (weights * Vector256.Load(valueScales + position)).Store(scores + position);
        }
        for (; position < to; position++)
        {
            var weight = MathF.Exp(scores[position] - most);
            total += weight;
            scores[position] = weight * valueScales[position];
        }
        return total + Vector256.Sum(sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Mix(CacheBits bits, byte* head, int positions, int from, int to, int width, float* weights, float* sums)
    {
        var data = head + positions * sizeof(float);
        var i = 0;
        for (; i + Strip <= width; i += Strip)
        {
            if (bits == CacheBits.Sixteen)
                MixStrip((short*)data + i, from, to, width, weights, sums + i);
            else
                MixStrip((sbyte*)data + i, from, to, width, weights, sums + i);
        }
        for (; i < width; i += Lanes)
        {
            var sum = Vector256.Load(sums + i);
            for (var position = from; position < to; position++)
            {
                var at = (nint)position * width + i;
                sum = Fused(bits == CacheBits.Sixteen ? Widen((short*)data + at) : Widen((sbyte*)data + at), Vector256.Create(weights[position]), sum);
            }
            sum.Store(sums + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MixStrip(short* data, int from, int to, int width, float* weights, float* sums)
    {
        Vector256<float> s0 = Vector256.Load(sums), s1 = Vector256.Load(sums + 8), s2 = Vector256.Load(sums + 16), s3 = Vector256.Load(sums + 24);
        Vector256<float> s4 = Vector256.Load(sums + 32), s5 = Vector256.Load(sums + 40), s6 = Vector256.Load(sums + 48), s7 = Vector256.Load(sums + 56);
        for (var position = from; position < to; position++)
        {
            var value = data + (nint)position * width;
            var weight = Vector256.Create(weights[position]);
            s0 = Fused(Widen(value), weight, s0);
            s1 = Fused(Widen(value + 8), weight, s1);
            s2 = Fused(Widen(value + 16), weight, s2);
            s3 = Fused(Widen(value + 24), weight, s3);
            s4 = Fused(Widen(value + 32), weight, s4);
            s5 = Fused(Widen(value + 40), weight, s5);
            s6 = Fused(Widen(value + 48), weight, s6);
            s7 = Fused(Widen(value + 56), weight, s7);
        }
        Store(sums, s0, s1, s2, s3, s4, s5, s6, s7);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MixStrip(sbyte* data, int from, int to, int width, float* weights, float* sums)
    {
        Vector256<float> s0 = Vector256.Load(sums), s1 = Vector256.Load(sums + 8), s2 = Vector256.Load(sums + 16), s3 = Vector256.Load(sums + 24);
        Vector256<float> s4 = Vector256.Load(sums + 32), s5 = Vector256.Load(sums + 40), s6 = Vector256.Load(sums + 48), s7 = Vector256.Load(sums + 56);
        for (var position = from; position < to; position++)
        {
            var value = data + (nint)position * width;
            var weight = Vector256.Create(weights[position]);
            s0 = Fused(Widen(value), weight, s0);
            s1 = Fused(Widen(value + 8), weight, s1);
            s2 = Fused(Widen(value + 16), weight, s2);
            s3 = Fused(Widen(value + 24), weight, s3);
            s4 = Fused(Widen(value + 32), weight, s4);
            s5 = Fused(Widen(value + 40), weight, s5);
            s6 = Fused(Widen(value + 48), weight, s6);
            s7 = Fused(Widen(value + 56), weight, s7);
        }
        Store(sums, s0, s1, s2, s3, s4, s5, s6, s7);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Largest(float* scores, int from, int to, float most)
    {
        for (var position = from; position < to; position++)
            most = Math.Max(most, scores[position]);
        return most;
    }

    private static void Scale(float* values, int count, float factor)
    {
        for (var i = 0; i < count; i += Lanes)
            (Vector256.Load(values + i) * factor).Store(values + i);
    }

    private static void Store(
        float* target, Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d, Vector256<float> e, Vector256<float> f, Vector256<float> g, Vector256<float> h)
    {
        a.Store(target);
        b.Store(target + 8);
        c.Store(target + 16);
        d.Store(target + 24);
        e.Store(target + 32);
        f.Store(target + 40);
        g.Store(target + 48);
        h.Store(target + 56);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Fused(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> Widen(short* values)
    {
        if (Avx2.IsSupported)
            return Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(values));
        var (low, high) = Vector128.Widen(Vector128.Load(values));
        return Vector256.Create(Vector128.ConvertToSingle(low), Vector128.ConvertToSingle(high));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> Widen(sbyte* values)
    {
        if (Avx2.IsSupported)
            return Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(values));
        var (low, high) = Vector128.Widen(Vector128.WidenLower(Vector64.Load(values).ToVector128()));
        return Vector256.Create(Vector128.ConvertToSingle(low), Vector128.ConvertToSingle(high));
    }
}
