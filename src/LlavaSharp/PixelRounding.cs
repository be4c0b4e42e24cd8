namespace LlavaSharp;

/// <summary>To what precision pixel values are rounded before the vision tower sees them.</summary>
public enum PixelRounding
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>To float16, as the original's programs do on a GPU.</summary>
    Float16,

    /// <summary>To bfloat16.</summary>
    BFloat16,
}
