using LlavaSharp.Checkpoints;
using LlavaSharp.Models;
using LlavaSharp.Native;
using static TorchSharp.torch;

namespace LlavaSharp.Tests.Models;

/// <summary>Numbers handed to tensor operations outlive the call, however often the garbage collector runs.</summary>
public sealed class ScalarLifetimeTests
{
    [Fact]
    public void RmsNorm_WhileGarbageIsCollectedAllTheTime_NeverSeesAFreedNumber() => WhileCollecting(() =>
    {
        var norm = new RmsNorm(ones(4), 1e-5);
        var x = ones(1, 4);
        return (20_000, () => norm.Forward(x));
    });

    [Fact]
    public void Llama_WhileGarbageIsCollectedAllTheTime_NeverSeesAFreedNumber() => WhileCollecting(() =>
    {
        var config = LlavaConfig.Parse("""{"model_type": "mistral", "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 8, "sliding_window": 2}"""u8);
        var model = new Llama(config, new WeightScope(new RandomWeights(1)));
        return (1_500, () => model.Forward(model.Embed(tensor(new long[] { 1, 2, 3 }, [1, 3])), tensor(new long[] { 0, 1, 2 }, [1, 3])));
    });

    private static void WhileCollecting(Func<(int Times, Action Work)> prepare)
    {
        TorchRuntime.Initialize();
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        });
        collector.Start();
        try
        {
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            var (times, work) = prepare();
            for (var i = 0; i < times; i++)
            {
                using var step = NewDisposeScope();
                work();
            }
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }
    }
}
