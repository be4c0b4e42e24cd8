namespace LlavaSharp.Prompts;

/// <summary>Reads a finished prompt back into the conversation from which its template writes exactly that prompt.</summary>
internal static class PromptReader
{
    private const string Question = "[INST] ";          // of the LLAMA_2 style
    private const string QuestionEnd = " [/INST]";
    private const string SystemStart = "<<SYS>>\n";
    private const string SystemEnd = "\n<</SYS>>\n\n";

    /// <summary>Reads one.</summary>
    /// <param name="prompt">The prompt; it must end where the answer begins.</param>
    /// <param name="template">The template that wrote it; its system text may be another than the template's.</param>
    /// <returns>A conversation of which <see cref="Conversation.GetPrompt"/> gives the prompt again; its last turn is the open answer.</returns>
    /// <exception cref="UnknownNameException">There is no such template.</exception>
    /// <exception cref="PromptException">The template cannot have written it, or leaves no trace of its turns.</exception>
    public static Conversation Read(string prompt, string template)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        var conversation = ConversationTemplates.Get(template);
        if (conversation.SeparatorStyle is SeparatorStyle.Plain or SeparatorStyle.ChatTemplate || conversation.Messages.Count > 0)
            throw new PromptException($"The turns of a prompt cannot be told apart under the template '{template}': {(conversation.Messages.Count > 0 ? "it begins with examples that may be turns as well" : "it writes no roles")}. Name another one (--conv-mode).");
        var at = ReadSystem(conversation, prompt) ?? throw Foreign(template, "it does not begin with a system text and a question");
        var open = OpenAnswer(conversation);
        for (var turn = 0; ; turn += 2)
        {
            conversation.Append(conversation.Roles[0], Until(prompt, ref at, End(conversation, turn) + open) ?? throw Foreign(template, $"no answer is open behind turn {turn + 1}"));
            if (at == prompt.Length)
                break;
            // a turn with a text is opened by the same and a little more
            var more = Start(conversation, turn + 1)[open.Length..];
            if (!prompt.AsSpan(at).StartsWith(more, StringComparison.Ordinal))
                throw Foreign(template, $"turn {turn + 2} does not begin as its role does");
            at += more.Length;
            conversation.Append(conversation.Roles[1], Until(prompt, ref at, End(conversation, turn + 1) + Start(conversation, turn + 2)) ?? throw Foreign(template, $"no question stands behind turn {turn + 2}"));
        }
        conversation.Append(conversation.Roles[1], null);
        return conversation.GetPrompt() == prompt ? conversation : throw Foreign(template, "written again, its turns give another text");
    }

    // the place behind the first turn's opening; null: there is none
    private static int? ReadSystem(Conversation conversation, string prompt)
    {
        if (conversation.SeparatorStyle == SeparatorStyle.Llama2)
        {
            if (!prompt.StartsWith(Question, StringComparison.Ordinal))
                return null;
            var begin = Question.Length + SystemStart.Length;
            var end = prompt.AsSpan(Question.Length).StartsWith(SystemStart, StringComparison.Ordinal) ? prompt.IndexOf(SystemEnd, begin, StringComparison.Ordinal) : -1;
            conversation.System = end < 0 ? "" : prompt[begin..end];
            return end < 0 ? Question.Length : end + SystemEnd.Length;
        }
        var opening = conversation.Separator + Start(conversation, 0);
        // the template's own text first: another one ends at the first thing that looks like a question
        var length = prompt.StartsWith(conversation.System + opening, StringComparison.Ordinal) ? conversation.System.Length : prompt.IndexOf(opening, StringComparison.Ordinal);
        if (length < 0)
            return null;
        conversation.System = prompt[..length];
        return length + opening.Length;
    }

    private static string Start(Conversation conversation, int turn) => conversation.SeparatorStyle switch
    {
        SeparatorStyle.Llama2 => turn % 2 == 0 ? conversation.Separator + Question : " ",
        SeparatorStyle.Mpt => conversation.Roles[turn % 2],
        _ => conversation.Roles[turn % 2] + ": ",
    };

    private static string OpenAnswer(Conversation conversation) => conversation.SeparatorStyle switch
    {
        SeparatorStyle.Llama2 => "",
        SeparatorStyle.Mpt => conversation.Roles[1],
        _ => conversation.Roles[1] + ":",
    };

    private static string End(Conversation conversation, int turn) => (conversation.SeparatorStyle, turn % 2) switch
    {
        (SeparatorStyle.Llama2, 0) => QuestionEnd,
        (SeparatorStyle.Llama2, _) => " " + conversation.Separator2,
        (SeparatorStyle.Two, 1) => conversation.Separator2!,
        _ => conversation.Separator,
    };

    private static string? Until(string prompt, ref int at, string mark)
    {
        if (prompt.IndexOf(mark, at, StringComparison.Ordinal) is not (>= 0 and var end))
            return null;
        var text = prompt[at..end];
        at = end + mark.Length;
        return text;
    }

    private static PromptException Foreign(string template, string why) =>
        new($"The prompt was not written by the template '{template}': {why}. Name the template that clients use (--conv-mode): {string.Join(", ", ConversationTemplates.Names)}.");
}
