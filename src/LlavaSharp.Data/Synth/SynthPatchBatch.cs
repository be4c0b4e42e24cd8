namespace LlavaSharp.Data.Synth;

/// <summary>Pictures with the labels of their patches, in plain arrays; -100 where a label does not count.</summary>
/// <param name="Pixels">[N, 3, S, S], normalised.</param>
/// <param name="Classes">[N, patches]: colour and shape, or the background.</param>
/// <param name="Sizes">[N, patches]: 0 small, 1 big.</param>
/// <param name="Places">[N, patches]: 0 to 8.</param>
public sealed record SynthPatchBatch(float[] Pixels, long[] Classes, long[] Sizes, long[] Places);
