namespace LlavaSharp.Data.Synth;

/// <summary>The two sizes of the synthetic world, by the outer radius as a share of the picture's shorter side.</summary>
public enum SynthSize
{
    /// <summary>0.08 to 0.105.</summary>
    Small,

    /// <summary>0.14 to 0.17.</summary>
    Big,
}
