using System.Globalization;
using BenchmarkDotNet.Running;
using LlavaSharp.Benchmarks;

// memory [GB]: peak anonymous memory of loading a written checkpoint; decode-step [PAIRS]: its overhead, by turns;
// kernels [ROUNDS]: products with packed weights; peer [SHAPE LAYERS THREADS ROUNDS TYPE]: llama.cpp alone;
// engine [SHAPE LAYERS THREADS ROUNDS SECONDS peer|alone]: the batching engine, beside llama.cpp;
// constraints PATH: holding answers to JSON with the vocabulary of a GGUF file or folder;
// limits: what the machine can do at best; anything else goes to BenchmarkDotNet
switch (args)
{
    case ["memory", .. var rest]:
        return LoadMemory.Measure(rest is [var size, ..] ? double.Parse(size, CultureInfo.InvariantCulture) : 2);
    case ["decode-step", .. var rest]:
        return DecodeStepOverhead.MeasurePairs(rest is [var pairs, ..] ? Number(pairs) : 40);
    case ["kernels", .. var rest]:
        return KernelSpeed.Measure(rest is [var rounds, ..] ? Number(rounds) : 5);
    case ["constraints", var path]:
        return ConstraintOverhead.Measure(path);
    case ["limits"]:
        Console.WriteLine(LlavaSharp.Benchmarking.Machine.MachineLimits.Measure(Environment.ProcessorCount));
        return 0;
    case ["peer", .. var rest]:
        string[] given = [.. rest, .. new[] { "7b", "8", "2", "3", "q4_0" }[rest.Length..]];
        return await PeerNumbers.MeasureAsync(given[0], Number(given[1]), Number(given[2]), Number(given[3]), Enum.Parse<LlavaSharp.Checkpoints.Gguf.GgufType>(given[4], ignoreCase: true));
    case ["engine", .. var rest]:
        string[] engine = [.. rest, .. new[] { "7b", "8", "2", "3", "60", "peer" }[rest.Length..]];
        return await EngineSpeed.MeasureAsync(engine[0], Number(engine[1]), Number(engine[2]), Number(engine[3]), Number(engine[4]), engine[5] == "peer");
    case ["load-one", var folder, var type]:
        return LoadMemory.LoadOne(folder, type);
    default:
        BenchmarkSwitcher.FromAssembly(typeof(DecodeStepOverhead).Assembly).Run(args);
        return 0;
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
