namespace LlavaSharp.Models;

/// <summary>
/// Which pieces of text and which pictures make up each row of a batch, and what labels, mask and positions the merged rows have:
/// the bookkeeping of the original's <c>prepare_inputs_labels_for_multimodal</c>, without a tensor.
/// </summary>
public sealed class MergePlan
{
    private MergePlan(Row[] rows, int length, bool padLeft)
    {
        Rows = rows;
        Length = length;
        PadLeft = padLeft;
    }

    /// <summary>A stretch of a row: text ids from <paramref name="Start"/> on, or the features of picture <paramref name="Image"/>.</summary>
    /// <param name="Image">The picture's index, or -1 for text.</param>
    /// <param name="Start">The first id of a text, in the row's ids.</param>
    /// <param name="Count">The number of positions.</param>
    public readonly record struct Segment(int Image, int Start, int Count);

    /// <summary>One merged row.</summary>
    /// <param name="Ids">The row's ids without padding; pictures are still single markers.</param>
    /// <param name="Segments">What follows what, before the row is cut.</param>
    /// <param name="Length">The number of positions after the cut.</param>
    /// <param name="Labels">One label per position after the cut.</param>
    public sealed record Row(int[] Ids, Segment[] Segments, int Length, long[] Labels);

    /// <summary>The rows.</summary>
    public IReadOnlyList<Row> Rows { get; }

    /// <summary>The length of the longest row, to which the others are padded.</summary>
    public int Length { get; }

    /// <summary>Whether padding stands on the left.</summary>
    public bool PadLeft { get; }

    /// <summary>Whether any row is padded.</summary>
    public bool HasPadding => Rows.Any(row => row.Length < Length);

    /// <summary>Plans the merge of a batch.</summary>
    /// <param name="ids">The ids of each row, unpadded.</param>
    /// <param name="labels">The labels of each row (as long as its ids), or null.</param>
    /// <param name="featureCounts">The number of features of each picture of the batch, in order. A row without a marker takes one picture all the same, as in the original.</param>
    /// <param name="maximumLength">Rows are cut to this length; null: they are not.</param>
    /// <param name="padLeft">Put padding on the left.</param>
    /// <param name="imageTokenIndex">The id that marks a picture.</param>
    /// <param name="ignoreLabel">The label of positions that are not learned.</param>
    /// <exception cref="ImageCountException">The rows need more pictures than there are.</exception>
    public static MergePlan Create(
        IReadOnlyList<int[]> ids, IReadOnlyList<long[]>? labels, IReadOnlyList<int> featureCounts, int? maximumLength = null, bool padLeft = false,
        int imageTokenIndex = Prompts.LlavaConstants.ImageTokenIndex, long ignoreLabel = Prompts.LlavaConstants.IgnoreIndex)
    {
        var rows = new Row[ids.Count];
        var next = 0;
        for (var r = 0; r < rows.Length; r++)
        {
            var row = ids[r];
            var segments = new List<Segment>();
            var rowLabels = new List<long>();
            var start = 0;
            var markers = 0;
            for (var i = 0; i <= row.Length; i++)
            {
                if (i < row.Length && row[i] != imageTokenIndex)
                {
                    rowLabels.Add(labels?[r][i] ?? ignoreLabel);
                    continue;
                }
                if (i > start)
                    segments.Add(new Segment(-1, start, i - start));
                start = i + 1;
                if (i == row.Length)
                    break;
                markers++;
                if (next >= featureCounts.Count)
                    throw new ImageCountException(ids.Sum(all => all.Count(id => id == imageTokenIndex)), featureCounts.Count);
                segments.Add(new Segment(next, 0, featureCounts[next]));
                rowLabels.AddRange(Enumerable.Repeat(ignoreLabel, featureCounts[next]));
                next++;
            }
            if (markers == 0 && featureCounts.Count > 0)
            {
                if (next >= featureCounts.Count)
                    throw new ImageCountException(next + 1, featureCounts.Count);
                segments.Add(new Segment(next++, 0, 0));
            }
            var length = Math.Min(rowLabels.Count, maximumLength ?? int.MaxValue);
            rows[r] = new Row(row, [.. segments], length, [.. rowLabels.Take(length)]);
        }
        return new MergePlan(rows, rows.Length == 0 ? 0 : rows.Max(row => row.Length), padLeft);
    }
}
