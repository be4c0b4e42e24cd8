using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>JSON as values of a template.</summary>
internal static class JsonValues
{
    /// <summary>The value of a JSON node.</summary>
    /// <exception cref="ChatTemplateException">It is nested too deep, or a number is too large.</exception>
    public static object? From(RenderContext context, JsonNode? node)
    {
        context.Step();
        switch (node)
        {
            case null:
                return null;
            case JsonArray array:
                context.Enter();
                var items = new object?[array.Count];
                for (var i = 0; i < items.Length; i++)
                    items[i] = From(context, array[i]);
                context.Leave();
                return new ListValue(items);
            case JsonObject from:
                context.Enter();
                var mapping = new MappingValue();
                foreach (var (key, value) in from)
                    mapping.Set(context, key, From(context, value));
                context.Leave();
                return mapping;
            default:
                return FromScalar(context, node);
        }
    }

    private static object? FromScalar(RenderContext context, JsonNode node) => node.GetValueKind() switch
    {
        JsonValueKind.String => node.GetValue<string>(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Null => null,
        _ => FromNumber(context, node.ToJsonString()),
    };

    private static object FromNumber(RenderContext context, string text)
    {
        if (text.AsSpan().IndexOfAny('.', 'e', 'E') >= 0)
            return double.Parse(text, CultureInfo.InvariantCulture);
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
            ? whole
            : throw context.Error($"the number {(text.Length > 40 ? text[..40] + "..." : text)} has more than 64 bits.");
    }
}
