using LlavaSharp.Prompts;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Training;

/// <summary>Conversations to ids and labels, by the original's rules for the formats <c>plain</c> and <c>v1</c>.</summary>
/// <remarks>Safe for concurrent use.</remarks>
public sealed class ConversationEncoder
{
    private const long Ignored = LlavaConstants.IgnoreIndex;

    private static readonly string[] Formats = ["plain", "v0_plain", "v1", "vicuna_v1", "llava_v1", "v1_mmtag"];

    // as versions they only choose a padding token in the original, which then trains with the format of vicuna_v1
    private static readonly string[] VersionsOfVicuna = ["v0", "v0.5"];

    private readonly Tokenizer _tokenizer;
    private readonly Conversation _template;
    private readonly int _maximumLength;
    private readonly bool _startEndTokens;
    private readonly int _paddingId;

    /// <summary>Creates an encoder.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="version">The conversation template, by the original's name.</param>
    /// <param name="maximumLength">Texts without a picture are cut to this many ids (<c>model_max_length</c>).</param>
    /// <param name="startEndTokens">Put start and end tokens around the picture's marker (<c>mm_use_im_start_end</c>).</param>
    /// <exception cref="UnknownNameException">No such template, or one whose labels are not known here.</exception>
    public ConversationEncoder(Tokenizer tokenizer, string version, int maximumLength = 2048, bool startEndTokens = false)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(version);
        _template = Formats.Contains(version)
            ? ConversationTemplates.Get(version)
            : throw new UnknownNameException("conversation format for training (--version)", version, Formats);
        // the trainer pads with the unknown token, so a real unknown token counts as padding, too
        _paddingId = tokenizer.UnknownId ?? tokenizer.PaddingId ?? -1;
        (_tokenizer, _maximumLength, _startEndTokens) = (tokenizer, maximumLength, startEndTokens);
    }

    /// <summary>The conversation format that the trainer's flag <c>--version</c> means: <c>v0</c> and <c>v0.5</c> mean <c>vicuna_v1</c>, all others themselves.</summary>
    /// <exception cref="UnknownNameException">No such format, or one whose labels are not known here (the original takes <c>vicuna_v1</c> for any name that it does not know).</exception>
    public static string FormatOfVersion(string version)
    {
        if (VersionsOfVicuna.Contains(version))
            return "vicuna_v1";
        return Formats.Contains(version) ? version : throw new UnknownNameException("conversation format for training (--version)", version, [.. Formats, .. VersionsOfVicuna]);
    }

    /// <summary>Ids and labels of one conversation.</summary>
    /// <exception cref="TrainingException">The turns do not alternate, a speaker is not known, or the format takes other turns.</exception>
    public EncodedConversation Encode(ConversationSample sample)
    {
        ArgumentNullException.ThrowIfNull(sample);
        return Encode(sample.Turns, sample.Image is not null, sample.System);
    }

    /// <summary>Ids and labels of turns.</summary>
    /// <param name="turns">The turns, oldest first.</param>
    /// <param name="hasImage">Whether the conversation has a picture: then its marker is moved to the front of its turn and becomes the id -200.</param>
    /// <param name="system">Takes the place of the template's system text; null: the template's own.</param>
    /// <exception cref="TrainingException">The turns do not alternate, a speaker is not known, or the format takes other turns.</exception>
    public EncodedConversation Encode(IReadOnlyList<ConversationTurn> turns, bool hasImage, string? system = null)
    {
        ArgumentNullException.ThrowIfNull(turns);
        if (hasImage)
            turns = [.. turns.Select(turn => turn with { Value = MoveMarker(turn.Value) })];
        return _template.SeparatorStyle == SeparatorStyle.Plain ? EncodePlain(turns) : EncodeRounds(turns, hasImage, system);
    }

    /// <summary>Moves a picture's marker to the front of its turn, with the tags that the format wants: the original's <c>preprocess_multimodal</c>.</summary>
    public string MoveMarker(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        const string Marker = LlavaConstants.ImageToken;
        if (value.Contains(Marker, StringComparison.Ordinal))
        {
            value = PythonText.Strip(value.Replace(Marker, "", StringComparison.Ordinal));
            value = PythonText.Strip($"{Marker}\n{value}");
            if (_template.Version.Contains("mmtag", StringComparison.Ordinal))
                value = value.Replace(Marker, $"<Image>{Marker}</Image>", StringComparison.Ordinal);
        }
        return _startEndTokens
            ? value.Replace(Marker, LlavaConstants.ImageStartToken + Marker + LlavaConstants.ImageEndToken, StringComparison.Ordinal)
            : value;
    }

    private EncodedConversation EncodePlain(IReadOnlyList<ConversationTurn> turns)
    {
        if (turns.Count != 2 || !turns[0].Value.Contains(LlavaConstants.ImageToken, StringComparison.Ordinal))
            throw new TrainingException($"The format 'plain' takes two turns, the first with {LlavaConstants.ImageToken}; this sample has {turns.Count}. Use --version v1 for conversations.");
        var ids = ImageTokenSplitter.Encode(LlavaConstants.ImageToken + turns[1].Value + _template.Separator, _tokenizer);
        var labels = Array.ConvertAll(ids, id => (long)id);
        Mask(labels, 0, ImageTokenSplitter.Encode(LlavaConstants.ImageToken, _tokenizer).Length);
        return new EncodedConversation(ids, labels);
    }

    private EncodedConversation EncodeRounds(IReadOnlyList<ConversationTurn> turns, bool hasImage, string? system)
    {
        var conversation = Write(turns, system);
        var prompt = conversation.GetPrompt();
        var ids = Tokenize(prompt, hasImage);
        if (!hasImage && ids.Length > _maximumLength)
            ids = ids[.._maximumLength];
        var labels = Array.ConvertAll(ids, id => (long)id);
        var total = ids.Count(id => id != _paddingId);
        var answerMark = $"{conversation.Separator}{conversation.Roles[1]}: ";
        var position = 1;
        Mask(labels, 0, position);
        var rounds = prompt.Split(conversation.Separator2!);
        for (var i = 0; i < rounds.Length && rounds[i].Length > 0; i++)
        {
            var parts = rounds[i].Split(answerMark);
            if (parts.Length != 2)
                break;
            var roundLength = Tokenize(rounds[i], hasImage).Length;
            var instructionLength = Tokenize(parts[0] + answerMark, hasImage).Length - 2;
            // behind the separator such a tokenizer has one id where it has two at the start of a text
            if (i != 0 && _tokenizer.Legacy != true)
            {
                roundLength--;
                instructionLength--;
            }
            Mask(labels, position, position + instructionLength);
            position += roundLength;
        }
        Mask(labels, position, labels.Length);
        if (position < _maximumLength && position != total)
        {
            Array.Fill(labels, Ignored);
            return new EncodedConversation(ids, labels, (position, total));
        }
        return new EncodedConversation(ids, labels);
    }

    private Conversation Write(IReadOnlyList<ConversationTurn> turns, string? system)
    {
        var conversation = _template.Copy();
        conversation.Messages.Clear();
        if (system is not null)
            conversation.System = system;
        // a first turn that is not the user's is dropped
        var first = turns.Count > 0 && turns[0].From != "human" ? 1 : 0;
        for (var i = first; i < turns.Count; i++)
        {
            var speaker = turns[i].From switch
            {
                "human" => 0,
                "gpt" => 1,
                var other => throw new TrainingException($"Turn {i} is from '{other}'; the speakers are 'human' and 'gpt'."),
            };
            if (speaker != (i - first) % 2)
                throw new TrainingException($"Turn {i} is from '{turns[i].From}', but 'human' and 'gpt' must take turns.");
            conversation.Append(conversation.Roles[speaker], turns[i].Value);
        }
        return conversation;
    }

    private int[] Tokenize(string text, bool hasImage) => hasImage ? ImageTokenSplitter.Encode(text, _tokenizer) : _tokenizer.Encode(text);

    private static void Mask(long[] labels, int from, int to)
    {
        from = Math.Clamp(from, 0, labels.Length);
        labels.AsSpan(from, Math.Clamp(to, from, labels.Length) - from).Fill(Ignored);
    }
}
