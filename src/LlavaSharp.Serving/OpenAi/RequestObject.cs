using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.Protocol;
using Microsoft.AspNetCore.Http;

namespace LlavaSharp.Serving.OpenAi;

/// <summary>A request's JSON object, whose values are read with errors that name them, and of which no key is overlooked.</summary>
internal sealed class RequestObject
{
    private readonly JsonObject _json;
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);
    private readonly string _prefix;

    public RequestObject(JsonObject json, string prefix = "") => (_json, _prefix) = (json, prefix);

    /// <summary>Reads the body of a request.</summary>
    /// <exception cref="OpenAiException">It is no JSON object.</exception>
    public static async Task<RequestObject> ReadAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync(context).ConfigureAwait(false);
        try
        {
            return new(ProtocolJson.Object(body.Span));
        }
        catch (ProtocolException exception)
        {
            throw new OpenAiException(400, $"We could not parse the JSON body of your request. {exception.Message}");
        }
    }

    /// <summary>How errors name a key.</summary>
    public string Path(string key) => _prefix + key;

    /// <summary>A value; null where it is missing or null.</summary>
    public JsonNode? Node(string key)
    {
        _read.Add(key);
        return _json[key];
    }

    /// <summary>A text, or null.</summary>
    public string? Text(string key) => Node(key) switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.String => TextOf(value, key),
        _ => throw Wrong(key, "a string"),
    };

    /// <summary>A text that must be there.</summary>
    public string RequiredText(string key) => Text(key) ?? throw Missing(key);

    /// <summary>A number in a range, or null.</summary>
    public double? Number(string key, double least, double most)
    {
        if (Node(key) is not { } node)
            return null;
        if (node.GetValueKind() != JsonValueKind.Number || !node.AsValue().TryGetValue<double>(out var number))
            throw Wrong(key, "a number");
        return number >= least && number <= most ? number : throw OpenAiException.Invalid(Path(key), FormattableString.Invariant($"Invalid '{Path(key)}': it must be between {least} and {most}."));
    }

    /// <summary>A whole number in a range, or null.</summary>
    public int? Integer(string key, int least, int most)
    {
        if (Node(key) is not { } node)
            return null;
        if (node.GetValueKind() != JsonValueKind.Number || !node.AsValue().TryGetValue<long>(out var number))
            throw Wrong(key, "an integer");
        return number >= least && number <= most ? (int)number : throw OpenAiException.Invalid(Path(key), $"Invalid '{Path(key)}': it must be between {least} and {most}.");
    }

    /// <summary>Any whole number of 64 bits, or null.</summary>
    public long? Long(string key) => Node(key) switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<long>(out var number) => number,
        _ => throw Wrong(key, "an integer"),
    };

    /// <summary>A truth value, or null.</summary>
    public bool? Flag(string key) => Node(key) switch
    {
        null => null,
        JsonValue value when value.TryGetValue<bool>(out var flag) => flag,
        _ => throw Wrong(key, "a boolean"),
    };

    /// <summary>An object, or null.</summary>
    public RequestObject? Object(string key) => Node(key) switch
    {
        null => null,
        JsonObject value => new(value, $"{Path(key)}."),
        _ => throw Wrong(key, "an object"),
    };

    /// <summary>A list, or null.</summary>
    public JsonArray? List(string key) => Node(key) switch
    {
        null => null,
        JsonArray value => value,
        _ => throw Wrong(key, "an array"),
    };

    /// <summary>One text or a list of up to four, where generation stops.</summary>
    public IReadOnlyList<string> Stops(string key, int most = 4)
    {
        if (Node(key) is JsonValue)
            return [Text(key)!];
        var list = List(key) ?? [];
        if (list.Count > most)
            throw OpenAiException.Invalid(Path(key), $"Invalid '{Path(key)}': at most {most} are taken.");
        return [.. list.Select(item => item is JsonValue text && text.GetValueKind() == JsonValueKind.String ? TextOf(text, key) : throw Wrong(key, "a string or an array of strings"))];
    }

    /// <summary>Takes notice of keys that change nothing here.</summary>
    public void Ignore(params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
            _read.Add(key);
    }

    /// <summary>Refuses keys that would change the answer, and that are not there.</summary>
    public void Refuse(string why, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
            if (Node(key) is not null)
                throw OpenAiException.Unsupported(Path(key), $"Unsupported parameter: '{Path(key)}' {why}.");
    }

    /// <summary>Refuses what nobody has read.</summary>
    public void Finish()
    {
        foreach (var (key, _) in _json)
            if (!_read.Contains(key))
                throw new OpenAiException(400, $"Unrecognized request argument supplied: {Path(key)}", Path(key), "unknown_parameter");
    }

    public OpenAiException Missing(string key) => new(400, $"Missing required parameter: '{Path(key)}'.", Path(key), "missing_required_parameter");

    public OpenAiException Wrong(string key, string wanted) => new(400, $"Invalid type for '{Path(key)}': expected {wanted}.", Path(key), "invalid_type");

    private string TextOf(JsonValue value, string key)
    {
        try
        {
            return value.GetValue<string>();
        }
        catch (InvalidOperationException)
        {
            throw OpenAiException.Invalid(Path(key), $"Invalid '{Path(key)}': it holds half a character.");
        }
    }
}
