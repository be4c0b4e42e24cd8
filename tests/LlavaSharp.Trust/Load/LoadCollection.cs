namespace LlavaSharp.Trust.Load;

/// <summary>What is measured while nothing else runs.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class LoadCollection
{
    public const string Name = "load";
}
