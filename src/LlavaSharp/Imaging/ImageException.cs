namespace LlavaSharp.Imaging;

/// <summary>A picture that cannot be found, is no picture, is truncated, or is larger than the limit.</summary>
public sealed class ImageException : LlavaException
{
    /// <summary>Creates the error; <paramref name="source"/> is the file, URL or a short name for bytes.</summary>
    public ImageException(string message, string? source = null, Exception? innerException = null)
        : base(message, innerException) => PictureSource = source;

    /// <summary>Where the picture came from: a file, a URL, or "data URI".</summary>
    public string? PictureSource { get; }
}
