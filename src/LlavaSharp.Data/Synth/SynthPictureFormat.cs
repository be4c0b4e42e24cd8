namespace LlavaSharp.Data.Synth;

/// <summary>How pictures are written.</summary>
public enum SynthPictureFormat
{
    /// <summary>PNG, without loss.</summary>
    Png,

    /// <summary>JPEG of a quality from 85 to 95.</summary>
    Jpeg,

    /// <summary>Half of each, drawn for each picture.</summary>
    Mixed,
}
