namespace LlavaSharp.Serving.Protocol;

/// <summary>What is wrong with a worker.</summary>
internal enum WorkerProblem
{
    /// <summary>It cannot be reached, or went away.</summary>
    Unreachable,

    /// <summary>It said nothing for too long.</summary>
    Silent,

    /// <summary>It does not follow the protocol.</summary>
    Garbled,
}
