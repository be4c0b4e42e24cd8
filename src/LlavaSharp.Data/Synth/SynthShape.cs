namespace LlavaSharp.Data.Synth;

/// <summary>The four shapes of the synthetic world.</summary>
public enum SynthShape
{
    /// <summary>A disc.</summary>
    Circle,

    /// <summary>An upright square.</summary>
    Square,

    /// <summary>A triangle with a flat base and its tip up.</summary>
    Triangle,

    /// <summary>A star of five points, one of them up; its inner radius is 0.45 of the outer.</summary>
    Star,
}
