using System.Numerics;
using System.Runtime.InteropServices;

namespace LlavaSharp.Checkpoints;

/// <summary>Looks for infinities and NaN: numbers whose exponent bits are all ones.</summary>
internal static unsafe class NonFiniteScan
{
    private const int PieceBytes = 1 << 24;

    public static long Find(StoredTensor tensor) => tensor.DataType switch
    {
        StoredDataType.Float16 => Find<ushort>(tensor, 0x7C00),
        StoredDataType.BFloat16 => Find<ushort>(tensor, 0x7F80),
        StoredDataType.Float32 => Find(tensor, 0x7F80_0000u),
        StoredDataType.Float64 => Find(tensor, 0x7FF0_0000_0000_0000ul),
        _ => -1,
    };

    private static long Find<T>(StoredTensor tensor, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        if (tensor.Strides is not null)
        {
            long index = 0;
            foreach (var position in new ElementPositions(tensor.Shape, tensor.Strides))
            {
                var bits = MemoryMarshal.Read<T>(new ReadOnlySpan<byte>(tensor.Pointer + position * sizeof(T), sizeof(T)));
                if ((bits & exponent) == exponent)
                    return index;
                index++;
            }
            return -1;
        }
        for (long done = 0; done < tensor.ByteLength; done += PieceBytes)
        {
            var piece = new ReadOnlySpan<byte>(tensor.Pointer + done, (int)Math.Min(PieceBytes, tensor.ByteLength - done));
            var found = FindIn(MemoryMarshal.Cast<byte, T>(piece), exponent);
            if (found >= 0)
                return done / sizeof(T) + found;
        }
        return -1;
    }

    private static int FindIn<T>(ReadOnlySpan<T> bits, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        var mask = new Vector<T>(exponent);
        var i = 0;
        for (; i <= bits.Length - Vector<T>.Count; i += Vector<T>.Count)
            if (Vector.EqualsAny(new Vector<T>(bits[i..]) & mask, mask))
                break;
        for (; i < bits.Length; i++)
            if ((bits[i] & exponent) == exponent)
                return i;
        return -1;
    }
}
