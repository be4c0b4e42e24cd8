using System.Text.Json.Nodes;

namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>
/// The chat template that many checkpoints carry: a text in Jinja's language that makes one prompt of a conversation. What such templates use of the
/// language is understood, with the white space and the functions of the original's library; all else is refused by name. A template sees nothing but
/// its variables, cannot call into the program, and has limits of time and memory.
/// </summary>
/// <remarks>Instances never change: safe for concurrent use.</remarks>
public sealed class ChatTemplate
{
    private readonly IReadOnlyList<Statement> _body;
    private readonly ChatTemplateOptions _options;

    private ChatTemplate(string source, ChatTemplateOptions options) =>
        (Source, _options, _body) = (source, options, StatementParser.Read(source, options.Limits));

    /// <summary>The template as it was given.</summary>
    public string Source { get; }

    /// <summary>Reads a template.</summary>
    /// <param name="source">The template.</param>
    /// <param name="options">What it knows besides the conversation, and its limits.</param>
    /// <exception cref="ChatTemplateException">It is malformed, too long, or uses something that is not read here.</exception>
    public static ChatTemplate Parse(string source, ChatTemplateOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        return new ChatTemplate(source, options ?? new ChatTemplateOptions());
    }

    /// <summary>Writes a prompt.</summary>
    /// <param name="variables">What the template may use: <c>messages</c> (a list of <c>role</c> and <c>content</c>), <c>add_generation_prompt</c>, <c>tools</c> and so on. Special tokens are known already.</param>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, uses a variable wrongly, or goes beyond its limits.</exception>
    public string Render(JsonObject variables)
    {
        ArgumentNullException.ThrowIfNull(variables);
        var context = new RenderContext(_options);
        var globals = new Scope(null);
        Functions.AddTo(globals);
        foreach (var (name, text) in _options.SpecialTokens)
            globals.Set(name, text);
        foreach (var (name, value) in variables)
            globals.Set(name, JsonValues.From(context, value));
        return new StatementRunner(context).Render(_body, new Scope(globals));
    }

    /// <summary>Writes the prompt of a conversation.</summary>
    /// <param name="messages">Who speaks (<c>system</c>, <c>user</c>, <c>assistant</c>) and what is said.</param>
    /// <param name="addGenerationPrompt">End with the beginning of the assistant's next turn.</param>
    /// <exception cref="ChatTemplateException">As for <see cref="Render(JsonObject)"/>.</exception>
    public string Render(IEnumerable<(string Role, string Text)> messages, bool addGenerationPrompt)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return Render(new JsonArray([.. messages.Select(message => (JsonNode)new JsonObject { ["role"] = message.Role, ["content"] = message.Text })]), addGenerationPrompt, null);
    }

    /// <summary>The same of messages that are JSON already, with tools.</summary>
    internal string Render(JsonArray messages, bool addGenerationPrompt, JsonArray? tools) => Render(new JsonObject
    {
        ["messages"] = messages,
        // the original's library always gives these two
        ["tools"] = tools,
        ["documents"] = null,
        ["add_generation_prompt"] = addGenerationPrompt,
    });
}
