using LlavaSharp.Checkpoints;
using LlavaSharp.Checkpoints.Gguf;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Models;

/// <summary>What a folder, alone or on a base, contributes to a model.</summary>
internal sealed record CheckpointParts
{
    /// <summary>The config that counts: the checkpoint's own, even on a base.</summary>
    public required LlavaConfig Config { get; init; }

    /// <summary>The language model's tensors (and, in a whole checkpoint, everything else).</summary>
    public required IReadOnlyDictionary<string, StoredTensor> Tensors { get; init; }

    /// <summary>The folder whose tokenizer counts: the base's if there is one.</summary>
    public required string TokenizerFolder { get; init; }

    /// <summary>The tokenizer where it lies in no folder but in the checkpoint itself.</summary>
    public Func<Tokenizer>? Tokenizer { get; init; }

    /// <summary>The tensors of a projector's file.</summary>
    public IReadOnlyDictionary<string, StoredTensor>? Projector { get; init; }

    /// <summary>A low-rank adapter to merge.</summary>
    public LoraAdapter? Adapter { get; init; }

    /// <summary>Finds out by its files what the folder is.</summary>
    /// <exception cref="CheckpointException">It needs a base and none is given, or a file is malformed.</exception>
    public static CheckpointParts Open(string folder, string? baseFolder, List<IDisposable> owned)
    {
        if (GgufCheckpoint.Is(folder))
            return OpenGguf(folder, baseFolder, owned);
        var isAdapter = File.Exists(Path.Combine(folder, "adapter_config.json"));
        var hasConfig = File.Exists(Path.Combine(folder, "config.json"));
        if (baseFolder is null || (isAdapter && !hasConfig))
        {
            if (isAdapter)
            {
                if (baseFolder is null)
                    throw new CheckpointException($"'{folder}' is a LoRA adapter: name the language model it was trained on as the base (--model-base).", folder);
                return OnPlainModel(folder, baseFolder, owned);
            }
            var whole = Keep(owned, CheckpointFolder.Open(folder));
            return new CheckpointParts { Config = whole.Config, Tensors = whole.Tensors, TokenizerFolder = folder };
        }
        var own = Keep(owned, CheckpointFolder.Open(folder));
        var basis = Keep(owned, CheckpointFolder.Open(baseFolder, own.Config));
        var parts = new CheckpointParts { Config = own.Config, Tensors = basis.Tensors, TokenizerFolder = baseFolder };
        if (isAdapter)
            return parts with { Adapter = Keep(owned, LoraAdapter.Open(folder)) };
        if (!File.Exists(Path.Combine(folder, ProjectorFile.FileName)))
            throw new CheckpointException(
                $"A base ('{baseFolder}') was given, but '{folder}' holds neither an adapter (adapter_config.json) nor a projector ({ProjectorFile.FileName}). {(own.WeightPaths.Count > 0 ? "It has weights of its own: leave the base (--model-base) out." : "Fetch the checkpoint again.")}", folder);
        var projector = Keep(owned, ProjectorFile.Open(Path.Combine(folder, ProjectorFile.FileName)));
        return parts with { Projector = projector.Tensors };
    }

    private static CheckpointParts OpenGguf(string file, string? baseFolder, List<IDisposable> owned)
    {
        if (baseFolder is not null)
            throw new CheckpointException($"'{file}' is a whole model in one GGUF file: leave the base ('{baseFolder}', --model-base) out.", file);
        var model = Keep(owned, GgufCheckpoint.Open(file));
        return new CheckpointParts { Config = model.Config, Tensors = model.Tensors, TokenizerFolder = file, Tokenizer = () => GgufTokenizer.Read(model.File) };
    }

    private static CheckpointParts OnPlainModel(string folder, string baseFolder, List<IDisposable> owned)
    {
        var basis = Keep(owned, CheckpointFolder.Open(baseFolder));
        return new CheckpointParts { Config = basis.Config, Tensors = basis.Tensors, TokenizerFolder = baseFolder, Adapter = Keep(owned, LoraAdapter.Open(folder)) };
    }

    private static T Keep<T>(List<IDisposable> owned, T resource)
        where T : IDisposable
    {
        owned.Insert(0, resource);
        return resource;
    }
}
