using System.Text.Json.Nodes;
using LlavaSharp.Generation;

namespace LlavaSharp.Serving.OpenAi;

/// <summary>The objects of one answer of <c>/v1/responses</c>.</summary>
/// <param name="model">The model's name.</param>
/// <param name="created">Unix time.</param>
/// <param name="instructions">The system text of the request, or null.</param>
/// <param name="sampling">How it is generated.</param>
internal sealed class ResponseForm(string model, long created, string? instructions, GenerationOptions sampling)
{
    private readonly string _id = $"resp_{Guid.NewGuid():N}";
    private readonly string _message = $"msg_{Guid.NewGuid():N}";

    /// <summary>How the answer ended.</summary>
    public static string Status(GenerationResult result) => result.FinishReason == FinishReason.Length ? "incomplete" : "completed";

    /// <summary>A text of a message.</summary>
    public static JsonObject Part(string text) => new() { ["type"] = "output_text", ["text"] = text, ["annotations"] = new JsonArray(), ["logprobs"] = new JsonArray() };

    /// <summary>The answer before its first token.</summary>
    public JsonObject Begun() => Response("in_progress", null, [], null);

    /// <summary>The whole answer.</summary>
    public JsonObject Whole(GenerationResult result)
    {
        var (status, prompt, answer) = (Status(result), result.PromptTokens, result.OutputIds.Count);
        return Response(status, status == "incomplete" ? new JsonObject { ["reason"] = "max_output_tokens" } : null, new JsonArray(Message(result.Text, status)), new()
        {
            ["input_tokens"] = prompt,
            ["input_tokens_details"] = new JsonObject { ["cached_tokens"] = result.Saved.PromptTokens },
            ["output_tokens"] = answer,
            ["output_tokens_details"] = new JsonObject { ["reasoning_tokens"] = 0 },
            ["total_tokens"] = prompt + answer,
        });
    }

    /// <summary>The message of the assistant; without text where it only begins.</summary>
    public JsonObject Message(string? text, string status) => new()
    {
        ["type"] = "message",
        ["id"] = _message,
        ["status"] = status,
        ["role"] = "assistant",
        ["content"] = text is null ? new JsonArray() : new JsonArray(Part(text)),
    };

    /// <summary>Says that an event belongs to the message's text.</summary>
    public JsonObject At(JsonObject data)
    {
        (data["item_id"], data["output_index"], data["content_index"]) = (_message, 0, 0);
        return data;
    }

    private JsonObject Response(string status, JsonObject? incomplete, JsonArray output, JsonObject? usage) => new()
    {
        ["id"] = _id,
        ["object"] = "response",
        ["created_at"] = created,
        ["status"] = status,
        ["error"] = null,
        ["incomplete_details"] = incomplete,
        ["instructions"] = instructions,
        ["max_output_tokens"] = sampling.MaxNewTokens == int.MaxValue ? null : sampling.MaxNewTokens,
        ["model"] = model,
        ["output"] = output,
        ["parallel_tool_calls"] = false,
        ["previous_response_id"] = null,
        ["store"] = false,
        ["temperature"] = sampling.Temperature,
        ["tool_choice"] = "none",
        ["tools"] = new JsonArray(),
        ["top_p"] = sampling.TopP,
        ["truncation"] = "disabled",
        ["usage"] = usage,
        ["metadata"] = new JsonObject(),
    };
}
