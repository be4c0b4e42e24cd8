using System.Text;
using System.Text.Json.Nodes;

namespace LlavaSharp.Trust.Garbage;

/// <summary>Makes wrong requests out of right ones.</summary>
internal sealed class JsonMutator(Random random)
{
    // values in the place of others, as they stand in a text
    private static readonly string[] _values =
    [
        "null", "true", "false", "0", "-1", "1", "1.5", "1e999", "-1e-999", "123456789012345678901234567890", "9223372036854775808", "2147483648", "0.30000000000000004",
        "\"\"", "\"x\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\ud83d\\ude00\"", "\"<image>\"", "\"<image><image>\"", "\"9999999999999999999\"", "\"NaN\"", "\"</s>\"",
        "[]", "{}", "[null]", "[[]]", "[\"a\",1]", "{\"a\":{}}", "{\"type\":\"text\"}", "[{\"type\":\"image_url\"}]", "\"tiny\"", "\"http://127.0.0.1:1\"", "\"file:///etc/passwd\"",
        "\"data:image/png;base64,AAAA\"", "\"data:image/png;base64,@@\"", "\"data:,x\"", "\"iVBORw0KGgo=\"", "\"@@@@\"",
    ];

    /// <summary>A body; in about one of eight cases the right one.</summary>
    public byte[] Mutate(JsonNode? right)
    {
        var text = right?.ToJsonString() ?? "";
        return random.Next(8) switch
        {
            0 => Encoding.UTF8.GetBytes(text),
            1 => Encoding.UTF8.GetBytes(text)[..random.Next(text.Length + 1)],
            2 => Flip(Encoding.UTF8.GetBytes(text)),
            3 => Encoding.UTF8.GetBytes(Deep(text)),
            4 => Encoding.UTF8.GetBytes(Twice(text)),
            5 => RandomBytes(random.Next(200)),
            _ => Encoding.UTF8.GetBytes(Replace(right, 1 + random.Next(2))),
        };
    }

    // some values become others, go away or are added
    private string Replace(JsonNode? right, int count)
    {
        // the values cannot all be held by a tree, so they are put into its text
        var tree = right?.DeepClone();
        var marks = new List<string>();
        for (var i = 0; i < count; i++)
            tree = ReplaceOne(tree, marks);
        var text = tree?.ToJsonString() ?? "";
        for (var i = 0; i < marks.Count; i++)
            text = text.Replace($"\"@@{i}@@\"", marks[i], StringComparison.Ordinal);
        return text;
    }

    private JsonNode? ReplaceOne(JsonNode? node, List<string> marks)
    {
        switch (node)
        {
            case JsonObject { Count: > 0 } json when random.Next(6) > 0:
                var key = json.ElementAt(random.Next(json.Count)).Key;
                if (random.Next(5) == 0)
                    json.Remove(key);
                else if (random.Next(8) == 0)
                    json[$"{key}x"] = json[key]?.DeepClone();
                else
                {
                    var value = json[key];
                    json[key] = null;
                    json[key] = ReplaceOne(value, marks);
                }
                return json;
            case JsonArray { Count: > 0 } list when random.Next(4) > 0:
                var at = random.Next(list.Count);
                if (random.Next(6) == 0)
                    list.RemoveAt(at);
                else if (random.Next(6) == 0)
                    list.Add(list[at]?.DeepClone());
                else
                {
                    var value = list[at];
                    list[at] = null;
                    list[at] = ReplaceOne(value, marks);
                }
                return list;
            case JsonValue text when text.TryGetValue<string>(out var found) && found.Length > 60 && random.Next(4) > 0:
                return Break(found);
            default:
                marks.Add(random.Next(12) == 0 ? $"\"{new string('a', random.Next(20_000))}\"" : _values[random.Next(_values.Length)]);
                return $"@@{marks.Count - 1}@@";
        }
    }

    // a picture that is cut off or has wrong bytes
    private string Break(string text)
    {
        var comma = text.IndexOf(',', StringComparison.Ordinal) + 1;
        try
        {
            var bytes = Convert.FromBase64String(text[comma..]);
            return text[..comma] + Convert.ToBase64String(random.Next(2) == 0 ? bytes[..random.Next(bytes.Length)] : Flip(bytes));
        }
        catch (FormatException)
        {
            return text[..random.Next(text.Length)];
        }
    }

    private byte[] Flip(byte[] bytes)
    {
        for (var i = random.Next(4); i >= 0 && bytes.Length > 0; i--)
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return bytes;
    }

    private string Deep(string text)
    {
        var depth = 1 << random.Next(17);
        var (open, close) = random.Next(2) == 0 ? ("[", "]") : ("{\"a\":", "}");
        var deep = string.Concat(Enumerable.Repeat(open, depth)) + "1" + (random.Next(3) == 0 ? "" : string.Concat(Enumerable.Repeat(close, depth)));
        return random.Next(2) == 0 || text.Length < 2 ? deep : $"{text[..^1]},\"deep\":{deep}}}";
    }

    // a name that stands twice
    private string Twice(string text) => text.Length < 3 ? text + text : $"{text[..^1]},{text[1..^1]}}}{(random.Next(3) == 0 ? text : "")}";

    private byte[] RandomBytes(int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
