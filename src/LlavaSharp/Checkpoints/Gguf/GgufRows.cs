namespace LlavaSharp.Checkpoints.Gguf;

/// <summary>The order of the rows of queries and keys: GGUF files rotate neighbouring rows (2i, 2i + 1), the networks here rotate halves (i, i + d/2).</summary>
internal static class GgufRows
{
    /// <summary>Where a row of the network lies in a file.</summary>
    /// <param name="row">Its number.</param>
    /// <param name="width">Rows of one head.</param>
    public static long InFile(long row, long width)
    {
        var within = row % width;
        return row - within + within % (width / 2) * 2 + within / (width / 2);
    }

    /// <summary>Which row of the network lies at a place in a file.</summary>
    /// <param name="row">The row's number in the file.</param>
    /// <param name="width">Rows of one head.</param>
    public static long InNetwork(long row, long width)
    {
        var within = row % width;
        return row - within + within % 2 * (width / 2) + within / 2;
    }
}
