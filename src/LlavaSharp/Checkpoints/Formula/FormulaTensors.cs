namespace LlavaSharp.Checkpoints.Formula;

/// <summary>The tensors of a model whose weights come from a formula (<see cref="FormulaNumbers"/>), in half precision: a checkpoint without files.</summary>
internal sealed class FormulaTensors : IDisposable
{
    private readonly Dictionary<string, FormulaTensorMemory> _memory = new(StringComparer.Ordinal);

    /// <summary>Names the tensors; none is computed before it is touched.</summary>
    /// <param name="expected">What the model asks for (<see cref="ExpectedTensors"/>); tensors that are not required are left out.</param>
    /// <param name="salt">Another one gives other numbers for all names.</param>
    public FormulaTensors(IEnumerable<ExpectedTensor> expected, uint salt = 0)
    {
        var tensors = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var (name, shape, _, _) in expected.Where(tensor => tensor.Required))
        {
            var memory = new FormulaTensorMemory(name, shape, salt);
            _memory.Add(name, memory);
            tensors.Add(name, new(name, StoredDataType.Float16, shape, null, memory.Path, memory, 0, memory.Length));
        }
        Tensors = tensors;
    }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, StoredTensor> Tensors { get; }

    /// <summary>Gives one tensor's memory back until it is touched again; pointers to it are invalid.</summary>
    /// <exception cref="KeyNotFoundException">There is no tensor of that name.</exception>
    public void Release(string name) => _memory[name].Release();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var memory in _memory.Values)
            memory.Dispose();
    }
}
