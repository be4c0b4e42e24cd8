using System.Buffers.Binary;
using System.Text;

namespace LlavaSharp.Tests.Native;

/// <summary>Builds a small shared object: one requirement on a library, optionally with a relocation that uses it, and version definitions.</summary>
internal static class ElfBuilder
{
    public const string Library = "libstdc++.so.6";
    public const string Symbol = "_ZSt21ios_base_library_initv";
    private const int Size = 4096;

    public static byte[] Build(string[] versions, int? usedVersion = null, string[]? defines = null, ushort machine = 62)
    {
        var file = new byte[Size];
        var strings = new List<byte> { 0 };
        int library = Name(Library), symbol = Name(Symbol);
        int[] names = [.. versions.Select(Name)], defined = [.. (defines ?? []).Select(Name)];
        const int programs = 64, dynamic = 0x100, verNeed = 0x300, verDef = 0x800, symTab = 0xa00, verSym = 0xb00, rela = 0xb40, strTab = 0xc00;

        "\u007fELF"u8.CopyTo(file);
        (file[4], file[5], file[6]) = (2, 1, 1);
        U16(16, 3);
        U16(18, machine);
        U64(32, programs);
        U16(54, 56);
        U16(56, 2);
        U32(programs, 1); // everything is one segment whose addresses are file offsets plus 0x10000
        U64(programs + 16, 0x10000);
        U64(programs + 32, Size);
        U32(programs + 56, 2);
        U64(programs + 56 + 8, dynamic);
        U64(programs + 56 + 16, 0x10000 + dynamic);

        U16(verNeed, 1);
        U16(verNeed + 2, versions.Length);
        U32(verNeed + 4, library);
        U32(verNeed + 8, 16);
        for (var i = 0; i < versions.Length; i++)
        {
            var entry = verNeed + 16 + 16 * i;
            U16(entry + 6, 2 + i);
            U32(entry + 8, names[i]);
            U32(entry + 12, i + 1 < versions.Length ? 16 : 0);
        }
        for (var i = 0; i < defined.Length; i++)
        {
            var entry = verDef + 28 * i;
            U16(entry, 1);
            U16(entry + 4, 1 + i);
            U16(entry + 6, 1);
            U32(entry + 12, 20);
            U32(entry + 16, i + 1 < defined.Length ? 28 : 0);
            U32(entry + 20, defined[i]);
        }
        U32(symTab + 24, symbol); // symbol 1
        U16(verSym + 2, 2 + (usedVersion ?? 0));
        U64(rela + 8, usedVersion is null ? 8 : 1L << 32 | 6); // a relative relocation, or one that binds symbol 1
        strings.CopyTo(file, strTab);

        var at = dynamic;
        Dynamic(1, library);
        Dynamic(5, 0x10000 + strTab);
        Dynamic(10, strings.Count);
        Dynamic(6, 0x10000 + symTab);
        Dynamic(7, 0x10000 + rela);
        Dynamic(8, 24);
        Dynamic(0x6ffffff0, 0x10000 + verSym);
        if (versions.Length > 0)
        {
            Dynamic(0x6ffffffe, 0x10000 + verNeed);
            Dynamic(0x6fffffff, 1);
        }
        if (defined.Length > 0)
        {
            Dynamic(0x6ffffffc, 0x10000 + verDef);
            Dynamic(0x6ffffffd, defined.Length);
        }
        Dynamic(0, 0);
        U64(programs + 56 + 32, at - dynamic);
        return file;

        int Name(string text)
        {
            var index = strings.Count;
            strings.AddRange(Encoding.ASCII.GetBytes(text));
            strings.Add(0);
            return index;
        }

        void Dynamic(long tag, long value)
        {
            U64(at, tag);
            U64(at + 8, value);
            at += 16;
        }

        void U16(int offset, int value) => BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(offset), (ushort)value);
        void U32(int offset, int value) => BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(offset), value);
        void U64(int offset, long value) => BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(offset), value);
    }
}
