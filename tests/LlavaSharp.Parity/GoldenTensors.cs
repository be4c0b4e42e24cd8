using LlavaSharp.Checkpoints;

namespace LlavaSharp.Parity;

/// <summary>The tensors that lie beside a golden JSON file. Copies may hold fewer, or no file at all: what is absent is not compared.</summary>
internal sealed class GoldenTensors(SafetensorsFile? file) : IDisposable
{
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    /// <summary>The values of a tensor, or null where there is none.</summary>
    public float[]? Find(string name)
    {
        _asked.Add(name);
        return file is not null && file.Tensors.TryGetValue(name, out var tensor) ? tensor.ToSingles() : null;
    }

    /// <summary>The shape of a tensor that is there.</summary>
    public long[] Shape(string name) => file!.Tensors[name].Shape;

    /// <summary>Tensors that begin with a name of <paramref name="owners"/> and a dot, but that no check has asked for.</summary>
    public IEnumerable<string> Unknown(IReadOnlyCollection<string> owners) =>
        file is null ? [] : file.Tensors.Keys.Where(name => !_asked.Contains(name) && owners.Any(owner => name.StartsWith(owner + ".", StringComparison.Ordinal))).Order(StringComparer.Ordinal);

    /// <summary>Tensors that no check has asked for, of which <paramref name="mayBeMore"/> does not say that they belong to cases that a smaller copy left out.</summary>
    public IEnumerable<string> Unknown(Func<string, bool> mayBeMore) =>
        file is null ? [] : file.Tensors.Keys.Where(name => !_asked.Contains(name) && !mayBeMore(name)).Order(StringComparer.Ordinal);

    public void Dispose() => file?.Dispose();
}
