using System.Buffers.Binary;
using System.Text;

namespace LlavaSharp.Checkpoints;

/// <summary>The pickle (protocol 2) of a dictionary of contiguous tensors, one storage each, named 0, 1, 2 ...</summary>
internal static class PickleWriter
{
    public static byte[] Dictionary(IReadOnlyList<TensorToWrite> tensors)
    {
        using var output = new MemoryStream();
        output.Write([0x80, 2, (byte)'}', (byte)'(']);
        for (var i = 0; i < tensors.Count; i++)
            Pair(output, tensors[i], i);
        output.Write("u."u8);
        return output.ToArray();
    }

    private static void Pair(MemoryStream output, TensorToWrite tensor, int storage)
    {
        var shape = tensor.Shape;
        long count = 1;
        foreach (var size in shape)
            count *= size;
        Text(output, tensor.Name);
        output.Write("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
        Text(output, "storage");
        output.Write(Encoding.ASCII.GetBytes($"ctorch\n{tensor.DataType.TorchStorageName()}\n"));
        Text(output, storage.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Text(output, "cpu");
        Number(output, count);
        output.Write("tQ"u8);                                 // the storage, by persistent id
        Number(output, 0);                                    // its first element
        Tuple(output, shape);
        Tuple(output, Strides(shape));
        output.WriteByte(0x89);                               // requires no gradient
        output.Write("ccollections\nOrderedDict\n)RtR"u8);    // no hooks
    }

    private static long[] Strides(long[] shape)
    {
        var strides = new long[shape.Length];
        long step = 1;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            strides[i] = step;
            step *= Math.Max(1, shape[i]);
        }
        return strides;
    }

    private static void Tuple(MemoryStream output, long[] values)
    {
        output.WriteByte((byte)'(');
        foreach (var value in values)
            Number(output, value);
        output.WriteByte((byte)'t');
    }

    private static void Text(MemoryStream output, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        output.WriteByte((byte)'X');
        output.Write(length);
        output.Write(bytes);
    }

    private static void Number(MemoryStream output, long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        if (value is >= 0 and <= int.MaxValue)
        {
            output.WriteByte((byte)'J');
            output.Write(bytes[..4]);
            return;
        }
        output.Write([0x8a, 8]);
        output.Write(bytes);
    }
}
