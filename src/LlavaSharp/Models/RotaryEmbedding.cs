using LlavaSharp.Checkpoints;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>
/// Rotary position embedding (Su et al. 2021) in the half-split form of LLaMA checkpoints, with the scalings "linear" (positions divided by the
/// factor) and "dynamic" (the base grows once the sequence is longer than the trained context).
/// </summary>
internal sealed class RotaryEmbedding(int headWidth, double theta, int trainedPositions, RopeScaling? scaling)
{
    /// <summary>Up to this length the angles of a position are the same whatever the sequence's length.</summary>
    public int StableLength => scaling is { Kind: "dynamic" } ? trainedPositions : int.MaxValue;

    /// <summary>Cosines and sines [1 or B, T, 1, D] for positions [1 or B, T]; <paramref name="length"/> is the sequence's length so far.</summary>
    public (Tensor Cosine, Tensor Sine) Tables(Tensor positions, int length, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var frequencies = InverseFrequencies(length).to(positions.device);                            // [D/2]
        var angles = positions.to(ScalarType.Float32).unsqueeze(-1);                                    // [B, T, 1]
        if (scaling is { Kind: "linear" })
            angles = angles / Scalars.Of(scaling.Factor);
        angles = angles * frequencies;                                                                  // [B, T, D/2]
        angles = cat([angles, angles], -1).unsqueeze(2);                                                // [B, T, 1, D]
        return (angles.cos().to(type).MoveToOuterDisposeScope(), angles.sin().to(type).MoveToOuterDisposeScope());
    }

    /// <summary>Rotates x [B, T, H, D], in place where that can be; x is not to be used afterwards.</summary>
    public static Tensor Rotate(Tensor x, Tensor cosine, Tensor sine)
    {
        if (FusedOperations.Rotate(x, cosine, sine))
            return x;
        using var scope = NewDisposeScope();
        var halves = x.chunk(2, -1);                                                                    // 2 x [B, T, H, D/2]
        var turned = cat([-halves[1], halves[0]], -1);                                                  // [B, T, H, D]
        return (x * cosine).AddInPlace(turned.mul_(sine)).MoveToOuterDisposeScope();
    }

    private Tensor InverseFrequencies(int length)
    {
        var basis = theta;
        if (scaling is { Kind: "dynamic" } && length > trainedPositions)
            basis *= Math.Pow(scaling.Factor * length / trainedPositions - (scaling.Factor - 1), headWidth / (headWidth - 2.0));
        var values = new float[headWidth / 2];
        for (var i = 0; i < values.Length; i++)
            values[i] = 1f / (float)Math.Pow(basis, (float)(2 * i) / headWidth);
        return tensor(values);
    }
}
