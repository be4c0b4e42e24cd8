using System.CommandLine;
using LlavaSharp.Data.Synth;
using LlavaSharp.Quantization;
using LlavaSharp.Training;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava eval quantization</c>: how far the quantised forms of a model are from the model itself.</summary>
internal static class EvalQuantizationCommand
{
    public static Command Create()
    {
        var quantized = new Option<string?>("--quantized") { Description = "A folder that was made from the model (llava quantize). Without it: what --load-4bit or --load-8bit ask for, or else 8 and 4 bits one after the other.", HelpName = "FOLDER" };
        var text = new Option<string?>("--text") { Description = "The text that all forms read.", HelpName = "FILE" };
        var data = new Option<string?>("--data_path") { Description = "Conversations instead of a text, of which the answers count: a JSON file in LLaVA's format, or synth:seed=7,turns=5,... for the synthetic world.", HelpName = "DATA" };
        var images = new Option<string?>("--image_folder") { Description = "Where the conversations' pictures lie.", HelpName = "FOLDER" };
        var count = new Option<int>("--count") { Description = "How many conversations at most.", DefaultValueFactory = _ => 100, HelpName = "N" };
        var version = new Option<string?>("--conv-mode") { Description = "The conversations' template. Without it: the model's.", HelpName = "NAME" };
        var json = new Option<bool>("--json") { Description = "Print one JSON object, with every layer, and nothing else on standard output." };
        var command = new Command("quantization", "Compare quantised forms of a model with the model itself in float32: perplexity, divergence of predictions, errors of the layers.") { quantized, text, data, images, count, version, json };
        var model = new ModelFlags(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if ((parsed.GetValue(text) is null) == (parsed.GetValue(data) is null))
                throw new UsageException("Say what the model reads: either a text (--text) or conversations (--data_path).");
            var options = model.LoadOptions(parsed, Console.Error);
            var reference = options with { LoadIn4Bit = false, LoadIn8Bit = false, QuantType = null, KeyValueCache = "auto" };
            var rows = new List<(string Form, QuantizationReport Report)>();
            foreach (var (form, path, load) in Forms(model.ModelPath(parsed), parsed.GetValue(quantized), options))
                rows.Add((form, await QuantizationQuality.MeasureAsync(model.ModelPath(parsed), reference, path, load, Read, cancellationToken)));
            Console.Out.Write(parsed.GetValue(json) ? QuantizationTable.Json(rows) : QuantizationTable.Text(rows));
            return CommandRunner.Done;

            IEnumerable<QuantizationSample> Read(LlavaModel loaded) => parsed.GetValue(text) is { } file
                ? QuantizationSample.FromFile(loaded, file)
                : Conversations(loaded, parsed.GetValue(data)!, parsed.GetValue(images), parsed.GetValue(count), parsed.GetValue(version));
        });
        return command;
    }

    private static IEnumerable<(string Form, string? Path, LoadOptions Options)> Forms(string? path, string? quantized, LoadOptions options)
    {
        if (quantized is not null)
            return options.LoadIn4Bit || options.LoadIn8Bit
                ? throw new UsageException("--quantized names a form already: leave --load-4bit and --load-8bit off.")
                : [(Path.GetFileName(Path.TrimEndingDirectorySeparator(quantized)), quantized, options with { ModelBase = null })];
        var kind = options.QuantType is { } type ? $" {type}" : "";
        var (eight, four) = (($"8 bits{kind}", path, options with { LoadIn8Bit = true }), ($"4 bits{kind}", path, options with { LoadIn4Bit = true }));
        return (options.LoadIn8Bit, options.LoadIn4Bit) switch
        {
            (false, false) => [eight, four],
            (true, false) => [eight],
            _ => [four],
        };
    }

    private static IEnumerable<QuantizationSample> Conversations(LlavaModel model, string path, string? images, int count, string? version)
    {
        IConversationSource source = path.StartsWith(SynthConversationSourceOptions.Scheme, StringComparison.Ordinal)
            ? new SynthConversationSource(SynthConversationSourceOptions.Parse(path))
            : LlavaJsonDataset.Load(path, images);
        var encoder = new ConversationEncoder(model.Tokenizer, version ?? model.TemplateName, model.ContextLength, model.Config.MmUseImStartEnd);
        for (long i = 0; i < Math.Min(count, source.Count ?? count); i++)
        {
            var sample = source.Get(i);
            var encoded = encoder.Encode(sample);
            yield return new(encoded.Ids, encoded.Labels, sample.Image is { } image ? [image] : []);
        }
    }
}
