using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Prompts.ChatTemplates;

namespace LlavaSharp.IO;

/// <summary>JSON as Python writes it, for files and protocols that are compared byte for byte.</summary>
internal static class PythonJson
{
    /// <summary><c>json.dumps</c> with its defaults: ", " and ": " between parts, all but ASCII escaped.</summary>
    public static string Dump(JsonNode? node) => Write(node, ", ", ": ", asciiOnly: true);

    /// <summary>What FastAPI replies: nothing between parts but comma and colon, nothing escaped that need not be.</summary>
    public static string DumpCompact(JsonNode? node) => Write(node, ",", ":", asciiOnly: false);

    /// <summary>Appends a text in quotation marks.</summary>
    public static void AppendQuoted(StringBuilder target, string text, bool asciiOnly)
    {
        target.Append('"');
        foreach (var c in text)
        {
            var escape = c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\b' => "\\b",
                '\f' => "\\f",
                _ when c < ' ' || (asciiOnly && c > '~') => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => null,
            };
            if (escape is null)
                target.Append(c);
            else
                target.Append(escape);
        }
        target.Append('"');
    }

    private static string Write(JsonNode? node, string comma, string colon, bool asciiOnly)
    {
        var text = new StringBuilder();
        Append(node);
        return text.ToString();

        void Append(JsonNode? value)
        {
            switch (value)
            {
                case JsonObject mapping:
                    text.Append('{');
                    var first = true;
                    foreach (var (key, item) in mapping)
                    {
                        text.Append(first ? "" : comma);
                        AppendQuoted(text, key, asciiOnly);
                        text.Append(colon);
                        Append(item);
                        first = false;
                    }
                    text.Append('}');
                    break;
                case JsonArray array:
                    text.Append('[');
                    for (var i = 0; i < array.Count; i++)
                    {
                        text.Append(i == 0 ? "" : comma);
                        Append(array[i]);
                    }
                    text.Append(']');
                    break;
                case null:
                    text.Append("null");
                    break;
                default:
                    if (value.GetValueKind() == JsonValueKind.String)
                        AppendQuoted(text, value.GetValue<string>(), asciiOnly);
                    else
                        text.Append(Scalar(value));
                    break;
            }
        }
    }

    private static string Scalar(JsonNode value)
    {
        var written = value.ToJsonString();
        return value.GetValueKind() == JsonValueKind.Number && IsFloat(value.AsValue(), written) ? PythonRepresentation.Number(double.Parse(written, CultureInfo.InvariantCulture)) : written;
    }

    // a number with a fraction or an exponent; one that was made from a float may be written without either
    private static bool IsFloat(JsonValue value, string written) =>
        written.AsSpan().IndexOfAny('.', 'e', 'E') >= 0 || (!value.TryGetValue<JsonElement>(out _) && (value.TryGetValue<double>(out _) || value.TryGetValue<float>(out _)));
}
