namespace LlavaSharp.Checkpoints.Gguf;

/// <summary>The types of a GGUF file's named values; the numbers are those of the file.</summary>
internal enum GgufValueType : uint
{
    /// <summary>Unsigned, 1 byte.</summary>
    UInt8,

    /// <summary>Signed, 1 byte.</summary>
    Int8,

    /// <summary>Unsigned, 2 bytes.</summary>
    UInt16,

    /// <summary>Signed, 2 bytes.</summary>
    Int16,

    /// <summary>Unsigned, 4 bytes.</summary>
    UInt32,

    /// <summary>Signed, 4 bytes.</summary>
    Int32,

    /// <summary>Single precision.</summary>
    Float32,

    /// <summary>0 or 1 in one byte.</summary>
    Bool,

    /// <summary>A length of 8 bytes, then UTF-8.</summary>
    String,

    /// <summary>A type, a length of 8 bytes, then the elements.</summary>
    Array,

    /// <summary>Unsigned, 8 bytes.</summary>
    UInt64,

    /// <summary>Signed, 8 bytes.</summary>
    Int64,

    /// <summary>Double precision.</summary>
    Float64,
}
