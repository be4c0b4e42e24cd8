using System.Globalization;
using LlavaSharp.Generation;

namespace LlavaSharp.Serving.OpenAi;

/// <summary>What requests say of generating, alike for chats and completions.</summary>
internal static class SamplingParameters
{
    private const double MostBias = 100;

    /// <summary>Reads it.</summary>
    /// <param name="request">The request.</param>
    /// <param name="vocabulary">The number of ids that a bias may name.</param>
    public static GenerationOptions Read(RequestObject request, int vocabulary) => new()
    {
        Temperature = request.Number("temperature", 0, 2) ?? 1,
        TopP = request.Number("top_p", 0, 1) ?? 1,
        // OpenAI's interface has none; other servers of it do
        TopK = request.Integer("top_k", 0, int.MaxValue) ?? 0,
        RepetitionPenalty = request.Number("repetition_penalty", 0.01, 10) ?? 1,
        FrequencyPenalty = request.Number("frequency_penalty", -2, 2) ?? 0,
        PresencePenalty = request.Number("presence_penalty", -2, 2) ?? 0,
        Seed = request.Long("seed") is { } seed ? unchecked((ulong)seed) : null,
        StopStrings = [.. request.Stops("stop").Where(stop => stop.Length > 0)],
        LogitBias = Bias(request, vocabulary),
    };

    private static Dictionary<int, float> Bias(RequestObject request, int vocabulary)
    {
        var biases = new Dictionary<int, float>();
        if (request.Node("logit_bias") is not { } node)
            return biases;
        if (node is not System.Text.Json.Nodes.JsonObject map)
            throw request.Wrong("logit_bias", "an object");
        foreach (var (key, value) in map)
        {
            if (!int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var id) || id >= vocabulary)
                throw OpenAiException.Invalid(request.Path("logit_bias"), $"Invalid key in 'logit_bias': '{key}' is no token of this model (0 to {vocabulary - 1}).");
            if (value is not System.Text.Json.Nodes.JsonValue number || number.GetValueKind() != System.Text.Json.JsonValueKind.Number || !number.TryGetValue<double>(out var bias) || !(Math.Abs(bias) <= MostBias))
                throw OpenAiException.Invalid(request.Path("logit_bias"), $"Invalid value in 'logit_bias' for token {id}: it must be a number between -100 and 100.");
            biases[id] = (float)bias;
        }
        return biases;
    }
}
