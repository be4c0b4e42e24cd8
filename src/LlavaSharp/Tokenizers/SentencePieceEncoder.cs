using System.Buffers;
using System.Text;

namespace LlavaSharp.Tokenizers;

/// <summary>Text to ids with a SentencePiece model alone: no special or added tokens.</summary>
internal abstract class SentencePieceEncoder(SentencePieceModel model)
{
    protected SentencePieceModel Model { get; } = model;

    /// <summary>The encoder that the model's algorithm asks for.</summary>
    public static SentencePieceEncoder Create(SentencePieceModel model) => model.Algorithm switch
    {
        SentencePieceAlgorithm.Bpe => new SentencePieceBpeEncoder(model),
        _ => new SentencePieceUnigramEncoder(model),
    };

    /// <summary>Appends the ids of a text without lone surrogates.</summary>
    public void Encode(string text, List<int> ids)
    {
        var normalized = Normalize(text);
        if (normalized.Length > 0)
            EncodeNormalized(normalized, ids);
    }

    protected abstract void EncodeNormalized(string text, List<int> ids);

    /// <summary>Appends what stands for characters that no piece covers: their bytes, or one unknown id for the whole run.</summary>
    protected void AddUnknown(ReadOnlySpan<char> surface, List<int> ids, ref bool previousWasUnknown)
    {
        if (Model.ByteFallback)
        {
            var bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(surface.Length));
            var count = Encoding.UTF8.GetBytes(surface, bytes);
            for (var i = 0; i < count; i++)
                ids.Add(Model.ByteId(bytes[i]));
            ArrayPool<byte>.Shared.Return(bytes);
        }
        else if (!previousWasUnknown)
        {
            ids.Add(Model.UnknownId);
            previousWasUnknown = true;
        }
    }

    private string Normalize(string text)
    {
        if (Model.RemoveExtraSpaces)
            text = CollapseSpaces(text);
        if (text.Length == 0)
            return "";
        if (Model.AddDummyPrefix)
            text = " " + text;
        return Model.EscapeSpaces ? text.Replace(' ', TextUtilities.SpaceSymbol) : text;
    }

    private static string CollapseSpaces(string text)
    {
        var builder = new StringBuilder(text.Length);
        foreach (var c in text)
            if (c != ' ' || (builder.Length > 0 && builder[^1] != ' '))
                builder.Append(c);
        if (builder.Length > 0 && builder[^1] == ' ')
            builder.Length--;
        return builder.ToString();
    }
}
