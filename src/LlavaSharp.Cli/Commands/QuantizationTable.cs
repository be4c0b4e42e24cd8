using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Quantization;

namespace LlavaSharp.Cli.Commands;

/// <summary>What <c>llava eval quantization</c> prints.</summary>
internal static class QuantizationTable
{
    private static readonly JsonSerializerOptions _format = new() { WriteIndented = true };

    /// <summary>A line for each form below one for float32.</summary>
    public static string Text(IReadOnlyList<(string Form, QuantizationReport Report)> rows)
    {
        var width = Math.Max(10, rows.Max(row => row.Form.Length));
        var text = new StringBuilder();
        Line("form", "perplexity", "change", "mean KL", "same token", "worst layer");
        Line("float32", Number(rows[0].Report.ReferencePerplexity, "0.0000"), "", "", "", "");
        foreach (var (form, report) in rows)
            // rounded first, and without a negative zero: the sign is then that of what is printed
            Line(form, Number(report.Perplexity, "0.0000"), Number(Math.Round(report.PerplexityIncrease, 4) + 0.0, "+0.00 %;-0.00 %"), Number(report.Divergence, "0.00000"), Number(report.SameToken, "0.0 %"),
                $"{Number(report.Worst.Relative, "0.0 %")} {report.Worst.Path}");
        return text.Append(CultureInfo.InvariantCulture, $"{rows[0].Report.Positions:N0} positions; KL in nats\n").ToString();

        void Line(string form, string perplexity, string change, string divergence, string same, string worst) =>
            text.Append($"{form.PadRight(width)}{perplexity,12}{change,10}{divergence,10}{same,12}  {worst}".TrimEnd()).Append('\n');
    }

    /// <summary>The same with all layers.</summary>
    public static string Json(IReadOnlyList<(string Form, QuantizationReport Report)> rows) => new JsonObject
    {
        ["positions"] = rows[0].Report.Positions,
        ["perplexity"] = rows[0].Report.ReferencePerplexity,
        ["forms"] = new JsonArray([.. rows.Select(row => (JsonNode)new JsonObject
        {
            ["form"] = row.Form,
            ["perplexity"] = row.Report.Perplexity,
            ["kl_nats"] = row.Report.Divergence,
            ["same_token"] = row.Report.SameToken,
            ["layers"] = new JsonArray([.. row.Report.Layers.Select(layer => (JsonNode)new JsonObject { ["path"] = layer.Path, ["relative_error"] = layer.Relative })]),
        })]),
    }.ToJsonString(_format) + "\n";

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
