namespace LlavaSharp.Training;

/// <summary>How the learning rate goes over a run.</summary>
public enum ScheduleKind
{
    /// <summary>A linear rise over the warm-up, then half a cosine down to zero.</summary>
    Cosine,

    /// <summary>A linear rise over the warm-up, then a straight line down to zero.</summary>
    Linear,

    /// <summary>Always the full rate.</summary>
    Constant,

    /// <summary>A linear rise over the warm-up, then the full rate.</summary>
    ConstantWithWarmup,

    /// <summary>A linear rise over the warm-up, then a straight line down to a rate of 1e-7.</summary>
    Polynomial,

    /// <summary>A linear rise over the warm-up, then half a cosine down to zero, once (the original's library restarts it only when told to).</summary>
    CosineWithRestarts,
}
