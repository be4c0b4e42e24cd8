using System.Text.Json.Nodes;
using LlavaSharp.Imaging;

namespace LlavaSharp.Trust.Garbage;

/// <summary>What servers can be asked, with a right request for each.</summary>
internal static class Endpoints
{
    private static readonly string _picture = Convert.ToBase64String(Image.FromRgb(9, 7, [.. Enumerable.Range(0, 189).Select(i => (byte)(i * 7))]).EncodePng());

    /// <summary>A controller's.</summary>
    public static (string Method, string Path, string? Body)[] Controller { get; } =
    [
        ("POST", "/register_worker", "{\"worker_name\":\"http://127.0.0.1:1\",\"check_heart_beat\":true,\"worker_status\":{\"model_names\":[\"dead\"],\"speed\":1,\"queue_length\":0}}"),
        ("POST", "/receive_heart_beat", "{\"worker_name\":\"http://127.0.0.1:1\",\"queue_length\":2}"),
        ("POST", "/get_worker_address", "{\"model\":\"dead\"}"),
        ("POST", "/list_models", ""),
        ("POST", "/refresh_all_workers", ""),
        ("POST", "/worker_get_status", ""),
        ("POST", "/worker_generate_stream", $"{{\"model\":\"dead\",\"prompt\":\"USER: <image>\\nWhat? ASSISTANT:\",\"images\":[\"{_picture}\"],\"temperature\":0.2,\"top_p\":0.7,\"max_new_tokens\":3,\"stop\":\"</s>\"}}"),
        ("GET", "/health/live", null),
        ("GET", "/health/ready", null),
        ("GET", "/nothing", null),
        ("GET", "/", null),
    ];

    /// <summary>A worker's.</summary>
    public static (string Method, string Path, string? Body)[] Worker { get; } =
    [
        ("POST", "/worker_generate_stream", $"{{\"model\":\"tiny\",\"prompt\":\"USER: <image>\\nWhat? ASSISTANT:\",\"images\":[\"{_picture}\"],\"temperature\":0.2,\"top_p\":0.7,\"max_new_tokens\":3,\"stop\":\"</s>\"}}"),
        ("POST", "/worker_generate_stream", "{\"model\":\"tiny\",\"prompt\":\"USER: What? ASSISTANT:\",\"temperature\":0,\"max_new_tokens\":2,\"stop\":\"###\"}"),
        ("POST", "/worker_get_status", ""),
        ("GET", "/health/live", null),
        ("GET", "/metrics", null),
        ("GET", "/nothing", null),
    ];

    /// <summary>Those of everything at one port.</summary>
    public static (string Method, string Path, string? Body)[] Everything { get; } =
    [
        .. Controller.Where(endpoint => endpoint.Path is not "/"),
        .. Worker,
        ("GET", "/v1/models", null),
        ("GET", "/v1/models/tiny", null),
        ("POST", "/v1/chat/completions", new JsonObject
        {
            ["model"] = "tiny",
            ["messages"] = new JsonArray(
                new JsonObject { ["role"] = "system", ["content"] = "Be brief." },
                new JsonObject { ["role"] = "user", ["content"] = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = "What is it?" }, new JsonObject { ["type"] = "image_url", ["image_url"] = new JsonObject { ["url"] = $"data:image/png;base64,{_picture}", ["detail"] = "low" } }) },
                new JsonObject { ["role"] = "assistant", ["content"] = "Red." },
                new JsonObject { ["role"] = "user", ["content"] = "Sure?" }),
            ["max_tokens"] = 2,
            ["temperature"] = 0.5,
            ["top_p"] = 0.9,
            ["stop"] = new JsonArray("###"),
            ["seed"] = 1,
            ["stream"] = true,
            ["stream_options"] = new JsonObject { ["include_usage"] = true },
            ["logprobs"] = true,
            ["top_logprobs"] = 2,
            ["logit_bias"] = new JsonObject { ["5"] = -1 },
            ["frequency_penalty"] = 0.1,
            ["presence_penalty"] = 0.1,
            ["response_format"] = new JsonObject { ["type"] = "text" },
        }.ToJsonString()),
        ("POST", "/v1/completions", "{\"model\":\"tiny\",\"prompt\":[\"one\",\"two\"],\"max_tokens\":2,\"n\":2,\"logprobs\":1,\"stop\":\"a\",\"temperature\":0,\"echo\":false,\"stream\":false}"),
        ("POST", "/api/chat", $"{{\"model\":\"tiny\",\"messages\":[{{\"role\":\"user\",\"content\":\"What?\",\"images\":[\"{_picture}\"]}}],\"stream\":true,\"options\":{{\"num_predict\":2,\"temperature\":0,\"stop\":[\"a\"]}}}}"),
        ("POST", "/api/generate", $"{{\"model\":\"tiny\",\"prompt\":\"What?\",\"images\":[\"{_picture}\"],\"system\":\"Be brief.\",\"stream\":false,\"options\":{{\"num_predict\":2,\"seed\":1}}}}"),
        ("POST", "/api/show", "{\"model\":\"tiny\"}"),
        ("GET", "/api/tags", null),
        ("GET", "/api/ps", null),
        ("GET", "/api/version", null),
    ];
}
