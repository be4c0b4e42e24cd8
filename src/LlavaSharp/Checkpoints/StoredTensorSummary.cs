namespace LlavaSharp.Checkpoints;

/// <summary>A tensor's description, which outlives its file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DataType">The format of its numbers.</param>
/// <param name="Shape">Its sizes.</param>
/// <param name="File">The file that holds it.</param>
public sealed record StoredTensorSummary(string Name, StoredDataType DataType, long[] Shape, string File);
