using LlavaSharp.Imaging;
using LlavaSharp.Prompts;

namespace LlavaSharp.Cli.Chat;

/// <summary>The conversation in the terminal: lines in, answers out. What is said lies in the <see cref="ChatSession"/>.</summary>
internal sealed class ChatLoop(ChatSession session, ILineReader input, TextWriter output, TextWriter error)
{
    private const string Help = """
        /image PATH  show a picture (file or URL) with your next message
        /reset       forget the conversation
        /save FILE   write the conversation in LLaVA's data format, its pictures beside it
        /help        this list
        An empty line ends the conversation; Ctrl-C stops an answer. A space in front sends a line that begins with /.
        """;

    private static readonly string[] CommandNames = ["/image", "/reset", "/save", "/help"];

    /// <summary>The picture that the conversation begins with, also after /reset.</summary>
    public Image? FirstImage { get; init; }

    /// <summary>Show prompt and stored answer after each turn.</summary>
    public bool Debug { get; init; }

    /// <summary>Whether a person sits there: then a turn that fails, or is interrupted, does not end the program.</summary>
    public bool IsInteractive { get; init; }

    /// <summary>Talks until the input ends.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(Interrupts interrupts)
    {
        var (user, assistant) = ShownRoles();
        if (FirstImage is not null)
            session.AddImage(FirstImage);
        var code = CommandRunner.Done;
        while (input.ReadLine($"{user}: ") is { Length: > 0 } line)
        {
            try
            {
                if (await ExecuteAsync(line))
                    continue;
                output.Write($"{assistant}: ");
                output.Flush();
                await AnswerAsync(line, interrupts.BeginAnswer());
            }
            catch (OperationCanceledException) when (IsInteractive)
            {
                output.WriteLine();
            }
            catch (OperationCanceledException)
            {
                output.WriteLine();
                return CommandRunner.Interrupted;
            }
            catch (LlavaException exception)
            {
                error.WriteLine($"llava: {exception.Message.ReplaceLineEndings(" ")}");
                code = IsInteractive ? CommandRunner.Done : CommandRunner.Failed;
            }
            finally
            {
                interrupts.EndAnswer();
            }
        }
        output.WriteLine("exit...");
        return code;
    }

    private async Task AnswerAsync(string text, CancellationToken cancellationToken)
    {
        var begun = false;
        try
        {
            await foreach (var piece in session.SendAsync(text, cancellationToken: cancellationToken))
            {
                begun = true;
                output.Write(TerminalText.Safe(piece));
                output.Flush();
            }
        }
        catch (LlavaException) when (!begun)
        {
            output.WriteLine();
            throw;
        }
        output.WriteLine();
        if (!Debug)
            return;
        output.WriteLine();
        output.WriteLine($"{{'prompt': {PythonText.Quote(session.LastResult!.Prompt)}, 'outputs': {PythonText.Quote(session.Conversation.Messages[^1].Text ?? "")}}}");
        output.WriteLine();
    }

    // true when the line was a command, not something to say
    private async Task<bool> ExecuteAsync(string line)
    {
        var words = line.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries);
        if (line[0] != '/' || words[0].Length < 2 || !words[0][1..].All(char.IsAsciiLetter))
            return false;
        var argument = words.Length > 1 ? words[1].Trim().Trim('"') : "";
        switch (words[0])
        {
            case "/help":
                error.WriteLine(Help);
                break;
            case "/reset":
                session.Reset();
                if (FirstImage is not null)
                    session.AddImage(FirstImage);
                error.WriteLine("The conversation begins anew.");
                break;
            case "/image":
                var image = await Image.LoadAsync(Needed(argument, "/image PATH"));
                session.AddImage(image);
                error.WriteLine($"A picture of {image.Width}x{image.Height} goes with your next message.");
                break;
            case "/save":
                session.Save(Needed(argument, "/save FILE"));
                error.WriteLine($"Saved: {argument}");
                break;
            default:
                throw new UnknownNameException("command", words[0], CommandNames);
        }
        return true;
    }

    // templates of this style write their roles with control tokens, which are not for people
    private (string User, string Assistant) ShownRoles()
    {
        var conversation = session.Conversation;
        return conversation.SeparatorStyle == SeparatorStyle.Mpt ? ("user", "assistant") : (conversation.Roles[0], conversation.Roles[1]);
    }

    private static string Needed(string argument, string usage) =>
        argument.Length > 0 ? argument : throw new LlavaException($"Something is missing: {usage}");
}
