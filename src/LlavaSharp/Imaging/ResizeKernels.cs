using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LlavaSharp.Imaging;

/// <summary>The inner loops of <see cref="PillowResize"/>: integer sums, so the order of adding does not matter.</summary>
internal static unsafe class ResizeKernels
{
    /// <summary>What a reader may touch behind the last pixel it was given, and a writer behind the last it wrote.</summary>
    public const int Slack = 4;

    private const int Half = 1 << (ResizeCoefficients.FractionBits - 1);

    /// <summary>Four rows at once. Rows hold <paramref name="channels"/> (3 or 4) bytes a pixel.</summary>
    public static void HorizontalFour(byte** rows, byte** targets, int channels, ResizeCoefficients coefficients)
    {
        byte* a = rows[0], b = rows[1], c = rows[2], d = rows[3];
        fixed (int* weights = coefficients.Weights)
            for (var i = 0; i < coefficients.First.Length; i++)
            {
                nint offset = (nint)coefficients.First[i] * channels;
                var weight = weights + (nint)i * coefficients.Taps;
                var end = weight + coefficients.Count[i];
                Vector128<int> sumA = Vector128.Create(Half), sumB = sumA, sumC = sumA, sumD = sumA;
                for (; weight < end; weight++, offset += channels)
                {
                    var w = Vector128.Create(*weight);
                    sumA += LoadFour(a + offset) * w;
                    sumB += LoadFour(b + offset) * w;
                    sumC += LoadFour(c + offset) * w;
                    sumD += LoadFour(d + offset) * w;
                }
                nint to = (nint)i * channels;
                StoreFour(targets[0] + to, sumA);
                StoreFour(targets[1] + to, sumB);
                StoreFour(targets[2] + to, sumC);
                StoreFour(targets[3] + to, sumD);
            }
    }

    /// <summary>One row of <paramref name="channels"/> bytes a pixel.</summary>
    public static void Horizontal(byte* row, byte* target, int channels, ResizeCoefficients coefficients)
    {
        fixed (int* weights = coefficients.Weights)
            for (var i = 0; i < coefficients.First.Length; i++)
            {
                var from = row + (nint)coefficients.First[i] * channels;
                var weight = weights + (nint)i * coefficients.Taps;
                var end = weight + coefficients.Count[i];
                if (channels >= 3)
                {
                    var sum = Vector128.Create(Half);
                    for (; weight < end; weight++, from += channels)
                        sum += LoadFour(from) * Vector128.Create(*weight);
                    StoreFour(target + (nint)i * channels, sum);
                    continue;
                }
                for (var channel = 0; channel < channels; channel++)
                {
                    var sum = Half;
                    for (var t = 0; weight + t < end; t++)
                        sum += from[t * channels + channel] * weight[t];
                    target[(nint)i * channels + channel] = Clip(sum);
                }
            }
    }

    /// <summary>One output row out of <paramref name="count"/> rows of <paramref name="length"/> bytes.</summary>
    public static void Vertical(byte** rows, int* weights, int count, byte* target, int length)
    {
        var x = 0;
        if (Avx2.IsSupported)
            for (; x + 32 <= length; x += 32)
            {
                Vector256<int> s0 = Vector256.Create(Half), s1 = s0, s2 = s0, s3 = s0;
                for (var t = 0; t < count; t++)
                {
                    var w = Vector256.Create(weights[t]);
                    var from = rows[t] + x;
                    s0 += Avx2.ConvertToVector256Int32(from) * w;
                    s1 += Avx2.ConvertToVector256Int32(from + 8) * w;
                    s2 += Avx2.ConvertToVector256Int32(from + 16) * w;
                    s3 += Avx2.ConvertToVector256Int32(from + 24) * w;
                }
                Vector256.Narrow(Vector256.Narrow(Clip(s0), Clip(s1)), Vector256.Narrow(Clip(s2), Clip(s3))).Store(target + x);
            }
        for (; x + 4 <= length; x += 4)
        {
            var sum = Vector128.Create(Half);
            for (var t = 0; t < count; t++)
                sum += LoadFour(rows[t] + x) * Vector128.Create(weights[t]);
            StoreFour(target + x, sum);
        }
        for (; x < length; x++)
        {
            var sum = Half;
            for (var t = 0; t < count; t++)
                sum += rows[t][x] * weights[t];
            target[x] = Clip(sum);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> LoadFour(byte* from)
    {
        var bytes = Vector128.CreateScalarUnsafe(*(uint*)from).AsByte();
        return Sse41.IsSupported
            ? Sse41.ConvertToVector128Int32(bytes)
            : Vector128.WidenLower(Vector128.WidenLower(bytes)).AsInt32();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreFour(byte* to, Vector128<int> sum)
    {
        var clipped = Vector128.Clamp(sum >> ResizeCoefficients.FractionBits, Vector128<int>.Zero, Vector128.Create(255)).AsUInt32();
        var words = Vector128.Narrow(clipped, clipped);
        *(uint*)to = Vector128.Narrow(words, words).AsUInt32().ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Clip(Vector256<int> sum) =>
        Vector256.Clamp(sum >> ResizeCoefficients.FractionBits, Vector256<int>.Zero, Vector256.Create(255)).AsUInt32();

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> ResizeCoefficients.FractionBits, 0, 255);
}
