using LlavaSharp.Checkpoints;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>Tensors over mapped files: nothing is copied where the file's layout allows it.</summary>
internal static unsafe class StoredTensorViews
{
    /// <summary>The tensor over the file's own memory (a copy where its first element is not aligned); valid while the file is open, and never to be written to.</summary>
    public static Tensor View(StoredTensor stored)
    {
        if (!stored.IsAligned)
            return Copy(stored);
        var pointer = (IntPtr)stored.Pointer;
        return stored.Strides is { } strides
            ? TorchAbi.TensorOverMemory(pointer, stored.Shape, strides, Type(stored.DataType))
            : TorchAbi.TensorOverMemory(pointer, stored.Shape, Type(stored.DataType));
    }

    /// <summary>libtorch's name of a stored type.</summary>
    public static ScalarType Type(StoredDataType type) => type switch
    {
        StoredDataType.Float32 => ScalarType.Float32,
        StoredDataType.Float16 => ScalarType.Float16,
        StoredDataType.BFloat16 => ScalarType.BFloat16,
        StoredDataType.Float64 => ScalarType.Float64,
        StoredDataType.Int64 => ScalarType.Int64,
        StoredDataType.Int32 => ScalarType.Int32,
        StoredDataType.Int16 => ScalarType.Int16,
        StoredDataType.Int8 => ScalarType.Int8,
        StoredDataType.UInt8 => ScalarType.Byte,
        _ => ScalarType.Bool,
    };

    private static Tensor Copy(StoredTensor stored)
    {
        var copy = empty(stored.Shape, Type(stored.DataType));
        var bytes = copy.numel() * copy.element_size();
        using var target = new UnmanagedMemoryStream((byte*)TorchAbi.DataPointer(copy), bytes, bytes, FileAccess.Write);
        stored.WriteTo(target);
        return copy;
    }
}
