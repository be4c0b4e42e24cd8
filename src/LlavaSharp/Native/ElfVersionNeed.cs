namespace LlavaSharp.Native;

/// <summary>One entry of <c>.gnu.version_r</c>: a symbol version that a file asks of another library.</summary>
/// <param name="Library">The library asked, such as <c>libstdc++.so.6</c>.</param>
/// <param name="Version">The version asked for, such as <c>GLIBCXX_3.4.32</c>.</param>
/// <param name="Index">The number by which symbols refer to this entry.</param>
/// <param name="IsWeak">The loader carries on without a weak version.</param>
/// <param name="FlagsOffset">Where in the file the entry's 16 bits of flags are.</param>
internal readonly record struct ElfVersionNeed(string Library, string Version, ushort Index, bool IsWeak, long FlagsOffset);
