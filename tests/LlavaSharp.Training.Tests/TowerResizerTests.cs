using LlavaSharp.Checkpoints;
using LlavaSharp.Tests;

namespace LlavaSharp.Training.Tests;

public sealed class TowerResizerTests
{
    private const string Filter = "vision_model.embeddings.patch_embedding.weight";
    private const string Positions = "vision_model.embeddings.position_embedding.weight";

    private static readonly string Tower = Path.Combine(TestFiles.RepositoryRoot, "models", "llava-tiny", "vision_tower");

    [Fact]
    public void Resize_SameSizes_ChangesNoNumber()
    {
        using var folder = new TemporaryFolder();
        var config = ClipVisionConfig.Load(Tower);
        TowerResizer.Resize(Tower, folder["same"], config.ImageSize, config.PatchSize);
        using var before = CheckpointFolder.Open(Tower);
        using var after = CheckpointFolder.Open(folder["same"]);
        Assert.Equal(before.Tensors.Keys.Order(), after.Tensors.Keys.Order());
        foreach (var (name, tensor) in before.Tensors)
            Assert.Equal(tensor.ToSingles(), after.Get(name).ToSingles(), (a, b) => Math.Abs(a - b) <= 1e-6f * (1 + Math.Abs(a)));
    }

    [Fact]
    public void Resize_FinerGrid_HasItsShapesAndKeepsSums()
    {
        using var folder = new TemporaryFolder();
        var old = ClipVisionConfig.Load(Tower);
        var (side, patch) = (old.PatchesPerSide + 2, old.PatchSize - 2);
        TowerResizer.Resize(Tower, folder["fine"], side * patch, patch);
        var config = ClipVisionConfig.Load(folder["fine"]);
        Assert.Equal((side * patch, patch, side), (config.ImageSize, config.PatchSize, config.PatchesPerSide));
        Assert.Equal(side * patch, Imaging.ClipImageProcessor.Load(folder["fine"]).CropWidth);
        using var before = CheckpointFolder.Open(Tower);
        using var after = CheckpointFolder.Open(folder["fine"]);
        Assert.Equal([old.HiddenSize, 3, patch, patch], after.Get(Filter).Shape);
        Assert.Equal([1 + (side * side), old.HiddenSize], after.Get(Positions).Shape);
        // the class token's row stays, and a grid that changes slowly keeps its mean
        Assert.Equal(before.Get(Positions).ToSingles()[..old.HiddenSize], after.Get(Positions).ToSingles()[..old.HiddenSize]);
        Assert.Equal(Mean(before.Get(Positions), old.HiddenSize), Mean(after.Get(Positions), old.HiddenSize), 0.05);
        // a uniform patch gives what it gave: a filter's sum over its pixels
        var (sums, wanted) = (Sums(after.Get(Filter)), Sums(before.Get(Filter)));
        var scale = Math.Sqrt(wanted.Sum(v => v * v) / wanted.Length);
        for (var i = 0; i < sums.Length; i++)
            Assert.InRange(Math.Abs(sums[i] - wanted[i]), 0, 0.25 * scale);
    }

    [Theory]
    [InlineData(160, 15)]
    [InlineData(160, 0)]
    [InlineData(8, 16)]
    public void Resize_SizesThatDoNotGoTogether_AreRefused(int image, int patch)
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("divides", Assert.Throws<TrainingException>(() => TowerResizer.Resize(Tower, folder["x"], image, patch)).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["x"]));
    }

    [Fact]
    public void Resize_OntoItself_IsRefused() =>
        Assert.Contains("another folder", Assert.Throws<TrainingException>(() => TowerResizer.Resize(Tower, Tower + "/", 160, 16)).Message, StringComparison.Ordinal);

    [Fact]
    public void Resize_ConfigThatDoesNotFitTheTensors_IsRefused()
    {
        using var folder = new TemporaryFolder();
        var config = ClipVisionConfig.Load(Tower);
        foreach (var file in Directory.GetFiles(Tower))
            File.Copy(file, folder[Path.GetFileName(file)]);
        var json = File.ReadAllText(folder["config.json"]);
        File.WriteAllText(folder["config.json"], json.Replace($"\"image_size\": {config.ImageSize}", $"\"image_size\": {config.ImageSize * 2}", StringComparison.Ordinal));

        var error = Assert.Throws<CheckpointException>(() => TowerResizer.Resize(folder.Path, folder["x"], 160, 16));

        Assert.Contains("rows", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["x"]));
    }

    private static double Mean(StoredTensor positions, int width) => positions.ToSingles()[width..].Average();

    private static double[] Sums(StoredTensor filter)
    {
        var values = filter.ToSingles();
        var pixels = (int)(filter.Shape[2] * filter.Shape[3]);
        return [.. values.Chunk(pixels).Select(chunk => (double)chunk.Sum())];
    }
}
