namespace LlavaSharp.Serving.Upstream;

/// <summary>What is wrong with a server that answers for a worker.</summary>
public enum UpstreamProblem
{
    /// <summary>It cannot be reached, or its connection broke.</summary>
    Unreachable,

    /// <summary>It refused the request, or failed, and said so.</summary>
    Refused,

    /// <summary>The prompt does not fit into its model's context.</summary>
    TooLong,

    /// <summary>It said nothing for too long.</summary>
    Silent,

    /// <summary>Its answer ended in the middle.</summary>
    CutOff,

    /// <summary>It does not speak OpenAI's interface.</summary>
    Garbled,
}
