using LlavaSharp.Generation;
using LlavaSharp.Generation.Constraints;
using LlavaSharp.Imaging;
using LlavaSharp.Prompts;
using Microsoft.Extensions.AI;

namespace LlavaSharp;

/// <summary>From the messages and options of <see cref="IChatClient"/> to a prompt, its pictures and how to generate.</summary>
internal static class ChatRequests
{
    /// <summary>The options of a request; what cannot be done is refused rather than left out.</summary>
    public static GenerationOptions Generation(IChatClient client, ChatOptions? options, GenerationOptions defaults, LlavaModel model, ToolUse? tools)
    {
        if (options is null)
            return defaults;
        if (options.ModelId is { } wanted && wanted != model.Name && !model.Adapters.Contains(wanted))
            throw new UnknownNameException("model", wanted, [model.Name, .. model.Adapters]);
        Refuse(tools is not null && options.ResponseFormat is ChatResponseFormatJson, "ResponseFormat", "an answer is held to JSON or to calls of tools, not to both: leave one out, or set ToolMode to None");
        Refuse(options.ConversationId is not null, "ConversationId", "nothing is kept between calls: send the whole conversation");
        Refuse(options.ContinuationToken is not null, "ContinuationToken", "answers are not continued in the background");
        var basis = options.RawRepresentationFactory?.Invoke(client) as GenerationOptions ?? defaults;
        return basis with
        {
            Constraint = tools?.Constraint(model)
                ?? (options.ResponseFormat is not ChatResponseFormatJson format ? basis.Constraint
                    : format.Schema is { } schema ? JsonConstraint.ForSchema(model.Tokenizer, schema) : JsonConstraint.ForAnyObject(model.Tokenizer)),
            MaxNewTokens = options.MaxOutputTokens ?? basis.MaxNewTokens,
            // a float's shortest digits are what the caller wrote
            Temperature = options.Temperature is { } temperature ? Exact(temperature) : basis.Temperature,
            TopP = options.TopP is { } topP ? Exact(topP) : basis.TopP,
            TopK = options.TopK ?? basis.TopK,
            FrequencyPenalty = options.FrequencyPenalty is { } frequency ? Exact(frequency) : basis.FrequencyPenalty,
            PresencePenalty = options.PresencePenalty is { } presence ? Exact(presence) : basis.PresencePenalty,
            Seed = options.Seed is { } seed ? unchecked((ulong)seed) : basis.Seed,
            StopStrings = options.StopSequences is { Count: > 0 } stops ? [.. stops] : basis.StopStrings,
        };
    }

    /// <summary>The tools of a request; null where there are none, or none may be called.</summary>
    public static ToolUse? Tools(ChatOptions? options)
    {
        if (options?.Tools is not { Count: > 0 } tools || options.ToolMode is NoneChatToolMode)
            return null;
        var definitions = tools.Select(tool => tool is AIFunctionDeclaration function
            ? new ToolDefinition(function.Name, function.Description, function.JsonSchema)
            : throw new UnsupportedContentException(tool.GetType().Name, $"The tool '{tool.Name}' ({tool.GetType().Name}) cannot be called here: only functions can."));
        var choice = options.ToolMode is not RequiredChatToolMode required ? ToolChoice.Auto : required.RequiredFunctionName is { } name ? ToolChoice.Named(name) : ToolChoice.Required;
        return new([.. definitions], choice, options.AllowMultipleToolCalls ?? true);
    }

    /// <summary>The conversation, its last answer open, and its pictures.</summary>
    /// <remarks>System texts, wherever they stand, together replace the template's; messages of the same role in a row are one turn.</remarks>
    public static async Task<(Conversation Conversation, IReadOnlyList<Image> Images)> ConversationAsync(
        LlavaModel model, IEnumerable<ChatMessage> messages, string? instructions, LlavaChatClientOptions options, CancellationToken cancellationToken, ToolUse? tools = null)
    {
        var conversation = model.CreateConversation(options.Template);
        var calls = new ToolTurns(ToolUse.IsSpokenBy(conversation.ChatTemplate));
        List<string> system = string.IsNullOrEmpty(instructions) ? [] : [instructions];
        var turns = new List<Turn>();
        foreach (var message in messages)
        {
            var turn = await ReadAsync(message, options.Pictures, calls, cancellationToken).ConfigureAwait(false);
            if (message.Role == ChatRole.System)
                system.Add(turn.Text);
            else if (turns.Count > 0 && turns[^1].IsUser == turn.IsUser && !turns[^1].StandsAlone && !turn.StandsAlone)
                turns[^1] = turns[^1].And(turn);
            else
                turns.Add(turn);
        }
        if (turns.Count == 0 || !turns[0].IsUser || turns[0].Results.Count > 0)
            throw new PromptException("The first message that is not system's must be the user's, and there must be one.", 0);
        if (!turns[^1].IsUser)
            throw new PromptException("The last message is the assistant's: there is nothing to answer. End with a message of the user.", turns.Count - 1);
        if (system.Count > 0)
            ConversationText.SetSystem(conversation, string.Join('\n', system));
        if (tools is not null)
            ConversationText.SetTools(conversation, tools);
        foreach (var turn in turns)
        {
            foreach (var (call, result) in turn.Results)
                conversation.Messages.Add(new(ToolTurns.Role, ConversationText.WithoutMarkers(result)) { Answers = call });
            if (turn.Results.Count == 0)
                conversation.Messages.Add(new(
                    conversation.Roles[turn.IsUser ? 0 : 1],
                    turn.IsUser ? model.WithMarkers(turn.Text, turn.Images.Count) : ConversationText.WithoutMarkers(turn.Text)) { ToolCalls = turn.Calls });
        }
        conversation.Append(conversation.Roles[1], null);
        return (conversation, [.. turns.SelectMany(turn => turn.Images)]);
    }

    private static async Task<Turn> ReadAsync(ChatMessage message, ImageLoadOptions pictures, ToolTurns calls, CancellationToken cancellationToken)
    {
        var isUser = message.Role == ChatRole.User;
        var isTool = message.Role == ChatRole.Tool;
        if (!isUser && !isTool && message.Role != ChatRole.Assistant && message.Role != ChatRole.System)
            throw new UnsupportedContentException(message.Role.Value, $"A message of role '{message.Role.Value}' cannot be taken: only system, user, assistant and tool are known.");
        var (asked, results) = (new List<ToolCall>(), new List<(ToolCall, string)>());
        var texts = new List<string>();
        var images = new List<Image>();
        foreach (var content in message.Contents)
        {
            switch (content)
            {
                case TextContent text when !isTool:
                    texts.Add(text.Text);
                    break;
                case FunctionCallContent call when message.Role == ChatRole.Assistant:
                    asked.Add(calls.Ask(call));
                    break;
                case FunctionResultContent result when isTool || isUser:
                    results.Add(calls.Answer(result));
                    break;
                case DataContent data when isUser && data.HasTopLevelMediaType("image"):
                    images.Add(Image.FromBytes(data.Data.Span, pictures, data.Name ?? "DataContent"));
                    break;
                case UriContent uri when isUser && uri.HasTopLevelMediaType("image"):
                    images.Add(await Image.LoadAsync(uri.Uri.IsFile ? uri.Uri.LocalPath : uri.Uri.AbsoluteUri, pictures, cancellationToken).ConfigureAwait(false));
                    break;
                default:
                    throw Unsupported(message.Role, content);
            }
        }
        return calls.IsNative
            ? new Turn(isUser || isTool, string.Concat(texts), images) { Calls = asked, Results = results }
            : new Turn(isUser || isTool, ToolTurns.Write(string.Concat(texts), asked, results), images);
    }

    private static UnsupportedContentException Unsupported(ChatRole role, AIContent content)
    {
        var mediaType = content switch { DataContent data => $" ({data.MediaType})", UriContent uri => $" ({uri.MediaType})", _ => "" };
        return new(content.GetType().Name, $"{content.GetType().Name}{mediaType} in a message of role '{role.Value}' cannot be taken: only text, pictures in user messages, calls in the assistant's, and results in a tool's.");
    }

    private static void Refuse(bool given, string option, string why)
    {
        if (given)
            throw new UnsupportedContentException(option, $"ChatOptions.{option} cannot be taken: {why}.");
    }

    private static double Exact(float value) => double.Parse(value.ToString("R", System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture);

    private sealed record Turn(bool IsUser, string Text, IReadOnlyList<Image> Images)
    {
        /// <summary>Calls of tools, for templates that write them.</summary>
        public IReadOnlyList<ToolCall> Calls { get; init; } = [];

        /// <summary>Results of calls, for templates that write them.</summary>
        public IReadOnlyList<(ToolCall Call, string Result)> Results { get; init; } = [];

        public bool StandsAlone => Calls.Count > 0 || Results.Count > 0;

        public Turn And(Turn next) => new(IsUser, $"{Text}\n{next.Text}", [.. Images, .. next.Images]);
    }
}
