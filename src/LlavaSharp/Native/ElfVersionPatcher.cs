using System.Buffers.Binary;

namespace LlavaSharp.Native;

/// <summary>
/// Lets a library load where an older C++ runtime lacks a symbol version that the library names but never uses.
/// </summary>
/// <remarks>
/// A compiler may leave a version requirement behind with no use of it: GCC 13's <c>iostream</c> header names
/// <c>_ZSt21ios_base_library_initv@GLIBCXX_3.4.32</c> so that the linker finds an old runtime, but nothing calls it, so no relocation
/// refers to it. Marking the requirement as weak (one bit, the ELF specification's own means) is then safe: there is nothing to bind.
/// A version that a relocation does use is refused.
/// </remarks>
internal static class ElfVersionPatcher
{
    private const ushort WeakFlag = 2;

    /// <summary>The versions that a file asks of <paramref name="library"/> and that <paramref name="offered"/> does not hold.</summary>
    public static IReadOnlyList<ElfVersionNeed> FindMissing(ElfFile file, string library, IReadOnlySet<string> offered) =>
        [.. file.VersionNeeds.Where(need => need.Library == library && !need.IsWeak && !offered.Contains(need.Version))];

    /// <summary>A copy of the file in which the given requirements are weak.</summary>
    /// <exception cref="NativeLibraryException">The file is not understood, or it does use a symbol of such a version.</exception>
    public static byte[] MakeWeak(byte[] bytes, string name, IEnumerable<ElfVersionNeed> missing)
    {
        var file = ElfFile.Parse(bytes, name);
        var patched = (byte[])bytes.Clone();
        foreach (var need in missing)
        {
            if (!file.VersionNeeds.Any(own => own.FlagsOffset == need.FlagsOffset && own.Version == need.Version))
                throw new NativeLibraryException($"{name} does not ask for {need.Version} at byte {need.FlagsOffset}: the requirement is another file's.", name);
            var used = file.SymbolsBoundTo(need.Index);
            if (used.Count > 0)
                throw new NativeLibraryException(
                    $"{name} uses {string.Join(", ", used)} of {need.Version}, which this system's {need.Library} does not have. "
                    + "A newer system is needed (Debian 12, Ubuntu 22.04, RHEL 9 or later), or a container with one.", name);
            var flags = patched.AsSpan(checked((int)need.FlagsOffset), 2);
            BinaryPrimitives.WriteUInt16LittleEndian(flags, (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(flags) | WeakFlag));
        }
        return patched;
    }
}
