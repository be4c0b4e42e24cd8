namespace LlavaSharp.Native;

/// <summary>A native library that cannot be found, read, patched or loaded: which one, where it was looked for, and what to do.</summary>
public sealed class NativeLibraryException : LlavaException
{
    /// <summary>Creates the error; <paramref name="library"/> is the file's name or path, <paramref name="searched"/> the folders that were looked at.</summary>
    public NativeLibraryException(string message, string? library = null, IEnumerable<string>? searched = null, Exception? innerException = null)
        : base(message, innerException)
    {
        Library = library;
        Searched = searched is null ? [] : [.. searched];
    }

    /// <summary>The native library at fault, if it is one.</summary>
    public string? Library { get; }

    /// <summary>The folders that were looked at, in order; empty when the file was found.</summary>
    public IReadOnlyList<string> Searched { get; }
}
