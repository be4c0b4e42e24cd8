using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LlavaSharp.Imaging;

/// <summary>The five row filters of PNG.</summary>
internal static class PngFilter
{
    /// <summary>Restores a row in place; <paramref name="step"/> is the number of bytes of a whole pixel, at least 1.</summary>
    public static void Undo(int filter, Span<byte> row, ReadOnlySpan<byte> above, int step, DecodeLimits limits)
    {
        switch (filter)
        {
            case 0:
                return;
            case 1:
                for (var i = step; i < row.Length; i++)
                    row[i] += row[i - step];
                return;
            case 2:
                UndoUp(row, above);
                return;
            case 3:
                for (var i = 0; i < Math.Min(step, row.Length); i++)
                    row[i] += (byte)(above[i] >> 1);
                for (var i = step; i < row.Length; i++)
                    row[i] += (byte)((row[i - step] + above[i]) >> 1);
                return;
            case 4:
                UndoPaeth(row, above, step);
                return;
            default:
                throw limits.Broken($"row filter {filter} does not exist");
        }
    }

    /// <summary>PNG's predictor: the neighbour that is nearest to left + up - corner.</summary>
    public static byte Paeth(int left, int up, int corner)
    {
        var a = Math.Abs(up - corner);
        var b = Math.Abs(left - corner);
        var c = Math.Abs(left + up - 2 * corner);
        return (byte)(a <= b && a <= c ? left : b <= c ? up : corner);
    }

    private static void UndoUp(Span<byte> row, ReadOnlySpan<byte> above)
    {
        var i = 0;
        for (; i + Vector<byte>.Count <= row.Length; i += Vector<byte>.Count)
            (new Vector<byte>(row[i..]) + new Vector<byte>(above[i..])).CopyTo(row[i..]);
        for (; i < row.Length; i++)
            row[i] += above[i];
    }

    private static void UndoPaeth(Span<byte> row, ReadOnlySpan<byte> above, int step)
    {
        for (var i = 0; i < Math.Min(step, row.Length); i++)
            row[i] += above[i];
        var at = step;
        // The colours of a pixel side by side; the last pixel is left to the plain loop, as four bytes are read.
        if (step is 3 or 4 && row.Length > 2 * step)
        {
            var left = Load(row[..4]);
            var corner = Load(above[..4]);
            for (; at + 4 < row.Length; at += step)
            {
                var up = Load(above.Slice(at, 4));
                Vector128<short> rise = up - corner, run = left - corner;
                Vector128<short> a = Vector128.Abs(rise), b = Vector128.Abs(run), c = Vector128.Abs(rise + run);
                var least = Vector128.Min(c, Vector128.Min(a, b));
                var nearest = Vector128.ConditionalSelect(Vector128.Equals(least, a), left,
                    Vector128.ConditionalSelect(Vector128.Equals(least, b), up, corner));
                left = (Load(row.Slice(at, 4)) + nearest) & Vector128.Create((short)255);
                var value = Vector128.Narrow(left.AsUInt16(), left.AsUInt16()).AsUInt32().ToScalar();
                row[at] = (byte)value;
                row[at + 1] = (byte)(value >> 8);
                row[at + 2] = (byte)(value >> 16);
                if (step == 4)
                    row[at + 3] = (byte)(value >> 24);
                corner = up;
            }
        }
        for (; at < row.Length; at++)
            row[at] += Paeth(row[at - step], above[at], above[at - step]);
    }

    private static Vector128<short> Load(ReadOnlySpan<byte> four) =>
        Vector128.WidenLower(Vector128.CreateScalarUnsafe(MemoryMarshal.Read<uint>(four)).AsByte()).AsInt16();
}
