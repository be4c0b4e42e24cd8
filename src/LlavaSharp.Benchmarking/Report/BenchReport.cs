using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Benchmarking.Machine;

namespace LlavaSharp.Benchmarking.Report;

/// <summary>The figures of one run, as a table and as JSON.</summary>
/// <param name="Options">What was measured.</param>
/// <param name="Machine">The machine's limits, measured in the same run.</param>
/// <param name="Peer">What llama.cpp says of itself; null without it.</param>
/// <param name="Results">The figures.</param>
public sealed record BenchReport(BenchOptions Options, MachineLimits Machine, string? Peer, IReadOnlyList<BenchResult> Results)
{
    private static readonly JsonSerializerOptions _indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The figure that is the furthest below its goal, or the least above; null when no goal can be judged.</summary>
    public BenchResult? Worst => Results.Where(result => result.Goal is not null && result.Ratio is not null).MinBy(result => result.Ratio / result.Goal);

    /// <summary>Whether every goal that can be judged is reached.</summary>
    public bool ReachesGoals => !Results.Any(result => result.IsMissed);

    /// <summary>One object: <c>machine</c>, <c>results</c> and <c>worst</c>, and what was run. Speeds are in 10^9 a second, absent numbers null.</summary>
    public string ToJson() => new JsonObject
    {
        ["shape"] = Options.Shape.Name,
        ["layers"] = Options.Shape.Config.NumHiddenLayers,
        ["rounds"] = Options.Rounds,
        ["peer"] = Peer,
        ["machine"] = new JsonObject
        {
            ["cpu"] = Machine.Cpu,
            ["flags"] = new JsonArray([.. Machine.Flags.Select(flag => (JsonNode)flag)]),
            ["threads"] = Machine.Threads,
            ["read_gb_per_s"] = Rounded(Machine.ReadBandwidth / 1e9),
            ["float32_gflop_per_s"] = Rounded(Machine.Float32Peak / 1e9),
            ["int8_gop_per_s"] = Rounded(Machine.Int8Peak / 1e9),
            ["int8_instructions"] = Machine.Int8Instructions,
        },
        ["results"] = new JsonArray([.. Results.Select(result => (JsonNode)new JsonObject
        {
            ["name"] = result.Name,
            ["value"] = Rounded(result.Value),
            ["unit"] = result.Unit,
            ["peer"] = Rounded(result.Peer),
            ["ratio"] = Rounded(result.Ratio),
            ["goal"] = Rounded(result.Goal),
            ["limit"] = Rounded(result.Limit),
            ["share_of_limit"] = Rounded(result.ShareOfLimit),
        })]),
        ["worst"] = Worst is not { } worst ? null : new JsonObject { ["name"] = worst.Name, ["ratio"] = Rounded(worst.Ratio), ["goal"] = Rounded(worst.Goal) },
    }.ToJsonString(_indented);

    /// <summary>Lines for people: the machine, then one line a figure.</summary>
    public string ToTable()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Machine.Cpu ?? "unknown processor"} ({string.Join(' ', Machine.Flags)}), {Machine.Threads} thread{(Machine.Threads == 1 ? "" : "s")}");
        text.AppendLine(CultureInfo.InvariantCulture, $"reads {Machine.ReadBandwidth / 1e9:F1} GB/s; {Machine.Float32Peak / 1e9:F0} GFLOP/s in float32{(Machine.Int8Peak is { } int8 ? string.Create(CultureInfo.InvariantCulture, $", {int8 / 1e9:F0} GOP/s in int8 ({Machine.Int8Instructions})") : "")}");
        text.AppendLine(CultureInfo.InvariantCulture, $"{Options.Shape}, medians of {Options.Rounds} round{(Options.Rounds == 1 ? "" : "s")}{(Peer is null ? "" : $"; peer: {Peer}")}");
        string[] heads = ["", "value", "peer", "ratio", "goal", "limit", "share"];
        var rows = Results.Select(result => (string[])
            [result.Name, $"{Shown(result.Value)} {result.Unit}", Shown(result.Peer), Shown(result.Ratio), Shown(result.Goal) + (result.IsMissed ? " missed" : ""), Shown(result.Limit), result.ShareOfLimit is { } share ? string.Create(CultureInfo.InvariantCulture, $"{100 * share:F0} %") : ""]).Prepend(heads).ToList();
        var widths = Enumerable.Range(0, heads.Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
            text.AppendLine(string.Join("  ", row.Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).TrimEnd());
        if (Worst is { } worst)
            text.AppendLine(CultureInfo.InvariantCulture, $"worst: {worst.Name}, {Shown(worst.Ratio)} of {Shown(worst.Goal)}");
        return text.ToString();
    }

    private static string Shown(double? value) => value is not { } number ? "" : Math.Abs(number) >= 100 ? number.ToString("F0", CultureInfo.InvariantCulture) : number.ToString(Math.Abs(number) >= 10 ? "F1" : Math.Abs(number) >= 0.1 ? "F2" : "G2", CultureInfo.InvariantCulture);

    // six digits, and no number that JSON does not have
    private static JsonNode? Rounded(double? value) =>
        value is { } number && double.IsFinite(number) ? JsonValue.Create(double.Parse(number.ToString("G6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture)) : null;
}
