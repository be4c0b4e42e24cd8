namespace LlavaSharp.Serving.Hosting;

/// <summary>The models of a server, by name. Safe for concurrent use.</summary>
public sealed class ServedModels
{
    private readonly Lock _lock = new();
    private volatile IReadOnlyList<ServedModel> _all = [];

    /// <summary>All of them, in the order in which they came.</summary>
    public IReadOnlyList<ServedModel> All => _all;

    /// <summary>Adds a model, or puts it in the place of the one with its name: what is being answered goes on with the old one.</summary>
    public void Set(ServedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        lock (_lock)
            _all = _all.Any(known => known.Name == model.Name) ? [.. _all.Select(known => known.Name == model.Name ? model : known)] : [.. _all, model];
    }

    /// <summary>The model with a name, or null.</summary>
    public ServedModel? Find(string name) => _all.FirstOrDefault(model => model.Name.Equals(name, StringComparison.Ordinal));
}
