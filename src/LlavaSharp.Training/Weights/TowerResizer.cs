using System.Text.Json.Nodes;
using LlavaSharp.Checkpoints;
using LlavaSharp.Imaging;
using LlavaSharp.IO;
using LlavaSharp.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace LlavaSharp.Training;

/// <summary>
/// Gives a CLIP tower another picture and patch size, as a start for further training: position embeddings are interpolated bicubically over the grid
/// (Dosovitskiy et al. 2021, section 3.2), and the patch filter is shrunk or stretched to the new patch. Everything else stays.
/// </summary>
public static class TowerResizer
{
    private const string Filter = "vision_model.embeddings.patch_embedding.weight";
    private const string Positions = "vision_model.embeddings.position_embedding.weight";

    /// <summary>Writes the resized tower, in float32, with its configs.</summary>
    /// <param name="tower">The tower's folder.</param>
    /// <param name="target">The folder to write; another one.</param>
    /// <param name="imageSize">The new picture size, in pixels.</param>
    /// <param name="patchSize">The new patch size, in pixels; must divide the picture size.</param>
    /// <exception cref="TrainingException">The sizes do not go together, or source and target are one folder.</exception>
    /// <exception cref="CheckpointException">The folder holds no CLIP tower, its sizes do not fit its tensors, or it cannot be read.</exception>
    /// <exception cref="LlavaException">A file cannot be written.</exception>
    public static void Resize(string tower, string target, int imageSize, int patchSize)
    {
        ArgumentException.ThrowIfNullOrEmpty(tower);
        ArgumentException.ThrowIfNullOrEmpty(target);
        if (patchSize < 1 || imageSize < patchSize || imageSize % patchSize != 0)
            throw new TrainingException($"Pictures of {imageSize} pixels cannot be cut into patches of {patchSize}: give a patch size that divides the picture size.");
        if (Path.TrimEndingDirectorySeparator(Path.GetFullPath(tower)) == Path.TrimEndingDirectorySeparator(Path.GetFullPath(target)))
            throw new TrainingException($"'{target}' is the tower itself: give another folder for the result.");
        TorchRuntime.Initialize();
        using var folder = CheckpointFolder.Open(tower);
        var old = folder.VisionConfig;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var positions = StoredTensors.ToFloat32(folder.Get(Positions));                                  // [1 + G * G, C]
        var rows = 1 + (old.PatchesPerSide * old.PatchesPerSide);
        if (positions.shape[0] != rows)
            throw new CheckpointException($"'{Positions}' has {positions.shape[0]} rows; image_size and patch_size in '{folder.ConfigPath}' make {rows}, one for the class token and one for every patch. Mend the sizes.", folder.ConfigPath, Positions);
        var tensors = TrainingModel.VisionTensors(folder).Where(t => t.Key is not (Filter or Positions)).ToDictionary(t => t.Key, t => StoredTensors.ToFloat32(t.Value));
        tensors[Filter] = ResizeFilter(StoredTensors.ToFloat32(folder.Get(Filter)), patchSize);
        tensors[Positions] = ResizePositions(positions, old.PatchesPerSide, imageSize / patchSize);
        Directory.CreateDirectory(target);
        TensorWriter.Write(Path.Combine(target, "model.safetensors"), tensors, StoredDataType.Float32);
        var json = folder.ConfigJson;
        var sizes = json["vision_config"] as JsonObject ?? json;
        (sizes["image_size"], sizes["patch_size"]) = (imageSize, patchSize);
        AtomicFile.WriteJson(Path.Combine(target, "config.json"), json);
        new ClipImageProcessor(imageSize).Save(target);
    }

    // a patch of f times the side has f * f times the pixels: the sum over them must stay what it was
    private static Tensor ResizeFilter(Tensor filter, int patchSize)
    {
        var factor = (double)filter.shape[2] / patchSize;
        return Interpolate(filter, patchSize).mul(Scalars.Of(factor * factor));                          // [C, 3, p, p]
    }

    // the first row is the class token's
    private static Tensor ResizePositions(Tensor positions, int from, int to)
    {
        var width = positions.shape[1];
        var grid = positions.narrow(0, 1, from * from).reshape(1, from, from, width).permute(0, 3, 1, 2); // [1, C, G, G]
        var resized = Interpolate(grid, to).permute(0, 2, 3, 1).reshape(to * to, width);                  // [G' * G', C]
        return cat([positions.narrow(0, 0, 1), resized], 0);
    }

    private static Tensor Interpolate(Tensor values, int size) =>
        nn.functional.interpolate(values, size: [size, size], mode: torch.InterpolationMode.Bicubic, align_corners: false);
}
