namespace LlavaSharp.Checkpoints;

/// <summary>A file of named tensors, mapped read-only; disposing it invalidates its tensors' pointers.</summary>
public interface ITensorFile : IDisposable
{
    /// <summary>The file's path.</summary>
    string File { get; }

    /// <summary>The tensors by name.</summary>
    IReadOnlyDictionary<string, StoredTensor> Tensors { get; }
}
