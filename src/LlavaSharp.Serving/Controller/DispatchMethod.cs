namespace LlavaSharp.Serving.Controller;

/// <summary>How the controller chooses among the workers that have a model.</summary>
public enum DispatchMethod
{
    /// <summary>By chance, in the proportion of their speeds.</summary>
    Lottery,

    /// <summary>The one with the least requests for its speed.</summary>
    ShortestQueue,
}
