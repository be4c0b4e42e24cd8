namespace LlavaSharp.Data.Synth;

/// <summary>The eight colours of the synthetic world; <see cref="SynthPalette"/> holds their values.</summary>
public enum SynthColor
{
    /// <summary>220, 30, 30.</summary>
    Red,

    /// <summary>30, 160, 50.</summary>
    Green,

    /// <summary>40, 60, 220.</summary>
    Blue,

    /// <summary>235, 210, 40.</summary>
    Yellow,

    /// <summary>140, 50, 170.</summary>
    Purple,

    /// <summary>245, 140, 30.</summary>
    Orange,

    /// <summary>20, 20, 20.</summary>
    Black,

    /// <summary>130, 130, 130.</summary>
    Gray,
}
