using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Imaging;
using LlavaSharp.Prompts.ChatTemplates;

namespace LlavaSharp.Prompts;

/// <summary>The turns of a conversation and the rules by which they become one prompt.</summary>
/// <remarks>Not safe for concurrent use; <see cref="Copy"/> is cheap.</remarks>
public sealed class Conversation
{
    private static readonly string[] ChatRoles = ["user", "assistant"];

    /// <summary>Creates a conversation without turns.</summary>
    /// <param name="separatorStyle">How turns are joined.</param>
    /// <param name="separator">The first separator.</param>
    /// <param name="roles">The two speakers, as the prompt writes them.</param>
    /// <exception cref="ArgumentException">There are not exactly two roles.</exception>
    public Conversation(SeparatorStyle separatorStyle, string separator, IReadOnlyList<string> roles)
    {
        ArgumentNullException.ThrowIfNull(separator);
        ArgumentNullException.ThrowIfNull(roles);
        if (roles.Count != 2)
            throw new ArgumentException($"A conversation has two roles, not {roles.Count}.", nameof(roles));
        (SeparatorStyle, Separator, Roles) = (separatorStyle, separator, roles);
    }

    /// <summary>Creates a conversation without turns whose prompt a model's own chat template writes; its roles are <c>user</c> and <c>assistant</c>.</summary>
    public Conversation(ChatTemplate chatTemplate)
        : this(SeparatorStyle.ChatTemplate, "", ChatRoles)
    {
        ArgumentNullException.ThrowIfNull(chatTemplate);
        ChatTemplate = chatTemplate;
    }

    /// <summary>The system text in front; empty for none.</summary>
    public string System { get; set; } = "";

    /// <summary>The two speakers: the user's side first.</summary>
    public IReadOnlyList<string> Roles { get; }

    /// <summary>The turns, oldest first.</summary>
    public IList<Message> Messages { get; private init; } = new List<Message>();

    /// <summary>The tools that a model's own chat template is told; other templates have them in <see cref="System"/>, see <see cref="ToolPrompt.Describe"/>.</summary>
    public IReadOnlyList<ToolDefinition> Tools { get; set; } = [];

    /// <summary>How many turns at the start are examples of the template.</summary>
    public int Offset { get; init; }

    /// <summary>How turns are joined.</summary>
    public SeparatorStyle SeparatorStyle { get; init; }

    /// <summary>The first separator (<c>sep</c>).</summary>
    public string Separator { get; init; }

    /// <summary>The second separator (<c>sep2</c>), or null.</summary>
    public string? Separator2 { get; init; }

    /// <summary>The chat template of <see cref="SeparatorStyle.ChatTemplate"/>, or null.</summary>
    public ChatTemplate? ChatTemplate { get; private init; }

    /// <summary>Whether the prompt holds the beginning token already, where the model wants one: then the tokenizer must not add it.</summary>
    public bool WritesSpecialTokens => SeparatorStyle == SeparatorStyle.ChatTemplate;

    /// <summary>The original's version text; one that contains <c>mmtag</c> changes how a picture is announced.</summary>
    public string Version { get; init; } = "Unknown";

    /// <summary>Set by the web page when there is nothing to generate; not copied.</summary>
    public bool SkipNext { get; set; }

    /// <summary>The text at which an answer ends: <see cref="Separator"/> for <c>SINGLE</c> and <c>MPT</c>, else <see cref="Separator2"/>.</summary>
    public string? StopText => SeparatorStyle is SeparatorStyle.Single or SeparatorStyle.Mpt ? Separator : Separator2;

    /// <summary>The same conversation with its own list of turns.</summary>
    public Conversation Copy() => new(SeparatorStyle, Separator, Roles)
    {
        System = System,
        Messages = new List<Message>(Messages),
        Offset = Offset,
        Separator2 = Separator2,
        Version = Version,
        ChatTemplate = ChatTemplate,
        Tools = Tools,
    };

    /// <summary>Adds a turn; null text is an answer still to be generated.</summary>
    public void Append(string role, string? text)
    {
        ArgumentNullException.ThrowIfNull(role);
        Messages.Add(new Message(role, text));
    }

    /// <summary>Adds a turn with a picture.</summary>
    /// <param name="role">Who speaks, as the prompt writes it.</param>
    /// <param name="text">What is said; the marker of the picture may be anywhere in it, or nowhere.</param>
    /// <param name="image">The picture.</param>
    /// <param name="imageProcessMode"><c>Pad</c>, <c>Default</c>, <c>Crop</c> or <c>Resize</c>; checked when the picture is processed.</param>
    public void Append(string role, string text, Image image, string imageProcessMode = "Default")
    {
        ArgumentNullException.ThrowIfNull(role);
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(imageProcessMode);
        Messages.Add(new Message(role, text, image, imageProcessMode));
    }

    /// <summary>
    /// The prompt. A picture in the first turn is announced in front of its text (or, with <c>mmtag</c>, by two turns of its own);
    /// markers in later turns stay where they are.
    /// </summary>
    /// <exception cref="PromptException">The style cannot write these turns.</exception>
    public string GetPrompt()
    {
        var messages = AnnounceFirstPicture();
        return SeparatorStyle switch
        {
            SeparatorStyle.Single => WriteWithColons(messages, _ => Separator),
            SeparatorStyle.Two => WriteWithColons(messages, SeparatorAt),
            SeparatorStyle.Mpt => WriteMpt(messages),
            SeparatorStyle.Llama2 => WriteLlama2(messages),
            SeparatorStyle.Plain => WritePlain(messages),
            SeparatorStyle.ChatTemplate => WriteChatTemplate(messages),
            _ => throw new PromptException($"Separator style {SeparatorStyle} is not known. Use one of {string.Join(", ", Enum.GetNames<SeparatorStyle>())}."),
        };
    }

    /// <summary>The pictures of the user's turns (even places after <see cref="Offset"/>), each made fit by its mode.</summary>
    /// <exception cref="UnknownNameException">A mode is not known.</exception>
    /// <exception cref="ImageException">A picture is so thin that a side would become 0.</exception>
    public IReadOnlyList<Image> GetImages() =>
        [.. PictureMessages().Select(message => ConversationImage.Process(message.Image!, message.ImageProcessMode ?? "Default"))];

    /// <summary>The pictures of <see cref="GetImages"/> as PNG files in base64, as the workers receive them.</summary>
    /// <exception cref="UnknownNameException">A mode is not known.</exception>
    /// <exception cref="ImageException">A picture is so thin that a side would become 0.</exception>
    public IReadOnlyList<string> GetImagesAsBase64() => [.. GetImages().Select(image => Convert.ToBase64String(image.EncodePng()))];

    /// <summary>
    /// The original's <c>dict()</c>: <c>system</c>, <c>roles</c>, <c>messages</c> (role and text), <c>offset</c>, <c>sep</c>, <c>sep2</c>, in this order.
    /// </summary>
    public JsonObject ToDictionary() => new()
    {
        ["system"] = System,
        ["roles"] = new JsonArray([.. Roles.Select(role => (JsonNode)role)]),
        ["messages"] = new JsonArray([.. Messages.Select(message => (JsonNode)new JsonArray(message.Role, message.Text))]),
        ["offset"] = Offset,
        ["sep"] = Separator,
        ["sep2"] = Separator2,
    };

    /// <summary>
    /// The turns after the examples in pairs of question and answer, as the original's web page shows them: a question's picture (mode
    /// <c>Default</c>, JPEG) becomes an <c>img</c> element in front of the text, which loses its markers.
    /// </summary>
    /// <exception cref="ImageException">A picture is so thin that a side would become 0.</exception>
    public IReadOnlyList<(string? Question, string? Answer)> ToChatPairs()
    {
        var pairs = new List<(string?, string?)>();
        for (var i = Offset; i < Messages.Count; i += 2)
            pairs.Add((ShowQuestion(Messages[i]), i + 1 < Messages.Count ? Messages[i + 1].Text : null));
        return pairs;
    }

    private static string? ShowQuestion(Message message)
    {
        if (message.Image is null)
            return message.Text;
        var jpeg = Convert.ToBase64String(ConversationImage.Process(message.Image, "Default").EncodeJpeg());
        return $"<img src=\"data:image/jpeg;base64,{jpeg}\" alt=\"user upload image\" />{WithoutMarkers(message.Text)}";
    }

    private static string WithoutMarkers(string? text) =>
        PythonText.Strip((text ?? "").Replace(LlavaConstants.ImageToken, "", StringComparison.Ordinal));

    private IEnumerable<Message> PictureMessages() =>
        Messages.Skip(Offset).Where((message, index) => index % 2 == 0 && message.Image is not null);

    private IReadOnlyList<Message> AnnounceFirstPicture()
    {
        if (Messages.Count == 0 || Messages[0].Image is null)
            return [.. Messages];
        var role = Messages[0].Role;
        var text = WithoutMarkers(Messages[0].Text);
        return Version.Contains("mmtag", StringComparison.Ordinal)
            ?
            [
                new Message(Roles[0], $"<Image>{LlavaConstants.ImageToken}</Image>"),
                new Message(Roles[1], "Received."),
                new Message(role, text),
                .. Messages.Skip(1),
            ]
            : [new Message(role, $"{LlavaConstants.ImageToken}\n{text}"), .. Messages.Skip(1)];
    }

    private string WriteWithColons(IReadOnlyList<Message> messages, Func<int, string> separatorAt)
    {
        var prompt = new StringBuilder(System).Append(Separator);
        for (var i = 0; i < messages.Count; i++)
        {
            prompt.Append(messages[i].Role).Append(':');
            if (!messages[i].IsOpen)
                prompt.Append(' ').Append(messages[i].Text).Append(separatorAt(i));
        }
        return prompt.ToString();
    }

    private string WriteMpt(IReadOnlyList<Message> messages)
    {
        var prompt = new StringBuilder(System).Append(Separator);
        foreach (var message in messages)
        {
            prompt.Append(message.Role);
            if (!message.IsOpen)
                prompt.Append(message.Text).Append(Separator);
        }
        return prompt.ToString();
    }

    private string WriteLlama2(IReadOnlyList<Message> messages)
    {
        if (messages.Count > 0 && messages[0].IsOpen)
            throw new PromptException("The first message is empty. In the LLAMA_2 style it carries the system text: give the user's question first.", 0);
        if (messages.Count > 0 && messages[0].Role != Roles[0])
            throw new PromptException($"The first message is from '{messages[0].Role}'. In the LLAMA_2 style it must be from '{Roles[0]}'.", 0);
        var prompt = new StringBuilder();
        for (var i = 0; i < messages.Count; i++)
        {
            if (messages[i].IsOpen)
                continue;
            var text = i == 0 && System.Length > 0 ? $"<<SYS>>\n{System}\n<</SYS>>\n\n{messages[i].Text}" : messages[i].Text;
            if (i % 2 == 0)
                prompt.Append(Separator).Append("[INST] ").Append(text).Append(" [/INST]");
            else
                prompt.Append(' ').Append(text).Append(' ').Append(SeparatorAt(i));
        }
        // The beginning token comes from the tokenizer; the original removes its text by a set of characters (Q5).
        return PythonText.StripLeft(prompt.ToString(), Separator);
    }

    private string WritePlain(IReadOnlyList<Message> messages)
    {
        var prompt = new StringBuilder(System);
        for (var i = 0; i < messages.Count; i++)
            if (!messages[i].IsOpen)
                prompt.Append(messages[i].Text).Append(SeparatorAt(i));
        return prompt.ToString();
    }

    private string WriteChatTemplate(IReadOnlyList<Message> messages)
    {
        if (ChatTemplate is null)
            throw new PromptException("This conversation has no chat template. Create it with one.");
        var turns = new JsonArray();
        if (System.Length > 0)
            turns.Add(new JsonObject { ["role"] = "system", ["content"] = System });
        var answerIsOpen = messages.Count > 0 && messages[^1].IsOpen && messages[^1].Role == Roles[1];
        for (var i = 0; i < messages.Count - (answerIsOpen ? 1 : 0); i++)
            turns.Add(TemplateMessage(messages[i]));
        return ChatTemplate.Render(turns, answerIsOpen, Tools.Count == 0 ? null : new JsonArray([.. Tools.Select(tool => (JsonNode)tool.ToJson())]));
    }

    private static JsonObject TemplateMessage(Message message)
    {
        var turn = new JsonObject { ["role"] = message.Role, ["content"] = message.Text ?? "" };
        if (message.Answers is { } answered)
            (turn["name"], turn["tool_call_id"]) = (answered.Name, answered.Id);
        if (message.ToolCalls.Count > 0)
            turn["tool_calls"] = new JsonArray([.. message.ToolCalls.Select(call => (JsonNode)new JsonObject
            {
                ["id"] = call.Id,
                ["type"] = "function",
                ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = call.ReadArguments() },
            })]);
        return turn;
    }

    private string SeparatorAt(int index) => index % 2 == 0
        ? Separator
        : Separator2 ?? throw new PromptException(
            $"Message {index} is an answer, but this {SeparatorStyles.ToName(SeparatorStyle)} template has no second separator: it can only write one message.", index);
}
