namespace LlavaSharp.Checkpoints;

/// <summary>A name that a pickle asked for; only names on the list of <see cref="PickleMachine"/> ever become one.</summary>
internal sealed record PickleGlobal(string Module, string Name)
{
    public override string ToString() => $"{Module}.{Name}";
}

/// <summary>A pickle's persistent id: one storage of the archive. The type is null for untyped bytes.</summary>
internal sealed record PickleStorage(string Key, StoredDataType? DataType, long Count);

/// <summary>A view of a storage.</summary>
internal sealed record PickleTensor(PickleStorage Storage, StoredDataType DataType, long Offset, long[] Shape, long[] Strides);

/// <summary>A dictionary: its pairs in order, made only when the first is added.</summary>
internal sealed class PickleDictionary
{
    public List<KeyValuePair<object?, object?>>? Pairs { get; private set; }

    public void Add(object? key, object? value) => (Pairs ??= []).Add(new(key, value));
}
