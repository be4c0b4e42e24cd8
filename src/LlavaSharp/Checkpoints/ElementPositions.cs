namespace LlavaSharp.Checkpoints;

/// <summary>The positions (in elements, from the first) of a tensor's elements in row-major order.</summary>
internal readonly struct ElementPositions(long[] shape, long[]? strides)
{
    public IEnumerator<long> GetEnumerator()
    {
        var count = TensorShape.ElementCount(shape) ?? 0;
        if (strides is null)
        {
            for (long i = 0; i < count; i++)
                yield return i;
            yield break;
        }
        var index = new long[shape.Length];
        long position = 0;
        for (long i = 0; i < count; i++)
        {
            yield return position;
            for (var d = shape.Length - 1; d >= 0; d--)
            {
                position += strides[d];
                if (++index[d] < shape[d])
                    break;
                position -= index[d] * strides[d];
                index[d] = 0;
            }
        }
    }
}
