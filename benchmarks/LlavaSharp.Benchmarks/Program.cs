using BenchmarkDotNet.Running;
using LlavaSharp.Benchmarks;

// memory [GB]: peak anonymous memory of loading a written checkpoint; decode-step [PAIRS]: its overhead, by turns;
// kernels [ROUNDS]: products with packed weights; peer [SHAPE LAYERS THREADS ROUNDS]: llama.cpp alone; anything else goes to BenchmarkDotNet
switch (args)
{
    case ["memory", .. var rest]:
        return LoadMemory.Measure(rest is [var size, ..] ? double.Parse(size, System.Globalization.CultureInfo.InvariantCulture) : 2);
    case ["decode-step", .. var rest]:
        return DecodeStepOverhead.MeasurePairs(rest is [var pairs, ..] ? int.Parse(pairs, System.Globalization.CultureInfo.InvariantCulture) : 40);
    case ["kernels", .. var rest]:
        return KernelSpeed.Measure(rest is [var rounds, ..] ? int.Parse(rounds, System.Globalization.CultureInfo.InvariantCulture) : 5);
    case ["peer", .. var rest]:
        string[] given = [.. rest, .. new[] { "7b", "8", "2", "3" }[rest.Length..]];
        return await PeerNumbers.MeasureAsync(given[0], int.Parse(given[1], System.Globalization.CultureInfo.InvariantCulture), int.Parse(given[2], System.Globalization.CultureInfo.InvariantCulture), int.Parse(given[3], System.Globalization.CultureInfo.InvariantCulture));
    case ["load-one", var folder, var type]:
        return LoadMemory.LoadOne(folder, type);
    default:
        BenchmarkSwitcher.FromAssembly(typeof(DecodeStepOverhead).Assembly).Run(args);
        return 0;
}
