using System.CommandLine;
using LlavaSharp.Cli.Chat;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Prompts;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava chat</c>: a conversation in the terminal (the original's <c>llava.serve.cli</c>).</summary>
internal static class ChatCommand
{
    public static Command Create()
    {
        var imageFile = new Option<string?>("--image-file", "-i") { Description = "The picture to talk about: a file or URL. Without it: none yet.", HelpName = "FILE" };
        var template = new Option<string?>("--conv-mode") { Description = "The conversation template. Without it: the model's.", HelpName = "NAME" };
        var temperature = new Option<double>("--temperature") { Description = "0: always the most probable token. Above: sampling.", DefaultValueFactory = _ => 0.2, HelpName = "T" };
        var most = new Option<int>("--max-new-tokens") { Description = "The most tokens of an answer.", DefaultValueFactory = _ => 512, HelpName = "N" };
        var seed = new Option<ulong?>("--seed") { Description = "The seed of sampling. Without it: a new one every time.", HelpName = "N" };
        var debug = new Option<bool>("--debug") { Description = "Show prompt and stored answer after each turn." };
        var command = new InterruptibleCommand("chat", "Talk about pictures in the terminal; /help there lists its commands.");
        foreach (var option in new Option[] { imageFile, template, temperature, most, seed, debug })
            command.Options.Add(option);
        var flags = new ModelFlags(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var generation = new GenerationOptions
            {
                Temperature = parsed.GetValue(temperature),
                MaxNewTokens = parsed.GetValue(most),
                Seed = parsed.GetValue(seed),
                UseCheckpointTopP = true,
            };
            if (generation.MaxNewTokens < 1)
                throw new UsageException($"--max-new-tokens is {generation.MaxNewTokens}: give 1 or more.");
            // what can be refused at once is refused before gigabytes are read
            generation.Resolve();
            if (parsed.GetValue(template) is { } asked)
                ConversationTemplates.CheckName(asked);
            var options = flags.LoadOptions(parsed, Console.Error);
            using var interrupts = new Interrupts();
            var image = parsed.GetValue(imageFile) is { } file ? await Image.LoadAsync(file, cancellationToken: cancellationToken) : null;
            using var model = await LlavaModel.LoadAsync(flags.ModelPath(parsed), options, cancellationToken);
            var session = new ChatSession(model, model.ChooseTemplate(parsed.GetValue(template), options.Notice), generation);
            // a terminal that cannot move its cursor, or must stay free of escape codes, gets plain lines
            var canEdit = !Console.IsInputRedirected && !ReportPrinter.IsPlain;
            var loop = new ChatLoop(session, canEdit ? new LineEditor() : new PlainLineReader(Console.In, Console.Out), Console.Out, Console.Error)
            {
                FirstImage = image,
                Debug = parsed.GetValue(debug),
                IsInteractive = !Console.IsInputRedirected,
            };
            return await loop.RunAsync(interrupts);
        });
        return command;
    }

    /// <summary>Ctrl-C ends the answer, not the conversation.</summary>
    private sealed class InterruptibleCommand(string name, string description) : Command(name, description), IHandlesInterrupts;
}
