namespace LlavaSharp;

/// <summary>The number of picture markers in a prompt and the number of pictures given do not match.</summary>
public sealed class ImageCountException : LlavaException
{
    /// <summary>Creates the error with both numbers.</summary>
    public ImageCountException(int markers, int images)
        : base($"The prompt has {markers} <image> marker{(markers == 1 ? "" : "s")}, but {images} picture{(images == 1 ? " was" : "s were")} given. Give one picture for each marker.")
        => (Markers, Images) = (markers, images);

    /// <summary>The number of <c>&lt;image&gt;</c> markers.</summary>
    public int Markers { get; }

    /// <summary>The number of pictures.</summary>
    public int Images { get; }
}
