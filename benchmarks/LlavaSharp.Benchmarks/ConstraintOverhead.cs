using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using LlavaSharp.Checkpoints.Gguf;
using LlavaSharp.Generation;
using LlavaSharp.Generation.Constraints;
using LlavaSharp.Prompts;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Benchmarks;

/// <summary>What a token costs more when answers are held to JSON: random logits choose among what is allowed.</summary>
internal static class ConstraintOverhead
{
    private const int MostTokens = 400;

    private const string Person = """
        {"type":"object","properties":{"name":{"type":"string","maxLength":40},"age":{"type":"integer","minimum":0,"maximum":130},"mail":{"type":"string","format":"email"},"tags":{"type":"array","items":{"enum":["a","b","c"]},"maxItems":4},
        "address":{"type":"object","properties":{"street":{"type":"string"},"city":{"type":"string"},"zip":{"type":"string","pattern":"^[0-9]{5}$"}},"required":["street","city"]}},"required":["name","age","tags","address"]}
        """;

    /// <summary>Measures with the vocabulary of a GGUF file or a folder.</summary>
    public static int Measure(string path)
    {
        var tokenizer = Load(path);
        var begun = Stopwatch.GetTimestamp();
        JsonConstraint.ForAnyObject(tokenizer);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{tokenizer.Count} tokens; their tree, once: {Stopwatch.GetElapsedTime(begun).TotalMilliseconds:0} ms"));
        var tools = Enumerable.Range(0, 20).Select(i => new ToolDefinition($"tool_{i}", "Does it.", JsonElement.Parse(Person))).ToArray();
        Report("a person", tokenizer, options => JsonConstraint.ForSchema(tokenizer, JsonElement.Parse(Person), options));
        Report("any object", tokenizer, options => JsonConstraint.ForAnyObject(tokenizer, options));
        Report("20 tools, required", tokenizer, options => JsonConstraint.ForToolCalls(tokenizer, tools, ToolChoice.Required, many: false, options: options));
        Report("20 tools, auto", tokenizer, options => JsonConstraint.ForToolCalls(tokenizer, tools, ToolChoice.Auto, options: options));
        return 0;
    }

    private static void Report(string name, Tokenizer tokenizer, Func<JsonConstraintOptions, JsonConstraint> create)
    {
        // compiled code first, then a constraint that nothing is known of
        Roll(tokenizer, create(new() { MaxDepth = 31 }), 1);
        var begun = Stopwatch.GetTimestamp();
        var constraint = create(new() { MaxDepth = 30 });
        var compile = Stopwatch.GetElapsedTime(begun);
        var first = Roll(tokenizer, constraint, 1);
        var again = Roll(tokenizer, constraint, 1);
        var others = Enumerable.Range(2, 30).SelectMany(seed => Roll(tokenizer, constraint, seed)).ToArray();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}: compiled in {compile.TotalMilliseconds:0.0} ms; a token of the first answer {first.Average():0.000} ms (largest {first.Max():0.0}), of the same again {again.Average():0.000} ms, of 30 others {others.Average():0.000} ms (largest {others.Max():0.0})"));
    }

    // milliseconds for each token
    private static double[] Roll(Tokenizer tokenizer, JsonConstraint constraint, int seed)
    {
        var random = new Random(seed);
        var state = constraint.Begin();
        var end = tokenizer.EndOfSequenceId!.Value;
        var times = new List<double>();
        var logits = new float[tokenizer.Count];
        while (!state.IsComplete && times.Count < MostTokens)
        {
            for (var id = 0; id < logits.Length; id++)
                logits[id] = random.NextSingle();
            var begun = Stopwatch.GetTimestamp();
            state.Restrict(logits, [end]);
            var choosing = Stopwatch.GetTimestamp();
            var next = Sampler.Greedy(logits);
            var chosen = Stopwatch.GetTimestamp();
            if (next != end)
                state.Accept(next);
            times.Add((Stopwatch.GetElapsedTime(begun) - Stopwatch.GetElapsedTime(choosing, chosen)).TotalMilliseconds);
            if (next == end)
                break;
        }
        return [.. times];
    }

    private static Tokenizer Load(string path)
    {
        if (Directory.Exists(path))
            return TokenizerLoader.Load(path);
        using var file = GgufFile.Open(path);
        return GgufTokenizer.Read(file);
    }
}
