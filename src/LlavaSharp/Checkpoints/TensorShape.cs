namespace LlavaSharp.Checkpoints;

/// <summary>Arithmetic with shapes that never overflows silently.</summary>
internal static class TensorShape
{
    /// <summary>The most dimensions a tensor of the original's library may have.</summary>
    public const int MaxDimensions = 64;

    /// <summary>The number of elements, or null when a size is negative or the product leaves 63 bits.</summary>
    public static long? ElementCount(ReadOnlySpan<long> shape)
    {
        Int128 count = 1;
        var empty = false;
        foreach (var size in shape)
        {
            if (size < 0)
                return null;
            empty |= size == 0;
            if (size > 0 && (count *= size) > long.MaxValue)
                return null;
        }
        return empty ? 0 : (long)count;
    }

    /// <summary>The number of bytes, or null when it leaves 63 bits.</summary>
    public static long? ByteLength(ReadOnlySpan<long> shape, StoredDataType type) =>
        ElementCount(shape) is { } count && count <= long.MaxValue / type.Size() ? count * type.Size() : null;

    public static string Describe(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";
}
