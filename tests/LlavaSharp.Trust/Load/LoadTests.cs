using System.Diagnostics;
using System.Text.Json.Nodes;
using LlavaSharp.Generation.Batching;
using LlavaSharp.Imaging;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.Operations;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Trust.Load;

/// <summary>Many clients for minutes, some of which leave without a word.</summary>
[Collection(LoadCollection.Name)]
public class LoadTests
{
    private const int Clients = 64;
    private const int Samples = 24;             // of memory; a quarter of them are compared with the quarter before
    private const double MostTies = 0.01;       // of all answers
    private const double MostGrowth = 0.05;     // of memory, within the second half
    private const double LeavingShare = 0.2;

    private static readonly string[] _questions = ["What is there?", "How many shapes are there?", "Describe the picture.", "What color is the biggest shape?", "Is there a circle?", "What is to the left?"];

    [Fact]
    public async Task Clients_ManyForLong_GetTheAnswersOfOneAloneAndMemoryStaysFlat()
    {
        var seconds = TrustMode.Choose(fast: 15, full: 600, "LLAVA_TRUST_SECONDS");
        using var model = await LlavaModel.LoadAsync(Environment.GetEnvironmentVariable("LLAVA_TRUST_MODEL"), new() { Offline = true, Device = "cpu", DataType = "float32" }, TrustMode.Cancellation);
        using var metrics = new EngineMetrics("tiny");
        await using var engine = new BatchingEngine(model, new() { Observer = metrics });
        await using var server = await LlavaServer.StartAsync(new() { Host = "127.0.0.1", Port = 0 }, engine, "tiny", logging => logging.SetMinimumLevel(LogLevel.None), TrustMode.Cancellation);
        using var http = new HttpClient { BaseAddress = server.Address };
        var client = new LoadClient(http);
        // a plain language model is asked texts only, and not with the original's prompts, which are not its own
        var ways = model.SeesImages ? LoadClient.AllWays : LoadClient.WaysOfMessages;
        LoadQuestion[] questions = [.. _questions.SelectMany((text, i) => new[] { new LoadQuestion($"{text} ({i})", null) }.Concat(Enumerable.Range(0, 4).Select(shape => model.SeesImages ? new LoadQuestion(text, Picture(4 * i + shape)) : new LoadQuestion($"{text} ({i}, {shape})", null))))];
        foreach (var question in questions)
            await client.LearnAsync(question);

        using var turns = new SemaphoreSlim(Clients);
        var (wrong, left, asked) = (new List<string>(), 0, 0);
        var watch = Stopwatch.StartNew();
        var end = TimeSpan.FromSeconds(seconds);
        var clients = Enumerable.Range(0, Clients).Select(i => Task.Run(() => PlayAsync(new Random(i)), TrustMode.Cancellation)).ToArray();
        var memory = new List<(double WorkingSet, double Heap, double Committed)>();
        for (var i = 1; i <= Samples && TrustMode.IsFull; i++)
        {
            await Task.Delay(TimeSpan.FromTicks(Math.Max(0, (end * i / Samples - watch.Elapsed).Ticks)), TrustMode.Cancellation);
            memory.Add(await MeasureAsync(turns));
        }
        await Task.WhenAll(clients);

        Assert.True(wrong.Count == 0, $"{wrong.Count} of {asked}: {string.Join('\n', wrong.Take(10))}");
        var compared = client.Same + client.Ties;
        Assert.InRange(client.Ties, 0, MostTies * compared);
        Assert.InRange(left, 1, asked);
        Assert.True(compared > asked / 2);
        await TrustMode.UntilAsync(async () => (await StatusAsync(http)) == 0, () => "requests of clients that left still hold their slots");
        Assert.Null(await client.AskAsync(questions[1], 0, TrustMode.Cancellation));
        TrustMode.Report($"{Clients} clients for {watch.Elapsed.TotalSeconds:0} s: {asked} requests, {left} left in the middle, {compared} compared, {client.Ties} parted at a tie");
        if (TrustMode.IsFull)
        {
            // both are told before either is judged
            double[] growth = [Growth("working set", [.. memory.Select(sample => sample.WorkingSet)]), Growth("managed heap", [.. memory.Select(sample => sample.Heap)])];
            Growth("committed by the collector", [.. memory.Select(sample => sample.Committed)]);
            Assert.All(growth, share => Assert.InRange(share, -MostGrowth, MostGrowth));
        }

        async Task PlayAsync(Random random)
        {
            while (watch.Elapsed < end)
            {
                await turns.WaitAsync(TrustMode.Cancellation);
                try
                {
                    Interlocked.Increment(ref asked);
                    using var leaving = new CancellationTokenSource();
                    if (random.NextDouble() < LeavingShare)
                        leaving.CancelAfter(random.Next(400));
                    try
                    {
                        if (await client.AskAsync(questions[random.Next(questions.Length)], ways[random.Next(ways.Length)], leaving.Token) is { } difference)
                            Note(difference);
                    }
                    catch (OperationCanceledException) when (leaving.IsCancellationRequested)
                    {
                        Interlocked.Increment(ref left);
                    }
                    catch (Exception exception) when (!TrustMode.Cancellation.IsCancellationRequested)
                    {
                        Note($"{exception.GetType().Name}: {exception.Message}");
                    }
                }
                finally
                {
                    turns.Release();
                }
            }
        }

        void Note(string line)
        {
            lock (wrong)
                wrong.Add(line);
        }
    }

    // all clients pause, so that what is counted is what is kept
    private static async Task<(double WorkingSet, double Heap, double Committed)> MeasureAsync(SemaphoreSlim turns)
    {
        for (var i = 0; i < Clients; i++)
            await turns.WaitAsync(TrustMode.Cancellation);
        try
        {
            // what the collector keeps in reserve is given back, too: how much that is changes with the machine's load
            GC.Collect();
            GC.WaitForPendingFinalizers();
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            return (Environment.WorkingSet / 1e6, GC.GetTotalMemory(forceFullCollection: false) / 1e6, GC.GetGCMemoryInfo().TotalCommittedBytes / 1e6);
        }
        finally
        {
            turns.Release(Clients);
        }
    }

    // from the third quarter of the time to the last
    private static double Growth(string name, double[] samples)
    {
        var half = samples[(samples.Length / 2)..];
        var (third, fourth) = (half[..(half.Length / 2)].Average(), half[(half.Length / 2)..].Average());
        TrustMode.Report($"{name}: {string.Join(' ', samples.Select(sample => $"{sample:0.0}"))} MB; second half from {half.Min():0.0} to {half.Max():0.0}, its first part {third:0.0}, its last {fourth:0.0} ({fourth / third - 1:+0.0%;-0.0%})");
        return (fourth / third) - 1;
    }

    private static async Task<int> StatusAsync(HttpClient http)
    {
        using var reply = await http.PostAsync("/worker_get_status", null, TrustMode.Cancellation);
        return JsonNode.Parse(await reply.Content.ReadAsStringAsync(TrustMode.Cancellation))!["queue_length"]!.GetValue<int>();
    }

    // a few rectangles
    private static string Picture(int seed)
    {
        const int side = 64;
        var random = new Random(seed);
        var rgb = Enumerable.Repeat((byte)255, 3 * side * side).ToArray();
        for (var shape = 0; shape <= seed % 3; shape++)
        {
            var (x, y, size, color) = (random.Next(44), random.Next(44), 8 + random.Next(12), new[] { random.Next(256), random.Next(256), random.Next(256) });
            for (var row = y; row < y + size; row++)
                for (var column = x; column < x + size; column++)
                    for (var channel = 0; channel < 3; channel++)
                        rgb[(3 * ((side * row) + column)) + channel] = (byte)color[channel];
        }
        return Convert.ToBase64String(Image.FromRgb(side, side, rgb).EncodePng());
    }
}
