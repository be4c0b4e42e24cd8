using System.Runtime.InteropServices;

namespace LlavaSharp.Checkpoints;

/// <summary>Bytes that were computed instead of mapped.</summary>
internal sealed unsafe class PinnedMemory : TensorMemory
{
    private readonly byte[] _bytes;

    public PinnedMemory(ReadOnlySpan<byte> bytes, string path = "memory")
    {
        Path = path;
        _bytes = GC.AllocateUninitializedArray<byte>(bytes.Length, pinned: true);
        bytes.CopyTo(_bytes);
    }

    public override string Path { get; }

    public override long Length => _bytes.Length;

    public override byte* Pointer => (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(_bytes, 0);

    public override void Dispose()
    {
        // the array lives as long as a tensor refers to it
    }
}
