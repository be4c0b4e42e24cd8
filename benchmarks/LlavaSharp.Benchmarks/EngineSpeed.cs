using System.Diagnostics;
using System.Text.Json.Nodes;
using LlavaSharp.Benchmarking;
using LlavaSharp.Benchmarking.Peer;
using LlavaSharp.Benchmarking.Subjects;
using LlavaSharp.Checkpoints.Gguf;
using LlavaSharp.Generation;
using LlavaSharp.Generation.Batching;

namespace LlavaSharp.Benchmarks;

/// <summary>
/// The batching engine on a shape's formula weights in 4 bits: one stream and eight, by turns with llama.cpp's eight sequences in one context; then how evenly eight
/// steady streams get their tokens while a long prompt arrives every few seconds.
/// </summary>
internal static class EngineSpeed
{
    private const int Streams = 8, Prompt = 64, Answer = 200, LongPrompt = 600, Steps = 64;

    private static readonly TimeSpan _between = TimeSpan.FromSeconds(5);

    public static async Task<int> MeasureAsync(string name, int layers, int threads, int rounds, int seconds, bool peer)
    {
        var shape = BenchShape.Find(name, layers);
        using var folder = new TemporaryCheckpoint(new PackedWeights(4, Console.Error.WriteLine).Ensure(shape), shape.Config.VocabSize);
        using var model = await LlavaModel.LoadAsync(folder.Path, new() { Device = "cpu", DataType = "float32", Offline = true, Threads = threads, LargePages = true, PrefixReuse = false, CheckFiniteWeights = false });
        await using var engine = new BatchingEngine(model, new() { PrefixCache = false });
        await using var other = peer ? LlamaCppPeer.Start(await LlamaCppInstallation.EnsureAsync(Console.Error.WriteLine)) : null;
        if (other is not null)
        {
            var load = await other.LoadAsync(PeerModelFile.Ensure(shape, GgufType.Q4_0, GgufType.Q8_0, Console.Error.WriteLine), threads, 1024, 1024);
            Console.WriteLine($"llama.cpp {load.Release} ({load.Variant}), {load.Description}");
        }
        Console.WriteLine($"{shape} in 4 bits, {threads} threads; prompts of {Prompt} tokens, answers of {Answer}");
        List<double> one = [], eight = [], peers = [];
        for (var round = -1; round < rounds; round++)
        {
            var (single, many) = (await TogetherAsync(engine, 1, Answer, round), await TogetherAsync(engine, Streams, Answer, round));
            var theirs = other is null ? 0 : Streams / (await other.DecodeAsync([.. Enumerable.Range(300, Prompt + (Answer / 2))], [.. Enumerable.Range(300, Streams)], Steps)).Seconds;
            if (round < 0)
                continue;   // warms up
            one.Add(single);
            eight.Add(many);
            peers.Add(theirs);
        }
        var (alone, together, compared) = (Timing.Median(one), Timing.Median(eight), Timing.Median(peers));
        Console.WriteLine(FormattableString.Invariant($"one stream {alone:F1} tokens/s; {Streams} streams {together:F1}, {together / alone:F2} x one") + (peer ? FormattableString.Invariant($"; llama.cpp's {Streams} sequences {compared:F1}: {together / compared:F2} x") : ""));
        await EvennessAsync(engine, seconds);
        return 0;
    }

    // tokens a second of all streams, while all of them generate
    private static async Task<double> TogetherAsync(BatchingEngine engine, int streams, int tokens, int round)
    {
        var times = await Task.WhenAll(Enumerable.Range(0, streams).Select(stream => StreamAsync(engine, Words(Prompt, (round * 100) + stream), tokens, CancellationToken.None)));
        var (begin, end) = (times.Max(stream => stream[0]), times.Min(stream => stream[^1]));
        return times.Sum(stream => stream.Count(time => time > begin && time <= end)) / Stopwatch.GetElapsedTime(begin, end).TotalSeconds;
    }

    private static async Task EvennessAsync(BatchingEngine engine, int seconds)
    {
        using var over = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        var start = Stopwatch.GetTimestamp();
        var gaps = new List<double>();
        var steady = Enumerable.Range(0, Streams).Select(async stream =>
        {
            for (var turn = 0; !over.IsCancellationRequested; turn++)
            {
                var times = await StreamAsync(engine, Words(Prompt, 10_000 + (stream * 100) + turn), Answer, over.Token);
                lock (gaps)
                    gaps.AddRange(times.Zip(times.Skip(1), (before, after) => Stopwatch.GetElapsedTime(before, after).TotalSeconds));
            }
        }).ToArray();
        var arrivals = 0;
        var longOnes = new List<Task<List<long>>>();
        while (!over.IsCancellationRequested)
        {
            await Task.Delay(_between, over.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            if (!over.IsCancellationRequested)
                longOnes.Add(StreamAsync(engine, Words(LongPrompt, 20_000 + arrivals++), 8, over.Token));
        }
        await Task.WhenAll(steady);
        await Task.WhenAll(longOnes);
        gaps.Sort();
        double At(double share) => gaps[(int)Math.Min(gaps.Count - 1, share * gaps.Count)];
        Console.WriteLine(FormattableString.Invariant(
            $"{Streams} steady streams for {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s, {arrivals} prompts of {LongPrompt} tokens beside them: {gaps.Count} gaps between tokens, median {At(0.5) * 1e3:F0} ms, p90 {At(0.9) * 1e3:F0}, p99 {At(0.99) * 1e3:F0} ({At(0.99) / At(0.5):F2} x the median), longest {gaps[^1] * 1e3:F0}"));
    }

    // when each token came
    private static async Task<List<long>> StreamAsync(BatchingEngine engine, string prompt, int tokens, CancellationToken cancellation)
    {
        var times = new List<long>();
        try
        {
            await foreach (var update in engine.GenerateAsync(new() { Prompt = prompt, Options = new() { Temperature = 0, MaxNewTokens = tokens } }, cancellation))
                if (update.Result is null)
                    times.Add(Stopwatch.GetTimestamp());
                else if (update.Result.OutputIds.Count != tokens)
                    throw new InvalidOperationException($"An answer ended after {update.Result.OutputIds.Count} tokens.");
        }
        catch (OperationCanceledException)
        {
            // the time is over
        }
        return times;
    }

    // one token a letter, and no two prompts alike
    private static string Words(int letters, int seed)
    {
        var random = new Random(seed);
        return string.Concat(Enumerable.Range(0, letters - 1).Select(_ => (char)('a' + random.Next(26))));
    }

    /// <summary>A packed shape beside a vocabulary of letters, so that it can be loaded as a checkpoint.</summary>
    private sealed class TemporaryCheckpoint : IDisposable
    {
        public TemporaryCheckpoint(string weights, int vocabulary)
        {
            foreach (var file in Directory.GetFiles(weights))
                File.CreateSymbolicLink(System.IO.Path.Combine(Path, System.IO.Path.GetFileName(file)), file);
            foreach (var folder in Directory.GetDirectories(weights))
            {
                var tower = Directory.CreateDirectory(System.IO.Path.Combine(Path, System.IO.Path.GetFileName(folder))).FullName;
                foreach (var file in Directory.GetFiles(folder))
                    File.CreateSymbolicLink(System.IO.Path.Combine(tower, System.IO.Path.GetFileName(file)), file);
                File.WriteAllText(System.IO.Path.Combine(tower, "config.json"), "{\"model_type\":\"clip_vision_model\",\"hidden_size\":1024,\"intermediate_size\":4096,\"num_hidden_layers\":24,\"num_attention_heads\":16,\"image_size\":336,\"patch_size\":14,\"projection_dim\":768,\"hidden_act\":\"quick_gelu\",\"layer_norm_eps\":1e-05}");
                File.WriteAllText(System.IO.Path.Combine(tower, "preprocessor_config.json"), "{\"crop_size\":336,\"do_center_crop\":true,\"do_normalize\":true,\"do_resize\":true,\"feature_extractor_type\":\"CLIPFeatureExtractor\",\"image_mean\":[0.48145466,0.4578275,0.40821073],\"image_std\":[0.26862954,0.26130258,0.27577711],\"resample\":3,\"size\":336}");
            }
            string[] special = ["<unk>", "<s>", "</s>"];
            var tokens = special.Concat(Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>")).Concat(Enumerable.Range('a', 26).Select(letter => ((char)letter).ToString())).ToList();
            while (tokens.Count < vocabulary)
                tokens.Add($"word{tokens.Count}");
            var json = new JsonObject
            {
                ["version"] = "1.0",
                ["added_tokens"] = new JsonArray([.. special.Select((token, id) => new JsonObject { ["id"] = id, ["content"] = token, ["special"] = true, ["normalized"] = false, ["lstrip"] = false, ["rstrip"] = false, ["single_word"] = false })]),
                ["normalizer"] = null,
                ["pre_tokenizer"] = null,
                ["post_processor"] = new JsonObject
                {
                    ["type"] = "TemplateProcessing",
                    ["single"] = new JsonArray(new JsonObject { ["SpecialToken"] = new JsonObject { ["id"] = "<s>", ["type_id"] = 0 } }, new JsonObject { ["Sequence"] = new JsonObject { ["id"] = "A", ["type_id"] = 0 } }),
                    ["pair"] = new JsonArray(),
                    ["special_tokens"] = new JsonObject { ["<s>"] = new JsonObject { ["id"] = "<s>", ["ids"] = new JsonArray(1), ["tokens"] = new JsonArray("<s>") } },
                },
                ["decoder"] = new JsonObject { ["type"] = "Sequence", ["decoders"] = new JsonArray(new JsonObject { ["type"] = "ByteFallback" }, new JsonObject { ["type"] = "Fuse" }) },
                ["model"] = new JsonObject
                {
                    ["type"] = "BPE",
                    ["unk_token"] = "<unk>",
                    ["fuse_unk"] = true,
                    ["byte_fallback"] = true,
                    ["vocab"] = new JsonObject(tokens.Select((token, id) => KeyValuePair.Create(token, (JsonNode?)id))),
                    ["merges"] = new JsonArray(),
                },
            };
            File.WriteAllText(System.IO.Path.Combine(Path, "tokenizer.json"), json.ToJsonString());
            File.WriteAllText(System.IO.Path.Combine(Path, "tokenizer_config.json"), "{\"tokenizer_class\":\"LlamaTokenizer\",\"bos_token\":\"<s>\",\"eos_token\":\"</s>\",\"unk_token\":\"<unk>\"}");
            File.WriteAllText(System.IO.Path.Combine(Path, "generation_config.json"), $"{{\"eos_token_id\":{vocabulary - 1}}}");   // a token that is hardly ever the likeliest
        }

        public string Path { get; } = Directory.CreateTempSubdirectory("llava-engine-").FullName;

        public void Dispose()
        {
            Directory.Delete(Path, recursive: true);
        }
    }
}
