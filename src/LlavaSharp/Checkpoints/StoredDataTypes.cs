using System.Diagnostics;

namespace LlavaSharp.Checkpoints;

/// <summary>Sizes and names of <see cref="StoredDataType"/>.</summary>
public static class StoredDataTypes
{
    /// <summary>The size of one element in bytes.</summary>
    public static int Size(this StoredDataType type) => type switch
    {
        StoredDataType.Float64 or StoredDataType.Int64 => 8,
        StoredDataType.Float32 or StoredDataType.Int32 => 4,
        StoredDataType.Float16 or StoredDataType.BFloat16 or StoredDataType.Int16 => 2,
        StoredDataType.Int8 or StoredDataType.UInt8 or StoredDataType.Bool => 1,
        _ => throw new UnreachableException(),
    };

    /// <summary>Whether the numbers are floating point.</summary>
    public static bool IsFloatingPoint(this StoredDataType type) =>
        type is StoredDataType.Float32 or StoredDataType.Float16 or StoredDataType.BFloat16 or StoredDataType.Float64;

    /// <summary>The name that PyTorch and <c>config.json</c> use, such as <c>bfloat16</c>.</summary>
    public static string TorchName(this StoredDataType type) => type.ToString().ToLowerInvariant();

    /// <summary>The name in the header of a safetensors file, such as <c>BF16</c>.</summary>
    public static string SafetensorsName(this StoredDataType type) => type switch
    {
        StoredDataType.Float32 => "F32",
        StoredDataType.Float16 => "F16",
        StoredDataType.BFloat16 => "BF16",
        StoredDataType.Float64 => "F64",
        StoredDataType.Int64 => "I64",
        StoredDataType.Int32 => "I32",
        StoredDataType.Int16 => "I16",
        StoredDataType.Int8 => "I8",
        StoredDataType.UInt8 => "U8",
        StoredDataType.Bool => "BOOL",
        _ => throw new UnreachableException(),
    };

    internal static StoredDataType? FromSafetensorsName(string? name) => name switch
    {
        "F32" => StoredDataType.Float32,
        "F16" => StoredDataType.Float16,
        "BF16" => StoredDataType.BFloat16,
        "F64" => StoredDataType.Float64,
        "I64" => StoredDataType.Int64,
        "I32" => StoredDataType.Int32,
        "I16" => StoredDataType.Int16,
        "I8" => StoredDataType.Int8,
        "U8" => StoredDataType.UInt8,
        "BOOL" => StoredDataType.Bool,
        _ => null,
    };

    /// <summary>The type of a legacy storage class (<c>torch.HalfStorage</c>), or null for one that is not read.</summary>
    internal static StoredDataType? FromTorchStorage(string name) => name switch
    {
        "FloatStorage" => StoredDataType.Float32,
        "HalfStorage" => StoredDataType.Float16,
        "BFloat16Storage" => StoredDataType.BFloat16,
        "DoubleStorage" => StoredDataType.Float64,
        "LongStorage" => StoredDataType.Int64,
        "IntStorage" => StoredDataType.Int32,
        "ShortStorage" => StoredDataType.Int16,
        "CharStorage" => StoredDataType.Int8,
        "ByteStorage" => StoredDataType.UInt8,
        "BoolStorage" => StoredDataType.Bool,
        _ => null,
    };

    internal static string TorchStorageName(this StoredDataType type) => type switch
    {
        StoredDataType.Float32 => "FloatStorage",
        StoredDataType.Float16 => "HalfStorage",
        StoredDataType.BFloat16 => "BFloat16Storage",
        StoredDataType.Float64 => "DoubleStorage",
        StoredDataType.Int64 => "LongStorage",
        StoredDataType.Int32 => "IntStorage",
        StoredDataType.Int16 => "ShortStorage",
        StoredDataType.Int8 => "CharStorage",
        StoredDataType.UInt8 => "ByteStorage",
        StoredDataType.Bool => "BoolStorage",
        _ => throw new UnreachableException(),
    };

    /// <summary>The type behind <c>torch.float16</c> and the like, or null for one that is not read.</summary>
    internal static StoredDataType? FromTorchName(string name) => name switch
    {
        "float32" or "float" => StoredDataType.Float32,
        "float16" or "half" => StoredDataType.Float16,
        "bfloat16" => StoredDataType.BFloat16,
        "float64" or "double" => StoredDataType.Float64,
        "int64" or "long" => StoredDataType.Int64,
        "int32" or "int" => StoredDataType.Int32,
        "int16" or "short" => StoredDataType.Int16,
        "int8" => StoredDataType.Int8,
        "uint8" => StoredDataType.UInt8,
        "bool" => StoredDataType.Bool,
        _ => null,
    };
}
