using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Generation;
using LlavaSharp.Generation.Constraints;
using LlavaSharp.Prompts;

namespace LlavaSharp.Serving.OpenAi;

/// <summary>What a request asks answers to be: text, JSON, or calls of tools.</summary>
/// <param name="Constraint">What answers are held to; null: nothing.</param>
/// <param name="Tools">The tools; null: none may be called.</param>
internal sealed record AnswerForm(ITokenConstraint? Constraint, ToolUse? Tools)
{
    /// <summary>Reads <c>response_format</c>, <c>tools</c>, <c>tool_choice</c> and <c>parallel_tool_calls</c>.</summary>
    public static AnswerForm Read(RequestObject request, LlavaModel model)
    {
        var tools = ReadTools(request);
        var json = request.Object("response_format") is { } format ? Format(format, null, model) : null;
        if (tools is null)
            return new(json, null);
        if (json is not null)
            throw OpenAiException.Unsupported("response_format", "An answer is held to JSON or to calls of tools, not to both: leave 'response_format' or 'tools' out, or set 'tool_choice' to 'none'.");
        return new(Hold("tools", () => tools.Constraint(model)), tools);
    }

    /// <summary>Reads a list of tools.</summary>
    public static IReadOnlyList<ToolDefinition> Definitions(RequestObject request)
    {
        var list = request.List("tools") ?? [];
        return [.. list.Select((node, i) =>
        {
            var tool = Object(node, $"tools[{i}]");
            if (tool.RequiredText("type") is not "function")
                throw OpenAiException.Unsupported(tool.Path("type"), "Only tools of the type 'function' can be called.");
            var function = tool.Object("function") ?? throw tool.Missing("function");
            tool.Ignore("items");   // OllamaSharp writes it
            tool.Finish();
            var (name, description, parameters) = (function.RequiredText("name"), function.Text("description"), function.Object("parameters") is null ? null : function.Node("parameters"));
            _ = function.Flag("strict");   // arguments are always held to their schema
            function.Finish();
            return Hold(function.Path("name"), () => new ToolDefinition(name, description, parameters is null ? null : Element(parameters, function.Path("parameters"))));
        })];
    }

    /// <summary>A schema that a request brings, as an answer's constraint.</summary>
    public static JsonConstraint Schema(JsonNode schema, string path, LlavaModel model) => Hold(path, () => JsonConstraint.ForSchema(model.Tokenizer, Element(schema, path)));

    /// <summary>A part of a request.</summary>
    public static RequestObject Object(JsonNode? node, string path) =>
        node is JsonObject json ? new(json, $"{path}.") : throw new OpenAiException(400, $"Invalid type for '{path}': expected an object.", path, "invalid_type");

    /// <summary>Turns what is wrong with a schema or a tool into an error of the request.</summary>
    public static T Hold<T>(string path, Func<T> make)
    {
        try
        {
            return make();
        }
        catch (JsonSchemaException exception)
        {
            throw OpenAiException.Invalid(path, exception.Message, "invalid_json_schema");
        }
        catch (PromptException exception)
        {
            throw OpenAiException.Invalid(path, exception.Message);
        }
    }

    private static JsonElement Element(JsonNode node, string path)
    {
        try
        {
            return JsonSerializer.SerializeToElement(node);
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException or InvalidOperationException)
        {
            throw OpenAiException.Invalid(path, $"Invalid '{path}': {exception.Message}");
        }
    }

    /// <summary>What a format (text, any JSON object, or a schema) holds answers to; null for text.</summary>
    /// <param name="format">The format.</param>
    /// <param name="named">Where name and schema are; null: in its <c>json_schema</c>.</param>
    /// <param name="model">The model.</param>
    public static JsonConstraint? Format(RequestObject format, RequestObject? named, LlavaModel model)
    {
        switch (format.RequiredText("type"))
        {
            case "text":
                format.Finish();
                return null;
            case "json_object":
                format.Finish();
                return JsonConstraint.ForAnyObject(model.Tokenizer);
            case "json_schema":
                if (named is null)
                {
                    named = format.Object("json_schema") ?? throw format.Missing("json_schema");
                    format.Finish();
                }
                _ = named.RequiredText("name");
                _ = (named.Text("description"), named.Flag("strict"));   // answers are always held to the schema
                var schema = named.Node("schema");
                named.Finish();
                return schema is null ? JsonConstraint.ForAnyObject(model.Tokenizer) : Schema(schema, named.Path("schema"), model);
            case var other:
                throw OpenAiException.Invalid(format.Path("type"), $"Invalid value: '{other}'. Supported values are: 'text', 'json_object' and 'json_schema'.");
        }
    }

    private static ToolUse? ReadTools(RequestObject request)
    {
        var many = request.Flag("parallel_tool_calls") ?? true;
        var choice = request.Node("tool_choice") switch
        {
            null => null,
            JsonValue text when text.GetValueKind() == JsonValueKind.String => request.Text("tool_choice") switch
            {
                "auto" => ToolChoice.Auto,
                "none" => ToolChoice.None,
                "required" => ToolChoice.Required,
                var other => throw OpenAiException.Invalid("tool_choice", $"Invalid value: '{other}'. Supported values are: 'none', 'auto', 'required', and an object that names a function."),
            },
            JsonObject named => Named(new(named, "tool_choice.")),
            _ => throw request.Wrong("tool_choice", "a string or an object"),
        };
        var tools = Definitions(request);
        if (tools.Count == 0)
            return choice is null || choice == ToolChoice.None || choice == ToolChoice.Auto ? null : throw OpenAiException.Invalid("tool_choice", "'tool_choice' is only allowed when 'tools' are specified.");
        choice ??= ToolChoice.Auto;
        if (choice == ToolChoice.None)
            return null;
        return choice.Name is { } name && tools.All(tool => tool.Name != name)
            ? throw OpenAiException.Invalid("tool_choice", $"Tool choice '{name}' is none of the tools: {string.Join(", ", tools.Select(tool => tool.Name))}.")
            : new(tools, choice, many);
    }

    private static ToolChoice Named(RequestObject choice)
    {
        if (choice.RequiredText("type") is not "function")
            throw OpenAiException.Unsupported(choice.Path("type"), "Only functions can be named.");
        var function = choice.Object("function") ?? throw choice.Missing("function");
        var name = function.RequiredText("name");
        function.Finish();
        choice.Finish();
        return name.Length > 0 ? ToolChoice.Named(name) : throw OpenAiException.Invalid(function.Path("name"), "The name is empty.");
    }
}
