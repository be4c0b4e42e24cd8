namespace LlavaSharp.Checkpoints;

/// <summary>Opens a weight file of either container.</summary>
public static class TensorFile
{
    /// <summary>Opens a <c>.safetensors</c> file, or anything else as a file of PyTorch.</summary>
    /// <exception cref="CheckpointException">The file is missing or malformed.</exception>
    public static ITensorFile Open(string path) =>
        path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) ? SafetensorsFile.Open(path) : TorchFile.Open(path);

    /// <summary>What a file that is no weight file probably is, as the end of an error message.</summary>
    internal static string GuessFrom(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith("version https://git-lfs"u8))
            return " It is the pointer of Git LFS, not the weights: fetch them with 'git lfs pull', or download the file itself.";
        if (start.StartsWith("<!"u8) || start.StartsWith("<html"u8))
            return " It is a web page: the download probably hit an error or a sign-in page.";
        if (start.StartsWith("PK"u8))
            return " It is a zip archive, as PyTorch writes: name it '.bin'.";
        if (start.StartsWith("GGUF"u8))
            return " It is a GGUF file.";
        return "";
    }
}
