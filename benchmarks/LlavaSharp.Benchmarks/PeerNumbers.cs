using LlavaSharp.Benchmarking;
using LlavaSharp.Benchmarking.Peer;
using LlavaSharp.Checkpoints.Gguf;

namespace LlavaSharp.Benchmarks;

/// <summary>llama.cpp alone, without a comparison: what it makes of a shape in Q4_0 and Q8_0.</summary>
internal static class PeerNumbers
{
    private const int Prompt = 620, Context = 700, Steps = 16, Sequences = 8, Capacity = 1024;

    public static async Task<int> MeasureAsync(string name, int layers, int threads, int rounds, GgufType matrices)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rounds, 1);
        var shape = BenchShape.Find(name, layers);
        var installation = await LlamaCppInstallation.EnsureAsync(Console.Error.WriteLine);
        int[] prompt = Ids(Prompt, shape), context = Ids(Context, shape), first = Ids(Sequences, shape);
        await using var peer = LlamaCppPeer.Start(installation);
        var load = await peer.LoadAsync(PeerModelFile.Ensure(shape, matrices, GgufType.Q8_0, Console.Error.WriteLine), threads, Capacity, Capacity);
        Console.WriteLine(FormattableString.Invariant($"{shape}, {matrices}, {threads} threads: llama.cpp {load.Release} ({load.Variant}), {load.Description}; loaded in {load.Seconds:F2} s"));
        foreach (var line in load.Buffers.Prepend(load.System))
            Console.WriteLine($"  {line}");
        List<double> prefill = [], one = [], sampling = [], many = [];
        for (var round = 0; round < rounds; round++)
        {
            prefill.Add(await peer.PrefillAsync(prompt));
            var single = await peer.DecodeAsync(context, first[..1], Steps);
            one.Add(single.Seconds);
            sampling.Add(single.Sampling);
            many.Add((await peer.DecodeAsync(context, first, Steps)).Seconds);
        }
        var memory = await peer.MemoryAsync();
        Print($"prefill of {Prompt} tokens", prefill, "s", Prompt);
        Print($"decode at batch 1, context {Context}", one, "s a token", 1);
        Print("greedy sampling, not in it", sampling, "s a token");
        Print($"decode at batch {Sequences}, context {Context}", many, "s a step", Sequences);
        Console.WriteLine(FormattableString.Invariant($"  memory: {memory.Resident / 1e9:F2} GB resident, {memory.Anonymous / 1e9:F2} GB of it no file's"));
        return 0;
    }

    private static int[] Ids(int count, BenchShape shape) => [.. Enumerable.Range(0, count).Select(i => 300 + i * 7 % (shape.Config.VocabSize - 300))];

    private static void Print(string what, List<double> seconds, string unit, int tokens = 0) =>
        Console.WriteLine(FormattableString.Invariant($"  {what}: median {Timing.Median(seconds):G4} {unit}, best {seconds.Min():G4}") + (tokens > 0 ? FormattableString.Invariant($" ({tokens / Timing.Median(seconds):F1} tokens/s)") : ""));
}
