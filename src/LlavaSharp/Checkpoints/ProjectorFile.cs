namespace LlavaSharp.Checkpoints;

/// <summary>A file with a projector alone, <c>mm_projector.bin</c>: what pretraining leaves. Old ones hold rows of <c>model.embed_tokens.weight</c> as well.</summary>
public sealed class ProjectorFile : ITensorFile
{
    /// <summary>The usual name of the file.</summary>
    public const string FileName = "mm_projector.bin";

    private const string Mark = "mm_projector.";

    private readonly ITensorFile _file;

    private ProjectorFile(ITensorFile file)
    {
        _file = file;
        var layers = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (var (name, tensor) in file.Tensors)
        {
            var at = name.IndexOf(Mark, StringComparison.Ordinal);
            if (at >= 0 && !layers.TryAdd(name[(at + Mark.Length)..], tensor))
                throw new CheckpointException($"'{file.File}' holds two tensors for the projector's '{name[(at + Mark.Length)..]}'.", file.File, name);
        }
        if (layers.Count == 0)
            throw new CheckpointException($"'{file.File}' holds no projector: no tensor's name contains '{Mark}'.", file.File);
        Layers = layers;
    }

    /// <inheritdoc/>
    public string File => _file.File;

    /// <summary>All tensors under their full names, such as <c>model.mm_projector.0.weight</c>.</summary>
    public IReadOnlyDictionary<string, StoredTensor> Tensors => _file.Tensors;

    /// <summary>The projector's tensors under their names inside it, such as <c>0.weight</c>.</summary>
    public IReadOnlyDictionary<string, StoredTensor> Layers { get; }

    /// <summary>Opens a projector's file, or the one in a folder.</summary>
    /// <exception cref="CheckpointException">There is none, it is malformed, or it holds no projector.</exception>
    public static ProjectorFile Open(string path)
    {
        var file = TensorFile.Open(Directory.Exists(path) ? Path.Combine(path, FileName) : path);
        try
        {
            return new(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Copies every tensor of a checkpoint whose name contains <c>mm_projector</c> into one file, names unchanged.</summary>
    /// <exception cref="CheckpointException">The checkpoint cannot be read or has no projector.</exception>
    /// <exception cref="LlavaException">The file cannot be written.</exception>
    public static void Extract(string checkpointFolder, string outputPath)
    {
        using var folder = CheckpointFolder.Open(checkpointFolder);
        var found = folder.Tensors.Values.Where(tensor => tensor.Name.Contains("mm_projector", StringComparison.Ordinal)).ToList();
        if (found.Count == 0)
            throw new CheckpointException($"'{checkpointFolder}' has no projector: no tensor's name contains 'mm_projector'.", checkpointFolder);
        TorchFileWriter.Write(outputPath, found.Select(tensor => TensorToWrite.FromStored(tensor)));
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
