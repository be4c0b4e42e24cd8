namespace LlavaSharp.Data.Synth;

/// <summary>A colour of eight bits a channel.</summary>
/// <param name="R">Red, 0 to 255.</param>
/// <param name="G">Green, 0 to 255.</param>
/// <param name="B">Blue, 0 to 255.</param>
public readonly record struct SynthRgb(byte R, byte G, byte B);
