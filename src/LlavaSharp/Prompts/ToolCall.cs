using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlavaSharp.Prompts;

/// <summary>A call that a model asks for.</summary>
/// <param name="Id">Tells calls apart, so that results find theirs.</param>
/// <param name="Name">The tool.</param>
/// <param name="Arguments">An object, as JSON text.</param>
public sealed record ToolCall(string Id, string Name, string Arguments)
{
    private const int IdLength = 24;
    private const int MostShown = 40;

    /// <summary>A fresh id.</summary>
    public static string NewId() => "call_" + System.Security.Cryptography.RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", IdLength);

    /// <summary>The arguments.</summary>
    /// <exception cref="PromptException">They are no JSON object.</exception>
    public JsonObject ReadArguments()
    {
        try
        {
            if (JsonNode.Parse(Arguments) is JsonObject arguments)
            {
                _ = arguments.Count;   // doubled names are found here
                return arguments;
            }
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
        }
        throw new PromptException($"The arguments of the call of '{Name}' are no JSON object: '{(Arguments.Length > MostShown ? Arguments[..MostShown] + "..." : Arguments)}'.");
    }
}
