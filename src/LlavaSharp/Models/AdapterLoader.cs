using LlavaSharp.Checkpoints;

namespace LlavaSharp.Models;

/// <summary>Opens adapters that are to lie beside a model, and refuses what they cannot hold for some requests and not for others.</summary>
internal static class AdapterLoader
{
    private const string Projector = "mm_projector";

    /// <summary>Opens an adapter's files and checks them.</summary>
    /// <param name="source">Its name and folder.</param>
    /// <param name="checkFinite">Read all numbers once and refuse NaN and infinity.</param>
    /// <exception cref="CheckpointException">A file is malformed, or holds what cannot be told apart by request.</exception>
    public static LoraAdapter Open(AdapterSource source, bool checkFinite)
    {
        var files = LoraAdapter.Open(source.Path);
        try
        {
            Refuse(source, "replaces whole", files.Replacements.Keys);
            Refuse(source, "brings its own", files.NonLoraTrainables.Keys.Where(name => !name.Contains(Projector, StringComparison.Ordinal)));
            foreach (var tensor in checkFinite ? files.Weights.Values.SelectMany(weight => new[] { weight.A, weight.B }).Concat(files.NonLoraTrainables.Values) : [])
                if (tensor.FindNonFinite() is >= 0 and var bad)
                    throw new CheckpointException($"Tensor '{tensor.Name}' of '{tensor.File}' holds a value that is not finite (element {bad}). The file is damaged or the training diverged: fetch or train it again.", tensor.File, tensor.Name);
            return files;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>What of an adapter is no low-rank matrix: its projector, and how it wants pictures.</summary>
    /// <param name="source">Its name and folder.</param>
    /// <param name="index">Its place among the model's adapters.</param>
    /// <param name="files">Its files.</param>
    /// <param name="opened">The model.</param>
    /// <param name="checkFinite">As for <see cref="Open"/>.</param>
    /// <param name="owned">Gets what has to be disposed.</param>
    /// <exception cref="CheckpointException">It does not go with the model.</exception>
    public static LoadedAdapter Load(AdapterSource source, int index, LoraAdapter files, OpenedCheckpoint opened, bool checkFinite, List<IDisposable> owned)
    {
        var path = Path.Combine(source.Path, "config.json");
        var own = File.Exists(path) && LlavaConfig.Load(path) is { MmVisionTower: not null } config ? config : null;
        var hasProjector = files.NonLoraTrainables.Count > 0;
        if (opened.Vision is null)
        {
            return !hasProjector ? new(source.Name, index, null, null)
                : throw new CheckpointException($"The adapter '{source.Name}' has a projector, but the model sees no pictures. Load a LLaVA with the same language model (such as one with a projector only, on its base) to serve it by request.", source.Path);
        }
        var basis = opened.Config;
        var projectorType = own?.MmProjectorType ?? basis.MmProjectorType;
        if (own is not null)
        {
            Compare("mm_vision_select_layer", own.MmVisionSelectLayer, basis.MmVisionSelectLayer);
            Compare("mm_vision_select_feature", own.MmVisionSelectFeature, basis.MmVisionSelectFeature);
            Compare("mm_patch_merge_type", own.MmPatchMergeType, basis.MmPatchMergeType);
            Compare("mm_use_im_start_end", own.MmUseImStartEnd, basis.MmUseImStartEnd);
            Compare("mm_use_im_patch_token", own.MmUseImPatchToken, basis.MmUseImPatchToken);
            Compare("mm_hidden_size", own.MmHiddenSize, basis.MmHiddenSize);
            if (!hasProjector)
                Compare("mm_projector_type", own.MmProjectorType, basis.MmProjectorType);
            // a padded and a cut picture take as many positions, tiles do not
            if (own.ImageAspectRatio == "anyres" || basis.ImageAspectRatio == "anyres")
            {
                Compare("image_aspect_ratio", own.ImageAspectRatio, basis.ImageAspectRatio);
                Compare("image_grid_pinpoints", own.ImageGridPinpointsText, basis.ImageGridPinpointsText);
            }
        }
        var aspectRatio = own is null ? basis.ImageAspectRatio : own.ImageAspectRatio;
        if (!hasProjector)
            return new(source.Name, index, null, aspectRatio);
        var weights = new CheckpointWeights(files.NonLoraTrainables, opened.Type, opened.Devices.First, checkFinite);
        owned.Insert(0, weights);
        var scope = new WeightScope(weights)[basis.Family == ModelFamily.Mpt ? "transformer" : "model"][Projector];
        var projector = new Projector(projectorType, basis.MmHiddenSize!.Value, basis.HiddenSize, scope);
        weights.Verify(source.Path, _ => false);
        return new(source.Name, index, projector, aspectRatio);

        void Compare<T>(string key, T given, T expected)
        {
            if (!Equals(given, expected))
                throw new CheckpointException($"The adapter '{source.Name}' was trained with {key} {given?.ToString() ?? "null"}, but the model has {expected?.ToString() ?? "null"}: by request both must be the same. Load the adapter by itself (--model-path {source.Path} --model-base ...).", path, key);
        }
    }

    private static void Refuse(AdapterSource source, string does, IEnumerable<string> names)
    {
        if (names.Order(StringComparer.Ordinal).ToArray() is { Length: > 0 } others)
            throw new CheckpointException(
                $"The adapter '{source.Name}' {does} {others[0]}{(others.Length > 1 ? $" and {others.Length - 1} more" : "")}, which cannot be held by request: only low-rank matrices and a projector can. Load the adapter by itself (--model-path {source.Path} --model-base ...).", source.Path, others[0]);
    }
}
