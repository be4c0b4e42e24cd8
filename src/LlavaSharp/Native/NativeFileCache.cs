using System.Security.Cryptography;

namespace LlavaSharp.Native;

/// <summary>Keeps patched native files: named by the hash of what they hold, written whole or not at all, checked at every use.</summary>
internal static class NativeFileCache
{
    /// <summary>The path of a file in <paramref name="folder"/> that holds exactly these bytes, made when missing and remade when damaged.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written.</exception>
    public static string Store(string folder, string name, byte[] content)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(content))[..32];
        var path = Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(name)}-{hash}{Path.GetExtension(name)}");
        if (Holds(path, content))
            return path;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(folder);
        else
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Environment.ProcessId}.{Guid.NewGuid():N}");
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true); // atomic: others see the old file or the whole new one
        }
        finally
        {
            File.Delete(temporary);
        }
        return path;
    }

    private static bool Holds(string path, byte[] content)
    {
        try
        {
            return new FileInfo(path) is { Exists: true } file && file.Length == content.Length && File.ReadAllBytes(path).AsSpan().SequenceEqual(content);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false; // unreadable is as good as damaged: it is written anew
        }
    }
}
