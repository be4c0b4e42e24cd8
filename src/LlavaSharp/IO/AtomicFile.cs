using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlavaSharp.IO;

/// <summary>Writes a file beside its final name and renames it, so that no reader ever sees half of it.</summary>
internal static class AtomicFile
{
    private static readonly JsonSerializerOptions _indented = new() { WriteIndented = true };

    /// <summary>Writes a file, and the folders above it; on any error the old file stays as it was.</summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes the content.</param>
    /// <param name="failure">The error for a file that cannot be written, from its message and what is behind it; null: a <see cref="LlavaException"/>.</param>
    /// <exception cref="LlavaException">The file cannot be written.</exception>
    public static void Write(string path, Action<FileStream> write, Func<string, Exception, LlavaException>? failure = null)
    {
        var temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
                Directory.CreateDirectory(folder);
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception exception)
        {
            if (File.Exists(temporary))   // deleting in a folder that is not there would hide the error
                File.Delete(temporary);
            if (exception is not (IOException or UnauthorizedAccessException))
                throw;
            var message = $"'{path}' cannot be written: {exception.Message}";
            throw failure?.Invoke(message, exception) ?? new LlavaException(message, exception);
        }
    }

    /// <summary>Writes bytes.</summary>
    /// <exception cref="LlavaException">The file cannot be written.</exception>
    public static void WriteBytes(string path, ReadOnlyMemory<byte> bytes, Func<string, Exception, LlavaException>? failure = null) =>
        Write(path, stream => stream.Write(bytes.Span), failure);

    /// <summary>Writes a JSON object, indented.</summary>
    /// <exception cref="LlavaException">The file cannot be written.</exception>
    public static void WriteJson(string path, JsonObject json) =>
        WriteBytes(path, Encoding.UTF8.GetBytes(json.ToJsonString(_indented) + "\n"));
}
