using System.Runtime.CompilerServices;
using LlavaSharp.Generation;
using LlavaSharp.Prompts;
using Microsoft.Extensions.AI;

namespace LlavaSharp;

/// <summary>
/// A model as an <see cref="IChatClient"/>: messages of system, user and assistant become the model's conversation template, pictures in user
/// messages its <c>&lt;image&gt;</c> markers. Answers are held to <see cref="ChatOptions.ResponseFormat"/> and to the schemas of <see cref="ChatOptions.Tools"/>. The <see cref="ChatResponse.RawRepresentation"/> of an answer is the <see cref="GenerationResult"/>.
/// </summary>
/// <remarks>Calls may come from any thread. Disposing the client leaves the model alone.</remarks>
public sealed class LlavaChatClient : IChatClient
{
    private readonly LlavaModel _model;
    private readonly LlavaChatClientOptions _options;
    private readonly ChatClientMetadata _metadata;

    /// <summary>Makes a client of a model, which must outlive it.</summary>
    public LlavaChatClient(LlavaModel model, LlavaChatClientOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        (_model, _options) = (model, options ?? new LlavaChatClientOptions());
        _metadata = new ChatClientMetadata("llava", defaultModelId: model.Name);
    }

    /// <inheritdoc/>
    /// <exception cref="UnsupportedContentException">A message, content or option cannot be taken.</exception>
    /// <exception cref="LlavaException">A picture cannot be read, the prompt does not fit the model, or an option is out of range.</exception>
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var (request, tools) = await CreateRequestAsync(messages, options, cancellationToken).ConfigureAwait(false);
        var result = await _model.CompleteAsync(request, cancellationToken).ConfigureAwait(false);
        var id = NewId();
        var (text, calls) = tools is null ? (result.Text, []) : ToolCallReader.Read(result.Text, tools.Format);
        List<AIContent> contents = text.Length > 0 || calls.Count == 0 ? [new TextContent(text)] : [];
        contents.AddRange(calls.Select(ToolTurns.Content));
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, contents) { MessageId = id })
        {
            ResponseId = id,
            ModelId = request.Adapter ?? _model.Name,
            CreatedAt = _options.TimeProvider.GetUtcNow(),
            FinishReason = Reason(result, calls.Count > 0),
            Usage = Usage(result),
            RawRepresentation = result,
        };
    }

    /// <inheritdoc/>
    /// <exception cref="UnsupportedContentException">A message, content or option cannot be taken.</exception>
    /// <exception cref="LlavaException">A picture cannot be read, the prompt does not fit the model, or an option is out of range.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var (request, tools) = await CreateRequestAsync(messages, options, cancellationToken).ConfigureAwait(false);
        var id = NewId();
        var reader = tools is null ? null : new ToolCallReader(tools.Format);
        await foreach (var update in _model.GenerateAsync(request, cancellationToken).ConfigureAwait(false))
        {
            if (reader is null && update.Text.Length > 0)
                yield return Piece([new TextContent(update.Text)]);
            IReadOnlyList<ToolCallPiece> pieces = reader is null ? [] : update.Result is null ? reader.Push(update.Text) : [.. reader.Push(update.Text), .. reader.End()];
            foreach (var piece in pieces)
            {
                if (piece.Text.Length > 0)
                    yield return Piece([new TextContent(piece.Text)]);
                if (piece.Ended is { } call)
                    yield return Piece([ToolTurns.Content(call)]);
            }
            if (update.Result is not { } result)
                continue;
            var last = Piece([new UsageContent(Usage(result))]);
            (last.FinishReason, last.RawRepresentation) = (Reason(result, reader?.Calls.Count > 0), result);
            yield return last;
        }

        ChatResponseUpdate Piece(IList<AIContent> contents) => new(ChatRole.Assistant, contents)
        {
            ResponseId = id,
            MessageId = id,
            ModelId = request.Adapter ?? _model.Name,
            CreatedAt = _options.TimeProvider.GetUtcNow(),
        };
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        return serviceType == typeof(ChatClientMetadata) ? _metadata
            : serviceType.IsInstanceOfType(_model) ? _model
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <summary>Does nothing: the model belongs to whoever loaded it.</summary>
    public void Dispose()
    {
    }

    private async Task<(GenerationRequest Request, ToolUse? Tools)> CreateRequestAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(messages);
        // an adapter is a model of its own to who asks
        var adapter = options?.ModelId is { } wanted && _model.Adapters.Contains(wanted) ? wanted : null;
        var tools = ChatRequests.Tools(options);
        var generation = ChatRequests.Generation(this, options, _options.Generation, _model, tools);
        var (conversation, images) = await ChatRequests.ConversationAsync(_model, messages, options?.Instructions, _options, cancellationToken, tools).ConfigureAwait(false);
        return (GenerationRequest.For(conversation, images, generation) with { Adapter = adapter }, tools);
    }

    private static string NewId() => Guid.NewGuid().ToString("N");

    private static ChatFinishReason Reason(GenerationResult result, bool calls) =>
        result.FinishReason == FinishReason.Length ? ChatFinishReason.Length : calls ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop;

    private static UsageDetails Usage(GenerationResult result) => new()
    {
        InputTokenCount = result.PromptTokens,
        OutputTokenCount = result.OutputIds.Count,
        TotalTokenCount = result.PromptTokens + result.OutputIds.Count,
    };
}
