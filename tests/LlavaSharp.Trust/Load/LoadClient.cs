using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Prompts;

namespace LlavaSharp.Trust.Load;

/// <summary>Asks a server, by any of its interfaces, and compares the answer with the one alone.</summary>
internal sealed class LoadClient(HttpClient http)
{
    private const int MostTokens = 48;
    private const string Model = "tiny";

    /// <summary>The ways to ask: OpenAI's interface whole and streamed, the original's protocol, Ollama's interface.</summary>
    public static readonly int[] AllWays = [0, 1, 2, 3];

    /// <summary>Those of them that send messages, not a finished prompt.</summary>
    public static readonly int[] WaysOfMessages = [0, 1, 3];

    /// <summary>Answers that were the same as alone, parted at a tie, or were others.</summary>
    public int Same, Ties, Others;

    /// <summary>Asks alone, with log-probabilities.</summary>
    public async Task LearnAsync(LoadQuestion question)
    {
        (question.Answer, question.Alone) = LoadQuestion.Read(JsonNode.Parse(await PostAsync("/v1/chat/completions", Chat(question, stream: false, logProbabilities: true), default))!);
        Assert.NotEmpty(question.Answer);
    }

    /// <summary>Asks, and notes what came.</summary>
    /// <returns>What is wrong; null: nothing.</returns>
    public async Task<string?> AskAsync(LoadQuestion question, int way, CancellationToken leaving)
    {
        var (answer, tokens) = way switch
        {
            0 => Whole(await PostAsync("/v1/chat/completions", Chat(question, stream: false, logProbabilities: true), leaving)),
            1 => (Streamed(await PostAsync("/v1/chat/completions", Chat(question, stream: true, logProbabilities: false), leaving)), null),
            2 => (Protocol(question, await PostAsync("/worker_generate_stream", Generate(question), leaving)), null),
            _ => (JsonNode.Parse(await PostAsync("/api/chat", Ollama(question), leaving))!["message"]!["content"]!.GetValue<string>(), (IReadOnlyList<string>?)null),
        };
        if (tokens is null ? answer.Trim() == question.Answer : tokens.SequenceEqual(question.Alone.Select(token => token.Text)))
            Interlocked.Increment(ref Same);
        else if (tokens is null ? question.IsTie(answer.Trim()) : question.IsTie(tokens))
            Interlocked.Increment(ref Ties);
        else
        {
            Interlocked.Increment(ref Others);
            return $"way {way}: '{question.Text}' was answered '{answer}', alone '{question.Answer}'";
        }
        return null;
    }

    private async Task<string> PostAsync(string path, JsonObject body, CancellationToken leaving)
    {
        using var content = new StringContent(body.ToJsonString());
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(leaving, TrustMode.Cancellation);
        using var reply = await http.PostAsync(path, content, linked.Token);
        var text = await reply.Content.ReadAsStringAsync(linked.Token);
        return reply.StatusCode == HttpStatusCode.OK ? text : throw new InvalidOperationException($"{path}: {(int)reply.StatusCode} {text}");
    }

    private static (string, IReadOnlyList<string>?) Whole(string reply)
    {
        var (answer, tokens) = LoadQuestion.Read(JsonNode.Parse(reply)!);
        return (answer, [.. tokens.Select(token => token.Text)]);
    }

    private static string Streamed(string reply)
    {
        Assert.EndsWith("data: [DONE]\n\n", reply);
        var text = new StringBuilder();
        foreach (var line in reply.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)[..^1])
            text.Append(JsonNode.Parse(line["data: ".Length..])!["choices"]![0]!["delta"]!["content"]?.GetValue<string>());
        return text.ToString();
    }

    private static string Protocol(LoadQuestion question, string reply)
    {
        var frames = reply.Split('\0', StringSplitOptions.RemoveEmptyEntries).Select(frame => JsonNode.Parse(frame)!).ToArray();
        Assert.All(frames, frame => Assert.Equal(0, frame["error_code"]!.GetValue<int>()));
        return frames[^1]["text"]!.GetValue<string>()[Prompt(question).Length..];
    }

    private static JsonObject Chat(LoadQuestion question, bool stream, bool logProbabilities)
    {
        JsonNode content = question.Picture is null ? question.Text : new JsonArray(
            new JsonObject { ["type"] = "image_url", ["image_url"] = new JsonObject { ["url"] = $"data:image/png;base64,{question.Picture}" } },
            new JsonObject { ["type"] = "text", ["text"] = question.Text });
        var body = new JsonObject { ["model"] = Model, ["temperature"] = 0, ["max_tokens"] = MostTokens, ["stream"] = stream, ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = content }) };
        if (logProbabilities)
            (body["logprobs"], body["top_logprobs"]) = (true, 2);
        return body;
    }

    private static JsonObject Generate(LoadQuestion question)
    {
        var body = new JsonObject { ["model"] = Model, ["prompt"] = Prompt(question), ["temperature"] = 0, ["max_new_tokens"] = MostTokens };
        if (question.Picture is not null)
            body["images"] = new JsonArray(question.Picture);
        return body;
    }

    private static JsonObject Ollama(LoadQuestion question)
    {
        var message = new JsonObject { ["role"] = "user", ["content"] = question.Text };
        if (question.Picture is not null)
            message["images"] = new JsonArray(question.Picture);
        return new() { ["model"] = Model, ["stream"] = false, ["messages"] = new JsonArray(message), ["options"] = new JsonObject { ["temperature"] = 0, ["num_predict"] = MostTokens } };
    }

    private static string Prompt(LoadQuestion question)
    {
        var conversation = ConversationTemplates.Get("vicuna_v1");
        conversation.Append(conversation.Roles[0], (question.Picture is null ? "" : "<image>\n") + question.Text);
        conversation.Append(conversation.Roles[1], null);
        return conversation.GetPrompt();
    }
}
