using LlavaSharp.Quantization;
using LlavaSharp.Tests.Checkpoints;

namespace LlavaSharp.Tests.Quantization;

public class CalibrationTests
{
    private const string Text = "A small red circle lies to the left of a big blue star. How many squares are there? There are three, and one of them is yellow.";

    private static readonly string _source = TestFiles.Golden("gguf", "text-q8_0.gguf");

    [Fact]
    public void Products_BudgetOfOneLayer_AreThoseOfOnePass()
    {
        using var folder = new TemporaryFolder();
        var text = folder.Write("text.txt", Text);
        (string, int)[] layers = [("model.layers.0.self_attn.q_proj", 64), ("model.layers.0.self_attn.k_proj", 64), ("model.layers.1.mlp.down_proj", 160)];
        using var one = new Calibration(_source, new(), text, layers);
        using var many = new Calibration(_source, new(), text, layers, budget: 1);
        foreach (var (path, _) in layers)
        {
            var wanted = one.Products(path, TestContext.Current.CancellationToken).data<float>().ToArray();
            Assert.True(wanted.Max() > 0);
            Assert.Equal(wanted, many.Products(path, TestContext.Current.CancellationToken).data<float>().ToArray());
        }
    }

    [Fact]
    public void Quantize_Calibrated_IsNearerOnItsText()
    {
        using var folder = new TemporaryFolder();
        var text = folder.Write("text.txt", Text);
        Assert.InRange(Divergence(folder, "calibrated", text, text), 1e-9, 0.8 * Divergence(folder, "nearest", null, text));
    }

    [Fact]
    public void Quantize_CalibrateWithoutFile_ReadsTheTextThatComesWithTheLibrary()
    {
        using var folder = new TemporaryFolder();
        using var reader = new StreamReader(typeof(LlavaModel).Assembly.GetManifestResourceStream("LlavaSharp.Quantization.CalibrationText.txt")!);
        CheckpointQuantizer.Quantize(_source, null, folder.At("own"), new() { Calibrate = true }, TestContext.Current.CancellationToken);
        CheckpointQuantizer.Quantize(
            _source, null, folder.At("named"), new() { Calibrate = true, CalibrationFile = folder.Write("text.txt", reader.ReadToEnd()) }, TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(folder.At("named", "model.safetensors")), File.ReadAllBytes(folder.At("own", "model.safetensors")));
    }

    [Fact]
    public void Quantize_CalibrationTextMissing_IsNamedAndNothingIsLeft()
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<LlavaException>(() => CheckpointQuantizer.Quantize(
            _source, null, folder.At("packed"), new() { Calibrate = true, CalibrationFile = folder.At("missing.txt") }, TestContext.Current.CancellationToken));
        Assert.Contains("missing.txt", error.Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Quantize_CalibrationFor8Bits_IsRefused()
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<LlavaException>(() => CheckpointQuantizer.Quantize(
            _source, null, folder.At("packed"), new() { Bits = 8, Calibrate = true }, TestContext.Current.CancellationToken));
        Assert.Contains("--calibrate", error.Message);
    }

    private static double Divergence(TemporaryFolder folder, string name, string? calibration, string text)
    {
        CheckpointQuantizer.Quantize(_source, null, folder.At(name), new() { Calibrate = calibration is not null, CalibrationFile = calibration }, TestContext.Current.CancellationToken);
        return DivergenceOf(folder.At(name), text);
    }

    private static double DivergenceOf(string packed, string text) =>
        QuantizationQuality.MeasureAsync(_source, new(), packed, new(), model => QuantizationSample.FromFile(model, text), TestContext.Current.CancellationToken).Result.Divergence;
}
