using System.Text;

namespace LlavaSharp.Tests.Tokenizers;

/// <summary>Random texts that mix plain words with everything that tokenizers stumble over.</summary>
internal static class RandomText
{
    private static readonly string[] Parts =
    [
        " ", "  ", "   ", "\n", "\t", "\r\n", "the", " lamp", "USER:", " ASSISTANT:", "12", "3.14", "'s", " n't", ".", ",", "é", "e\u0301", "ß", "你好", "世界", "こ", "가나",
        "Ж", "مر", "न\u0941", "😀", "👨\u200d👩", "🇩🇪", "𝓐", "𠀀", "\u00a0", "\u3000", "\u2028", "\u200b", "\0", "\u007f", "<0x41>", "<", ">", "<image>", "[INST]", "\ufffd", "ﬁ", "x", "yyyy",
    ];

    public static string Next(Random random, int parts)
    {
        var text = new StringBuilder();
        for (var i = 0; i < parts; i++)
        {
            if (random.Next(4) > 0)
            {
                text.Append(Parts[random.Next(Parts.Length)]);
                continue;
            }
            int value;
            do
                value = random.Next(random.Next(2) == 0 ? 0x3000 : 0x110000);
            while (!Rune.IsValid(value) || value == 0x2581);
            text.Append(new Rune(value).ToString());
        }
        return text.ToString();
    }
}
