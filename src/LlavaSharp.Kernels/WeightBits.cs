namespace LlavaSharp.Kernels;

/// <summary>How many bits a packed weight has.</summary>
internal enum WeightBits
{
    /// <summary>-8 to 7.</summary>
    Four = 4,

    /// <summary>-127 to 127.</summary>
    Eight = 8,
}
