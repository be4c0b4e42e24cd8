using LlavaSharp.Quantization;

namespace LlavaSharp.Parity.Areas;

/// <summary>The real small language model packed in 8 bits, and in 4 bits without and with calibration: how much less likely it holds a text.</summary>
internal static class QuantizedPerplexity
{
    // what may be added to the perplexity in float32, as a share of it
    private static readonly (int Bits, bool Calibrated, double Most)[] _goals = [(8, false, 0.005), (4, false, 0.06), (4, true, 0.02)];

    /// <summary>Adds a case for each form.</summary>
    /// <param name="run">The area.</param>
    /// <param name="weights">The checkpoint.</param>
    /// <param name="text">The text.</param>
    public static void Check(AreaRun run, string weights, string text)
    {
        foreach (var (bits, calibrated, most) in _goals)
            run.Case($"{bits}bits{(calibrated ? "-calibrated" : "")}/perplexity", c =>
            {
                var folder = Directory.CreateTempSubdirectory("llava-parity-").FullName;
                try
                {
                    var packed = Path.Combine(folder, "packed");
                    CheckpointQuantizer.Quantize(weights, null, packed, new() { Bits = bits, Offline = true, Calibrate = calibrated });
                    var options = new LoadOptions { Device = "cpu", Offline = true };
                    var report = QuantizationQuality.MeasureAsync(weights, options, packed, options, model => QuantizationSample.FromText(model, text)).GetAwaiter().GetResult();
                    if (report.PerplexityIncrease > most)
                        c.Fail(FormattableString.Invariant($"perplexity {report.Perplexity:0.0000}, {report.ReferencePerplexity:0.0000} in float32: {report.PerplexityIncrease:+0.00 %}, more than {most:0.0 %}"));
                }
                finally
                {
                    Directory.Delete(folder, recursive: true);
                }
            });
    }
}
