using System.Diagnostics;
using System.Globalization;
using LlavaSharp.Checkpoints;
using LlavaSharp.Models;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Benchmarks;

/// <summary>Writes a float16 checkpoint of a given size and prints the peak anonymous memory (RssAnon; mapped file pages do not count) of loading it in each type.</summary>
internal static class LoadMemory
{
    public static int Measure(double gigabytes)
    {
        var folder = Directory.CreateTempSubdirectory("llava-load-memory-").FullName;
        try
        {
            var bytes = Write(folder, gigabytes);
            var missed = false;
            Console.WriteLine($"checkpoint: {bytes / 1e6:0} MB of float16 weights");
            foreach (var (type, factor) in new[] { ("float16", 0.2), ("float32", 2.2) })
            {
                var allowed = factor * bytes + 500e6;
                var peak = InChild(folder, type);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{type}: peak RssAnon {peak / 1e6:0} MB, allowed {allowed / 1e6:0} MB"));
                missed |= peak > allowed;
            }
            return missed ? 1 : 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Loads in this process and prints the peak.</summary>
    public static int LoadOne(string folder, string type)
    {
        var peak = 0L;
        using var stop = new CancellationTokenSource();
        var watcher = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                peak = Math.Max(peak, AnonymousBytes());
                Thread.Sleep(2);
            }
        });
        watcher.Start();
        TorchRuntime.Initialize();
        using (var checkpoint = CheckpointFolder.Open(folder))
        {
            _ = new LlavaNetwork(checkpoint.Config, null, new CheckpointWeights(checkpoint.Tensors, ComputeDevice.ParseType(type)!.Value, CPU, checkFinite: true), default);
            stop.Cancel();
            watcher.Join();
            Console.WriteLine(Math.Max(peak, AnonymousBytes()));
        }
        return 0;
    }

    private static long InChild(string folder, string type)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        foreach (var argument in (string[])["load-one", folder, type])
            start.ArgumentList.Add(argument);
        using var child = Process.Start(start)!;
        var output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return long.Parse(output.Trim(), CultureInfo.InvariantCulture);
    }

    private static long Write(string folder, double gigabytes)
    {
        const int Hidden = 4096, Intermediate = 11008, Vocabulary = 32000;
        const long PerLayer = 2L * (4L * Hidden * Hidden + 3L * Hidden * Intermediate);
        var layers = (int)Math.Max(1, (gigabytes * 1e9 - 4L * Hidden * Vocabulary) / PerLayer);
        File.WriteAllText(Path.Combine(folder, "config.json"),
            $$"""{"model_type": "llama", "hidden_size": {{Hidden}}, "intermediate_size": {{Intermediate}}, "num_hidden_layers": {{layers}}, "num_attention_heads": 32, "vocab_size": {{Vocabulary}}}""");
        var shapes = new ShapeRecorder();
        _ = new LlavaNetwork(LlavaConfig.Load(Path.Combine(folder, "config.json")), null, shapes, default);
        var block = new byte[1 << 20];
        for (var i = 0; i < block.Length; i += 2)
            BitConverter.TryWriteBytes(block.AsSpan(i), (Half)(0.01 * Math.Sin(i)));
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), shapes.Shapes.Select(pair => new TensorToWrite(pair.Key, StoredDataType.Float16, pair.Value, stream =>
        {
            for (var left = 2 * pair.Value.Aggregate(1L, (product, size) => product * size); left > 0; left -= block.Length)
                stream.Write(block, 0, (int)Math.Min(block.Length, left));
        })));
        return new FileInfo(Path.Combine(folder, "model.safetensors")).Length;
    }

    private static long AnonymousBytes()
    {
        foreach (var line in File.ReadLines("/proc/self/status"))
            if (line.StartsWith("RssAnon:", StringComparison.Ordinal))
                return long.Parse(line.AsSpan(8).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture) * 1024;
        return 0;
    }
}
