using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.IO;

namespace LlavaSharp.Training;

/// <summary>A model in training as a checkpoint folder, in the ordinary layout.</summary>
internal sealed class ModelWriter(TrainingModel model)
{
    private static readonly string[] TokenizerFiles =
        ["tokenizer.model", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt"];

    private readonly TrainingModelOptions _options = model.Options;

    /// <summary>Writes what the mode of the run leaves: the projector alone, or the whole model.</summary>
    /// <param name="folder">The folder; files of the same names are replaced.</param>
    /// <param name="type">The format of the numbers.</param>
    /// <param name="finished">Whether this is the end of the run, not a checkpoint in between.</param>
    public void Write(string folder, StoredDataType type, bool finished)
    {
        Directory.CreateDirectory(folder);
        if (_options.TuneProjectorOnly)
        {
            TorchFileWriter.Write(Path.Combine(folder, ProjectorFile.FileName), TensorWriter.Describe(Projector(), StoredDataType.Float32));
            AtomicFile.WriteJson(Path.Combine(folder, "config.json"), model.Config.Json);
            return;
        }
        // a trained tower becomes a folder of its own, which the config names; a frozen one is stored with the rest, as the original does
        if (_options.TrainTower)
            WriteTower(Path.Combine(folder, TrainingConfig.TowerFolder), type);
        SafetensorsWriter.WriteSharded(folder, TensorWriter.Describe(
            model.Weights.Tensors.Where(t => !_options.TrainTower || !IsTower(t.Key)), type));
        AtomicFile.WriteJson(Path.Combine(folder, "config.json"), Config(type, finished));
        AtomicFile.WriteJson(Path.Combine(folder, "generation_config.json"), Generation());
        foreach (var file in TokenizerFiles.Where(file => File.Exists(Path.Combine(_options.ModelPath, file))))
            File.Copy(Path.Combine(_options.ModelPath, file), Path.Combine(folder, file), overwrite: true);
    }

    /// <summary>Takes the values of a folder that <see cref="Write"/> wrote.</summary>
    /// <exception cref="TrainingException">A trained tensor is missing.</exception>
    public void Read(string folder)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        if (_options.TuneProjectorOnly)
        {
            using var projector = ProjectorFile.Open(folder);
            found.UnionWith(model.Weights.Overwrite(projector.Layers.Select(layer => KeyValuePair.Create($"model.mm_projector.{layer.Key}", layer.Value))));
        }
        else
        {
            using var whole = CheckpointFolder.Open(folder);
            found.UnionWith(model.Weights.Overwrite(whole.Tensors));
            if (_options.TrainTower)
            {
                using var tower = CheckpointFolder.Open(Path.Combine(folder, TrainingConfig.TowerFolder));
                found.UnionWith(model.Weights.Overwrite(TrainingModel.TowerTensors(tower)));
            }
        }
        var missing = model.Weights.Trained.Select(t => t.Key).Where(name => !found.Contains(name)).ToList();
        if (missing.Count > 0)
            throw new TrainingException($"The checkpoint '{folder}' lacks {missing.Count} trained tensors, such as '{missing[0]}': it belongs to another run. Choose another output folder, or remove it.");
    }

    private static bool IsTower(string name) => name.StartsWith(TrainingModel.TowerPrefix, StringComparison.Ordinal);

    private IEnumerable<KeyValuePair<string, TorchSharp.torch.Tensor>> Projector() =>
        model.Weights.Tensors.Where(t => t.Key.Contains("mm_projector", StringComparison.Ordinal));

    private void WriteTower(string folder, StoredDataType type)
    {
        Directory.CreateDirectory(folder);
        TensorWriter.Write(Path.Combine(folder, "model.safetensors"),
            model.Weights.Tensors.Where(t => IsTower(t.Key)).Select(t => KeyValuePair.Create(t.Key[TrainingModel.TowerPrefix.Length..], t.Value)), type);
        var config = ConfigFile.Read(Path.Combine(_options.VisionTower!, "config.json"));
        (config["vision_config"] as JsonObject ?? config)["torch_dtype"] = type.TorchName();
        AtomicFile.WriteJson(Path.Combine(folder, "config.json"), config);
        File.Copy(Path.Combine(_options.VisionTower!, "preprocessor_config.json"), Path.Combine(folder, "preprocessor_config.json"), overwrite: true);
    }

    private JsonObject Config(StoredDataType type, bool finished)
    {
        var json = model.Config.Json;
        json["architectures"] = new JsonArray(model.Vision is null ? "LlamaForCausalLM" : "LlavaLlamaForCausalLM");
        json["model_type"] = model.Vision is null ? "llama" : "llava_llama";
        json["torch_dtype"] = type.TorchName();
        json["use_cache"] = finished;
        json["vocab_size"] = model.Config.VocabSize;
        if (model.Vision is not null && Prompts.ConversationTemplates.Names.Contains(_options.Version))
            json["conversation_template"] = _options.Version == "v1" ? "vicuna_v1" : _options.Version;
        if (_options.TrainTower)
            json["mm_vision_tower"] = TrainingConfig.TowerFolder;
        return json;
    }

    private JsonObject Generation()
    {
        var path = Path.Combine(_options.ModelPath, "generation_config.json");
        if (File.Exists(path))
            return ConfigFile.Read(path);
        return new()
        {
            ["_from_model_config"] = true,
            ["bos_token_id"] = model.Config.BosTokenId,
            ["eos_token_id"] = model.Config.EosTokenIds.Count > 0 ? model.Config.EosTokenIds[0] : null,
            ["pad_token_id"] = model.Config.PadTokenId,
        };
    }
}
