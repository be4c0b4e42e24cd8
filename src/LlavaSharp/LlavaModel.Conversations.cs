using LlavaSharp.Generation;
using LlavaSharp.Imaging;
using LlavaSharp.Models;
using LlavaSharp.Prompts;
using LlavaSharp.Prompts.ChatTemplates;

namespace LlavaSharp;

/// <content>From a template's name to a conversation, and from a conversation to a request.</content>
public sealed partial class LlavaModel
{
    private readonly Lazy<ChatTemplate?> _chatTemplate;

    /// <summary>The chat template in a plain language model's own files, or null; for a LLaVA the original's templates hold.</summary>
    /// <exception cref="ChatTemplateException">There is one, but it cannot be read. Other templates can be asked for by name.</exception>
    public ChatTemplate? ChatTemplate => _chatTemplate.Value;

    /// <summary>A new conversation with this model.</summary>
    /// <param name="template">A template's name, <see cref="ConversationTemplates.ChatTemplateName"/> for the model's own; null: <see cref="TemplateName"/>.</param>
    /// <exception cref="UnknownNameException">No such template.</exception>
    /// <exception cref="PromptException">The model's own template is asked for, and it has none, or one that cannot be read.</exception>
    public Conversation CreateConversation(string? template = null) => (template ?? TemplateName) switch
    {
        ConversationTemplates.ChatTemplateName => new Conversation(ChatTemplate ?? throw new PromptException(SeesImages
            ? $"The model '{Name}' sees pictures: it takes the original's templates, not a chat template. Leave the template (--conv-mode) out."
            : $"The files of the model '{Name}' hold no chat template. Choose a template by its name: {string.Join(", ", ConversationTemplates.Names)}.")),
        var name => ConversationTemplates.Get(name),
    };

    /// <summary>A request to answer one question.</summary>
    /// <param name="question">The question; markers are put in front of it when it has none.</param>
    /// <param name="images">The pictures, in the order of their markers.</param>
    /// <param name="options">How to generate.</param>
    /// <param name="template">Another template than the model's.</param>
    /// <exception cref="UnknownNameException">No such template.</exception>
    /// <exception cref="PromptException">The template cannot write it.</exception>
    public GenerationRequest CreateRequest(string question, IReadOnlyList<Image> images, GenerationOptions? options = null, string? template = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        return GenerationRequest.For(CreateQuestion(question, images.Count, template), images, options);
    }

    private Conversation CreateQuestion(string question, int imageCount, string? template)
    {
        var conversation = CreateConversation(template);
        conversation.Append(conversation.Roles[0], WithMarkers(question, imageCount));
        conversation.Append(conversation.Roles[1], null);
        return conversation;
    }

    // only when it is used: a model whose template cannot be read can still be asked in other ways
    private static ChatTemplate? ParseChatTemplate(LoadedCheckpoint checkpoint, TimeProvider timeProvider)
    {
        if (checkpoint.ChatTemplate is null)
            return null;
        var tokenizer = checkpoint.Tokenizer;
        var names = new[]
        {
            ("bos_token", tokenizer.BeginningOfSequenceId), ("eos_token", tokenizer.EndOfSequenceId), ("unk_token", tokenizer.UnknownId), ("pad_token", tokenizer.PaddingId),
        };
        var tokens = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, id) in names)
            if (id is { } known && tokenizer.IdToToken(known) is { } text)
                tokens[name] = text;
        return ChatTemplate.Parse(checkpoint.ChatTemplate, new ChatTemplateOptions { SpecialTokens = tokens, TimeProvider = timeProvider });
    }
}
