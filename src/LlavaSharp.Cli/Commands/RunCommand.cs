using System.CommandLine;
using System.Text.Json;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava run</c>: one question about one or several pictures, or none (the original's <c>llava.eval.run_llava</c>).</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var query = new Option<string>("--query", "-q") { Description = "The question. <image-placeholder> in it marks a picture's place.", Required = true, HelpName = "TEXT" };
        var image = new Option<string?>("--image-file", "-i") { Description = "Pictures: files or URLs, joined by --sep. Without it: a question without a picture.", HelpName = "FILES" };
        var separator = new Option<string>("--sep") { Description = "What stands between the names of pictures.", DefaultValueFactory = _ => ",", HelpName = "TEXT" };
        var template = new Option<string?>("--conv-mode") { Description = "The conversation template. Without it: the model's.", HelpName = "NAME" };
        var temperature = new Option<double>("--temperature") { Description = "0: always the most probable token. Above: sampling.", DefaultValueFactory = _ => 0.2, HelpName = "T" };
        var topP = new Option<double?>("--top_p") { Description = "Sample only from the most probable tokens that together reach this probability.", HelpName = "P" };
        var beams = new Option<int>("--num_beams") { Description = "The width of beam search.", DefaultValueFactory = _ => 1, HelpName = "N" };
        var most = new Option<int>("--max_new_tokens") { Description = "The most tokens to generate.", DefaultValueFactory = _ => 512, HelpName = "N" };
        var seed = new Option<ulong?>("--seed") { Description = "The seed of sampling. Without it: a new one every time.", HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "Print one JSON object (ids, text, times) and nothing else on standard output." };
        var command = new Command("run", "Ask one question about one or several pictures, or none.");
        foreach (var option in new Option[] { query, image, separator, template, temperature, topP, beams, most, seed, json })
            command.Options.Add(option);
        var model = new ModelFlags(command);
        command.SetAction((parsed, cancellationToken) =>
        {
            if (parsed.GetValue(most) < 1)
                throw new UsageException($"--max_new_tokens is {parsed.GetValue(most)}: give 1 or more.");
            var arguments = new EvalArguments
            {
                ModelPath = model.ModelPath(parsed),
                ModelBase = model.ModelBase(parsed),
                Query = parsed.GetValue(query)!,
                ConvMode = parsed.GetValue(template),
                ImageFile = parsed.GetValue(image),
                Sep = parsed.GetValue(separator)!,
                Temperature = parsed.GetValue(temperature),
                TopP = parsed.GetValue(topP),
                NumBeams = parsed.GetValue(beams),
                MaxNewTokens = parsed.GetValue(most),
                Seed = parsed.GetValue(seed),
            };
            return RunAsync(arguments, model.LoadOptions(parsed, Console.Error), parsed.GetValue(json), Console.Out, cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(EvalArguments arguments, LoadOptions options, bool json, TextWriter output, CancellationToken cancellationToken)
    {
        if (json)
        {
            var result = await LlavaModel.EvalModelAsync(arguments, options, cancellationToken: cancellationToken);
            output.WriteLine(JsonSerializer.Serialize(RunReport.From(result), RunJson.Readable.RunReport));
            return CommandRunner.Done;
        }
        var text = new TrimmingWriter(output);
        try
        {
            await LlavaModel.EvalModelAsync(arguments, options, piece => text.Write(TerminalText.Safe(piece)), cancellationToken);
            output.WriteLine();
        }
        catch when (text.HasWritten)
        {
            output.WriteLine();   // the error's line begins on a line of its own
            throw;
        }
        return CommandRunner.Done;
    }
}
