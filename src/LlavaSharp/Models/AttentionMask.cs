using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Models;

/// <summary>Which keys a query sees, in the cheapest form that says it: nothing, the causal flag, or a table.</summary>
/// <param name="Causal">Query i sees keys 0..i (only when nothing precedes the queries).</param>
/// <param name="Table">[1 or B, 1 or H, T, K]: boolean (true: seen) or additive; null when every key is seen or the causal flag says it all.</param>
/// <param name="Window">How many keys back a query sees, itself included; null: all.</param>
/// <param name="IsPadded">Whether the table hides padding, or adds numbers of its own; else causal order and window say all.</param>
/// <param name="ForRow">What the new queries of one sequence see, from their number and the number of keys before them; only where sequences of different lengths stand behind each other.</param>
internal readonly record struct AttentionMask(bool Causal, Tensor? Table, int? Window = null, bool IsPadded = false, Func<int, int, AttentionMask>? ForRow = null)
{
    /// <summary>Builds the mask for <paramref name="queries"/> new positions behind <paramref name="past"/> cached ones.</summary>
    /// <param name="queries">T.</param>
    /// <param name="past">Number of keys before the first query.</param>
    /// <param name="window">How many keys back a query sees, itself included (Mistral); null: all.</param>
    /// <param name="visible">[B, K] boolean, false at padding; null when nothing is padded.</param>
    /// <param name="device">Where the table is needed.</param>
    public static AttentionMask Build(int queries, int past, int? window, Tensor? visible, Device device)
    {
        var keys = past + queries;
        var windowed = window is { } limit && keys > limit;
        if (visible is null && !windowed)
        {
            if (queries == 1)
                return new(false, null, window);
            if (past == 0)
                return new(true, null, window);
        }
        using var scope = NewDisposeScope();
        var query = arange(Scalars.Of(past), Scalars.Of(keys), ScalarType.Int64, device: device).unsqueeze(1);   // [T, 1]
        var key = arange(Scalars.Of(0), Scalars.Of(keys), ScalarType.Int64, device: device).unsqueeze(0);        // [1, K]
        var table = key <= query;                                                         // [T, K]
        if (windowed)
            table = table & (query.Minus(key) < Scalars.Of(window!.Value));
        table = table.unsqueeze(0).unsqueeze(0);                                          // [1, 1, T, K]
        if (visible is not null)
        {
            // a padded query sees itself, so that its (unused) row stays finite
            table = (table & visible.unsqueeze(1).unsqueeze(1)) | (key == query);         // [B, 1, T, K]
        }
        return new(false, table.MoveToOuterDisposeScope(), window, visible is not null);
    }

    /// <summary>The table as numbers to add to the scores: 0 where seen, the type's lowest value elsewhere; null when every key is seen.</summary>
    public Tensor? Additive(int queries, int keys, ScalarType type, Device device)
    {
        using var scope = NewDisposeScope();
        var table = Table ?? (Causal ? ones(queries, keys, ScalarType.Bool, device: device).tril().unsqueeze(0).unsqueeze(0) : null);
        return table is null ? null : zeros(table.shape, type, device).masked_fill_(table.logical_not(), Scalars.Of(finfo(type).min)).MoveToOuterDisposeScope();
    }
}
