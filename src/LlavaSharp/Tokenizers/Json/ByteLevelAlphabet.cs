using System.Text;

namespace LlavaSharp.Tokenizers.Json;

/// <summary>The byte-level alphabet of GPT-2: each of the 256 bytes is written as one visible character.</summary>
internal static class ByteLevelAlphabet
{
    private static readonly char[] CharOfByte = new char[256];
    private static readonly Dictionary<char, byte> ByteOfChar = [];

    static ByteLevelAlphabet()
    {
        var next = '\u0100';
        for (var value = 0; value < 256; value++)
        {
            // bytes that are visible in Latin-1 stand for themselves, the others for U+0100 onwards
            var visible = value is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            CharOfByte[value] = visible ? (char)value : next++;
            ByteOfChar[CharOfByte[value]] = (byte)value;
        }
    }

    public static string Encode(ReadOnlySpan<char> text)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        return string.Create(bytes.Length, bytes, static (span, source) =>
        {
            for (var i = 0; i < source.Length; i++)
                span[i] = CharOfByte[source[i]];
        });
    }

    /// <summary>Appends a token's bytes: those that its characters stand for, or its UTF-8 form when one of them stands for none.</summary>
    public static void Decode(string token, List<byte> output)
    {
        var start = output.Count;
        foreach (var c in token)
        {
            if (ByteOfChar.TryGetValue(c, out var value))
            {
                output.Add(value);
                continue;
            }
            output.RemoveRange(start, output.Count - start);
            output.AddRange(Encoding.UTF8.GetBytes(token));
            return;
        }
    }
}
