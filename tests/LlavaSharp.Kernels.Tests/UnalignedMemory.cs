using System.Runtime.InteropServices;

namespace LlavaSharp.Kernels.Tests;

/// <summary>Memory that begins where a mapped file may begin it: anywhere.</summary>
internal sealed unsafe class UnalignedMemory(long bytes, int offset) : IDisposable
{
    private readonly byte* _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(bytes + offset), 64);

    public byte* Pointer => _memory + offset;

    public void Dispose() => NativeMemory.AlignedFree(_memory);
}
