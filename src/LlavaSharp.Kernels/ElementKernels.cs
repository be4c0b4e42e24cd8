using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LlavaSharp.Kernels;

/// <summary>What stands between the products of a layer, in one pass over the memory each.</summary>
internal static unsafe class ElementKernels
{
    private const int Lanes = 8;

    [ThreadStatic]
    private static NormWork? _norm;

    [ThreadStatic]
    private static GateWork? _gate;

    [ThreadStatic]
    private static RotateWork? _rotate;

    [ThreadStatic]
    private static QuickGeluWork? _quickGelu;

    /// <summary>y = weight * x / sqrt(mean(x^2) + epsilon), token by token.</summary>
    /// <param name="x">[tokens][width].</param>
    /// <param name="weight">[width].</param>
    /// <param name="epsilon">Added to the mean.</param>
    /// <param name="y">As x; may be x itself.</param>
    /// <param name="tokens">How many.</param>
    /// <param name="width">Numbers a token.</param>
    /// <param name="threads">What computes when there is enough to do.</param>
    public static void RmsNorm(float* x, float* weight, float epsilon, float* y, int tokens, int width, KernelThreads threads)
    {
        var work = _norm ??= new();
        work.X = x;
        work.Weight = weight;
        work.Epsilon = epsilon;
        work.Y = y;
        work.Width = width;
        Share(threads, work, tokens, width);
    }

    /// <summary>y = silu(gate) * up.</summary>
    /// <param name="gate">[tokens][width].</param>
    /// <param name="up">As the gate.</param>
    /// <param name="y">As the gate; may be one of the two.</param>
    /// <param name="tokens">How many.</param>
    /// <param name="width">Numbers a token.</param>
    /// <param name="threads">What computes when there is enough to do.</param>
    public static void SiluMultiply(float* gate, float* up, float* y, int tokens, int width, KernelThreads threads)
    {
        var work = _gate ??= new();
        work.Gate = gate;
        work.Up = up;
        work.Y = y;
        work.Width = width;
        Share(threads, work, tokens, width);
    }

    /// <summary>Turns the pairs (i, i + width / 2) of each head by the angles of its position, in place.</summary>
    /// <param name="x">[tokens][heads][width].</param>
    /// <param name="cosine">[positions][width], both halves alike.</param>
    /// <param name="sine">As the cosines.</param>
    /// <param name="positions">How many rows the tables have: token t takes row t modulo this.</param>
    /// <param name="tokens">How many.</param>
    /// <param name="heads">Heads a token.</param>
    /// <param name="width">Numbers a head, even.</param>
    /// <param name="threads">What computes when there is enough to do.</param>
    public static void Rotate(float* x, float* cosine, float* sine, int positions, int tokens, int heads, int width, KernelThreads threads)
    {
        var work = _rotate ??= new();
        work.X = x;
        work.Cosine = cosine;
        work.Sine = sine;
        work.Positions = positions;
        work.Heads = heads;
        work.Width = width;
        Share(threads, work, tokens, heads * width);
    }

    /// <summary>y = x * sigmoid(1.702 x), CLIP's approximation of GELU; may be in place.</summary>
    /// <param name="x">[tokens][width].</param>
    /// <param name="y">As x.</param>
    /// <param name="tokens">How many.</param>
    /// <param name="width">Numbers a token.</param>
    /// <param name="threads">What computes when there is enough to do.</param>
    public static void QuickGelu(float* x, float* y, int tokens, int width, KernelThreads threads)
    {
        var work = _quickGelu ??= new();
        work.X = x;
        work.Y = y;
        work.Width = width;
        Share(threads, work, tokens, width);
    }

    /// <summary>One token of <see cref="RmsNorm"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void NormRow(float* x, float* weight, float epsilon, float* y, int width)
    {
        Vector256<float> a = default, b = default;
        var i = 0;
        for (; i + 2 * Lanes <= width; i += 2 * Lanes)
        {
            var first = Vector256.Load(x + i);
            var second = Vector256.Load(x + i + Lanes);
            a = Vector256.FusedMultiplyAdd(first, first, a);
            b = Vector256.FusedMultiplyAdd(second, second, b);
        }
        var sum = Vector256.Sum(a + b);
        for (; i < width; i++)
            sum += x[i] * x[i];
        var scale = 1 / MathF.Sqrt(sum / width + epsilon);
        for (i = 0; i + Lanes <= width; i += Lanes)
            (Vector256.Load(weight + i) * (Vector256.Load(x + i) * scale)).Store(y + i);
        for (; i < width; i++)
            y[i] = weight[i] * (x[i] * scale);
    }

    /// <summary>y = weight * (x - mean) / sqrt(variance + epsilon) + bias for one token (Ba et al. 2016).</summary>
    /// <param name="x">[width].</param>
    /// <param name="weight">[width].</param>
    /// <param name="bias">[width]; null: none.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="y">[width].</param>
    /// <param name="width">How many.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void LayerNormRow(float* x, float* weight, float* bias, float epsilon, float* y, int width)
    {
        Vector256<float> a = default, b = default;
        var i = 0;
        for (; i + 2 * Lanes <= width; i += 2 * Lanes)
        {
            a += Vector256.Load(x + i);
            b += Vector256.Load(x + i + Lanes);
        }
        var sum = Vector256.Sum(a + b);
        for (; i < width; i++)
            sum += x[i];
        var mean = sum / width;
        a = b = default;
        for (i = 0; i + 2 * Lanes <= width; i += 2 * Lanes)
        {
            var first = Vector256.Load(x + i) - Vector256.Create(mean);
            var second = Vector256.Load(x + i + Lanes) - Vector256.Create(mean);
            a = Vector256.FusedMultiplyAdd(first, first, a);
            b = Vector256.FusedMultiplyAdd(second, second, b);
        }
        sum = Vector256.Sum(a + b);
        for (; i < width; i++)
            sum += (x[i] - mean) * (x[i] - mean);
        var scale = 1 / MathF.Sqrt(sum / width + epsilon);
        for (i = 0; i + Lanes <= width; i += Lanes)
        {
            var value = (Vector256.Load(x + i) - Vector256.Create(mean)) * scale * Vector256.Load(weight + i);
            (bias == null ? value : value + Vector256.Load(bias + i)).Store(y + i);
        }
        for (; i < width; i++)
            y[i] = (x[i] - mean) * scale * weight[i] + (bias == null ? 0 : bias[i]);
    }

    /// <summary>One token of <see cref="SiluMultiply"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void GateRow(float* gate, float* up, float* y, int width)
    {
        var i = 0;
        for (; i + Lanes <= width; i += Lanes)
        {
            var x = Vector256.Load(gate + i);
            (x / (Vector256<float>.One + Vector256.Exp(-x)) * Vector256.Load(up + i)).Store(y + i);
        }
        for (; i < width; i++)
            y[i] = gate[i] / (1 + MathF.Exp(-gate[i])) * up[i];
    }

    private static void Share(KernelThreads threads, TokenWork work, int tokens, int width)
    {
        var parts = (long)tokens * width < KernelThreads.WorthSharing ? 1 : Math.Min(tokens, threads.Count * 4);
        (work.Tokens, work.Parts) = (tokens, parts);
        threads.Run(work, parts);
    }

    private abstract class TokenWork : KernelWork
    {
        public int Tokens;
        public int Parts;

        public sealed override void RunPart(int part)
        {
            var end = (int)((long)Tokens * (part + 1) / Parts);
            for (var token = (int)((long)Tokens * part / Parts); token < end; token++)
                RunToken(token);
        }

        protected abstract void RunToken(int token);
    }

    private sealed class NormWork : TokenWork
    {
        public float* X;
        public float* Weight;
        public float* Y;
        public float Epsilon;
        public int Width;

        protected override void RunToken(int token) => NormRow(X + (nint)token * Width, Weight, Epsilon, Y + (nint)token * Width, Width);
    }

    private sealed class GateWork : TokenWork
    {
        public float* Gate;
        public float* Up;
        public float* Y;
        public int Width;

        protected override void RunToken(int token)
        {
            var at = (nint)token * Width;
            GateRow(Gate + at, Up + at, Y + at, Width);
        }
    }

    private sealed class QuickGeluWork : TokenWork
    {
        private const float Slope = 1.702f;

        public float* X;
        public float* Y;
        public int Width;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        protected override void RunToken(int token)
        {
            float* x = X + (nint)token * Width, y = Y + (nint)token * Width;
            var i = 0;
            for (; i + Lanes <= Width; i += Lanes)
            {
                var value = Vector256.Load(x + i);
                (value / (Vector256<float>.One + Vector256.Exp(value * -Slope))).Store(y + i);
            }
            for (; i < Width; i++)
                y[i] = x[i] / (1 + MathF.Exp(-Slope * x[i]));
        }
    }

    private sealed class RotateWork : TokenWork
    {
        public float* X;
        public float* Cosine;
        public float* Sine;
        public int Positions;
        public int Heads;
        public int Width;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        protected override void RunToken(int token)
        {
            var table = (nint)(token % Positions) * Width;
            float* cosine = Cosine + table, sine = Sine + table;
            var half = Width / 2;
            for (var head = 0; head < Heads; head++)
            {
                var first = X + ((nint)token * Heads + head) * Width;
                var second = first + half;
                var i = 0;
                for (; i + Lanes <= half; i += Lanes)
                {
                    Vector256<float> a = Vector256.Load(first + i), b = Vector256.Load(second + i);
                    Vector256<float> c = Vector256.Load(cosine + i), s = Vector256.Load(sine + i);
                    (a * c - b * s).Store(first + i);
                    (b * c + a * s).Store(second + i);
                }
                for (; i < half; i++)
                {
                    var (a, b) = (first[i], second[i]);
                    first[i] = a * cosine[i] - b * sine[i];
                    second[i] = b * cosine[i] + a * sine[i];
                }
            }
        }
    }
}
