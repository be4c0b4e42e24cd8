namespace LlavaSharp.Parity.Areas.Serving;

/// <summary>How the frames of a stream are compared.</summary>
internal enum FrameRule
{
    /// <summary>All, byte for byte.</summary>
    Exact,

    /// <summary>The error codes and the last frame: where the text is cut on the way is free.</summary>
    Last,

    /// <summary>The error codes: tokens were drawn.</summary>
    Shape,
}
