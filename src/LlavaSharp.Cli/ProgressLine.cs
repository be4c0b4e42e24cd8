using LlavaSharp.Quantization;

namespace LlavaSharp.Cli;

/// <summary>A line that counts to 100 % in a terminal; nothing where standard error is redirected.</summary>
internal sealed class ProgressLine(TextWriter output) : IProgress<QuantizationProgress>
{
    private const int Width = 40;
    private int _shown = -1;

    /// <inheritdoc/>
    public void Report(QuantizationProgress value)
    {
        var percent = value.Total == 0 ? 100 : (int)(100 * value.Done / value.Total);
        if (Console.IsErrorRedirected || percent == _shown)
            return;
        _shown = percent;
        var filled = Width * percent / 100;
        output.Write($"\r[{new string('#', filled)}{new string('.', Width - filled)}] {percent,3} %{(percent == 100 ? Environment.NewLine : "")}");
    }
}
