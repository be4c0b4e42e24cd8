namespace LlavaSharp.Data.Synth;

/// <summary>Pictures from outside the synthetic world.</summary>
public enum SynthOffTopicKind
{
    /// <summary>Every pixel at random.</summary>
    Noise,

    /// <summary>Random values on a coarse grid, blurred.</summary>
    BlurredNoise,

    /// <summary>A smooth change between two colours.</summary>
    Gradient,

    /// <summary>Stripes in any direction.</summary>
    Stripes,

    /// <summary>A board of two colours.</summary>
    Checkerboard,

    /// <summary>Several layers of blurred noise in natural colours, like a photograph of ground or cloth.</summary>
    Texture,

    /// <summary>A sky, a hilly ground and soft shading, like a photograph of a view.</summary>
    Landscape,

    /// <summary>Large soft patches that run into each other, like a photograph out of focus.</summary>
    Blobs,

    /// <summary>Thin lines over a light background, like writing.</summary>
    Scribble,

    /// <summary>One colour and nothing else.</summary>
    Plain,
}
