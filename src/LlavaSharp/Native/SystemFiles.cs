namespace LlavaSharp.Native;

/// <summary>Reads the small text files in which Linux tells about itself; what cannot be read is as if it were not there.</summary>
internal static class SystemFiles
{
    /// <summary>The lines of a file, or none.</summary>
    public static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The first line of a file without white space around it, or null.</summary>
    public static string? Line(string path) => Lines(path) is [var first, ..] ? first.Trim() : null;
}
