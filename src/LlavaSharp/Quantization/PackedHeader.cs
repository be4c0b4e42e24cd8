using System.Buffers.Binary;
using System.IO.Hashing;
using LlavaSharp.Checkpoints;
using LlavaSharp.Kernels;

namespace LlavaSharp.Quantization;

/// <summary>
/// The first 64 bytes of a packed matrix in a checkpoint, little-endian: "LSPM", version (16 bits), bits a value (16 bits), rows, inputs, exponent
/// (32 bits each), four bytes of zeros, the number of bytes that follow and their XXH3 checksum (64 bits each); the rest is zero. What follows lies as <see cref="PackedLayout"/> says.
/// </summary>
/// <param name="Layout">How the matrix lies.</param>
/// <param name="Checksum">XXH3 (64 bits, seed 0) of the bytes behind the header.</param>
internal readonly record struct PackedHeader(PackedLayout Layout, ulong Checksum)
{
    /// <summary>Bytes of a header.</summary>
    public const int Size = 64;

    /// <summary>The version of the layout that is written and read.</summary>
    public const int Version = 1;

    private const int LargestExponent = 96;   // leaves room for the exponents of halves within those of singles

    private static ReadOnlySpan<byte> Magic => "LSPM"u8;

    /// <summary>Whether a tensor holds a packed matrix (of any version).</summary>
    public static bool IsPacked(StoredTensor tensor) =>
        tensor is { DataType: StoredDataType.UInt8, Shape.Length: 1, IsContiguous: true, ByteLength: >= Size } && Start(tensor)[..4].SequenceEqual(Magic);

    /// <summary>The sizes of the matrix that a tensor stands for: [rows, inputs] of a packed one, else its own.</summary>
    public static long[] ShapeOf(StoredTensor tensor) => IsPacked(tensor)
        ? [BinaryPrimitives.ReadUInt32LittleEndian(Start(tensor)[8..]), BinaryPrimitives.ReadUInt32LittleEndian(Start(tensor)[12..])]
        : tensor.Shape;

    /// <summary>Reads the header of a packed matrix and checks that it agrees with the tensor that holds it.</summary>
    /// <exception cref="CheckpointException">The version is unknown, or a number is out of range.</exception>
    public static PackedHeader Read(StoredTensor tensor)
    {
        var bytes = Start(tensor);
        var version = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]);
        if (version != Version)
            throw Wrong(tensor, $"is packed in version {version} of the format; version {Version} is read here. Quantise the checkpoint again with this version of llava");
        var bits = BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]);
        var rows = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        var inputs = BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]);
        var exponent = BinaryPrimitives.ReadInt32LittleEndian(bytes[16..]);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
        if (bits is not (4 or 8) || rows is 0 or > int.MaxValue - PackedLayout.BlockRows || inputs is 0 or > 1 << 26 || Math.Abs((long)exponent) > LargestExponent)
            throw Wrong(tensor, $"has a damaged header ({bits} bits, {rows} rows, {inputs} inputs, exponent {exponent})");
        var layout = new PackedLayout((int)rows, (int)inputs, (WeightBits)bits, exponent);
        if (length != (ulong)layout.Bytes || tensor.ByteLength != Size + layout.Bytes)
            throw Wrong(tensor, $"has {tensor.ByteLength} bytes where {rows} x {inputs} in {bits} bits take {Size + layout.Bytes}");
        return new(layout, BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..]));
    }

    /// <summary>Writes the header.</summary>
    /// <param name="target">At least <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> target)
    {
        target[..Size].Clear();
        Magic.CopyTo(target);
        BinaryPrimitives.WriteUInt16LittleEndian(target[4..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(target[6..], (ushort)Layout.Bits);
        BinaryPrimitives.WriteUInt32LittleEndian(target[8..], (uint)Layout.Rows);
        BinaryPrimitives.WriteUInt32LittleEndian(target[12..], (uint)Layout.Inputs);
        BinaryPrimitives.WriteInt32LittleEndian(target[16..], Layout.Exponent);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], (ulong)Layout.Bytes);
        BinaryPrimitives.WriteUInt64LittleEndian(target[32..], Checksum);
    }

    /// <summary>Reads the whole matrix once and compares its checksum.</summary>
    /// <exception cref="CheckpointException">It differs.</exception>
    public unsafe void Verify(StoredTensor tensor)
    {
        if (Sum(tensor.Pointer + Size, Layout.Bytes) != Checksum)
            throw Wrong(tensor, "does not have the checksum that its header states. The file is damaged: quantise or fetch it again");
    }

    /// <summary>The checksum of a packed matrix.</summary>
    /// <param name="data">Its first byte, behind the header.</param>
    /// <param name="length">Its bytes.</param>
    public static unsafe ulong Sum(byte* data, long length)
    {
        const int Piece = 1 << 30;
        if (length <= Piece)
            return XxHash3.HashToUInt64(new ReadOnlySpan<byte>(data, (int)length));
        var hash = new XxHash3();
        for (long done = 0; done < length; done += Piece)
            hash.Append(new ReadOnlySpan<byte>(data + done, (int)Math.Min(Piece, length - done)));
        return hash.GetCurrentHashAsUInt64();
    }

    private static unsafe ReadOnlySpan<byte> Start(StoredTensor tensor) => new(tensor.Pointer, Size);

    private static CheckpointException Wrong(StoredTensor tensor, string what) =>
        new($"The packed tensor '{tensor.Name}' of '{tensor.File}' {what}.", tensor.File, tensor.Name);
}
