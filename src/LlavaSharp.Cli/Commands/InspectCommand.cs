using System.CommandLine;
using System.Globalization;
using LlavaSharp.Checkpoints;
using LlavaSharp.Prompts;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava inspect</c>: what a checkpoint is, from its headers alone.</summary>
internal static class InspectCommand
{
    private const int TensorsShown = 20;

    public static Command Create()
    {
        var path = new Argument<string?>("path") { Description = "The same as --model-path.", Arity = ArgumentArity.ZeroOrOne };
        var modelPath = new Option<string?>("--model-path") { Description = "A checkpoint's folder or hub id, or a GGUF file. Without it: the model that comes with llava.", HelpName = "PATH" };
        var delta = new Option<bool>("--delta") { Description = "The weights are differences from a base; files do not say so." };
        var offline = new Option<bool>("--offline") { Description = "Never ask a hub: only what lies on this machine." };
        var json = new Option<bool>("--json") { Description = "Print one JSON object and nothing else on standard output." };
        var command = new Command("inspect", "Show what a checkpoint is: kind, family, parameters, memory, template, and what is missing.") { path, modelPath, delta, offline, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(path) is not null && parsed.GetValue(modelPath) is not null)
                throw new UsageException("The checkpoint is given twice, as an argument and by --model-path. Give it once.");
            var wanted = parsed.GetValue(path) ?? parsed.GetValue(modelPath) ?? EmbeddedModel.Find();
            var hub = HubOptions.FromEnvironment();
            hub = hub with { Offline = hub.Offline || parsed.GetValue(offline) };
            var folder = await ModelLocator.ResolveAsync(wanted, hub, cancellationToken);
            var report = CheckpointInspector.Inspect(
                folder, new VisionTowerLocator(hub with { Offline = true }), (_, hasChatTemplate) => Template(folder, wanted, hasChatTemplate), parsed.GetValue(delta));
            return Print(report, ModelNames.FromPath(wanted), parsed.GetValue(json), Console.Out, Console.Error);
        });
        return command;
    }

    // the same rule as for a model that is loaded
    private static string Template(string folder, string wanted, bool hasChatTemplate)
    {
        var config = Path.Combine(folder, "config.json");
        return ConversationTemplates.NameFor(File.Exists(config) ? LlavaConfig.Load(config) : null, ModelNames.FromPath(wanted), hasChatTemplate);
    }

    private static int Print(CheckpointReport report, string name, bool json, TextWriter output, TextWriter error)
    {
        if (json)
            output.WriteLine(InspectJson.From(report, name));
        else
            new ReportPrinter(output).Print("llava inspect", [.. Sections(report, name)]);
        if (report.IsSound)
            return CommandRunner.Done;
        error.WriteLine(
            $"llava: '{report.Folder}' does not fit its {(report.Gguf is null ? "config.json" : "header")}: {report.Missing.Count} tensors are missing, {report.Unexpected.Count} unexpected, {report.MisShaped.Count} of the wrong shape. Fetch the checkpoint again{(report.Gguf is null ? ", or correct config.json" : "")}.");
        return CommandRunner.Failed;
    }

    private static IEnumerable<ReportSection> Sections(CheckpointReport report, string name)
    {
        yield return new("Checkpoint",
        [
            ("Name", name),
            ("Folder", report.Folder),
            ("Kind", InspectJson.Name(report.Kind)),
            ("Family", report.Family is { } family ? InspectJson.Name(family) : "-"),
            ("Looks like", report.Version ?? "-"),
            ("Template", report.Template ?? "-"),
            ("Chat template", report.HasChatTemplate ? "inside" : "-"),
            ("Vision tower", Tower(report)),
            ("On disk", Size(report.BytesOnDisk)),
            ("Tensors", report.Gguf is { CanBeLoaded: false } gguf ? $"not compared: models of the architecture '{TerminalText.Safe(gguf.Architecture)}' cannot be loaded here"
                : report.IsSound ? "complete: nothing missing, unexpected or of the wrong shape" : "do not fit the config: see below"),
        ]);
        if (report.Gguf is not null)
            yield return Gguf(report.Gguf);
        yield return new("Parameters",
        [
            .. report.Parameters.Select(part => (InspectJson.Name(part.Key), Number(part.Value))),
            .. report.OutsideTowerParameters > 0 ? new[] { ("vision_tower (outside)", Number(report.OutsideTowerParameters)) } : [],
            ("total", Number(InspectJson.Total(report))),
        ]);
        yield return new("Data types",
        [
            .. report.DataTypes.Select(type => (type.Key.TorchName(), Number(type.Value))),
            .. (report.Gguf?.TensorTypes ?? []).Select(type => (type.Type, $"{Number(type.Parameters)} in {Number(type.Tensors)} tensor{(type.Tensors == 1 ? "" : "s")}, {Size(type.Bytes)}")),
        ]);
        if (report.EstimatedMemory.Count > 0)
            yield return new("Memory for the weights", [.. report.EstimatedMemory.Select(type => (type.Key, Size(type.Value)))]);
        if (report.IsSound)
            yield break;
        yield return Tensors("Missing", report.Missing.Select(tensor => (tensor.Name, Shape(tensor.Shape))));
        yield return Tensors("Unexpected", report.Unexpected.Select(tensor => (tensor.Name, $"{Shape(tensor.Shape)} in {Path.GetFileName(tensor.File)}")));
        yield return Tensors("Of the wrong shape", report.MisShaped.Select(pair => (pair.Found.Name, $"{Shape(pair.Found.Shape)} instead of {Shape(pair.Expected.Shape)}")));
    }

    private static ReportSection Gguf(GgufReport gguf) => new("GGUF",
    [
        ("architecture", TerminalText.Safe(gguf.Architecture)),
        ("name", TerminalText.Safe(gguf.ModelName ?? "-")),
        .. gguf.Dimensions.Select(dimension => (dimension.Key, Number(dimension.Value))),
        ("tokenizer", gguf.Tokenizer is null ? "-" : TerminalText.Safe($"{gguf.Tokenizer}{(gguf.PreTokenizer is null ? "" : $" ({gguf.PreTokenizer})")}, {Number(gguf.Tokens ?? 0)} tokens")),
    ]);

    private static ReportSection Tensors(string title, IEnumerable<(string, string)> tensors)
    {
        var all = tensors.ToList();
        return new($"{title}: {all.Count}", all.Count == 0 ? [("none", "")] : all.Count <= TensorsShown ? all : [.. all.Take(TensorsShown), ($"and {all.Count - TensorsShown} more (--json lists all)", "")]);
    }

    private static string Tower(CheckpointReport report)
    {
        if (report.VisionTower is null)
            return report.HasTowerInside ? "inside" : "-";
        var place = report.UsesTowerInside ? "inside" : report.VisionTowerFolder ?? "not found on this machine";
        return $"{report.VisionTower} ({place}{(report.HasTowerInside && !report.UsesTowerInside ? "; the copy inside is not used" : "")})";
    }

    private static string Shape(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Size(long bytes) => bytes switch
    {
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):F2} GiB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):F2} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:F2} KiB"),
    };
}
