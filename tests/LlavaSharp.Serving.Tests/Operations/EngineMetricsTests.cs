using LlavaSharp.Generation;
using LlavaSharp.Generation.Batching;
using LlavaSharp.Serving.Hosting;
using LlavaSharp.Serving.Operations;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Tests.Operations;

public class EngineMetricsTests
{
    [Fact]
    public async Task Metrics_AfterAnAnswer_TellPrometheusWhatWasDone()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var model = await LlavaModel.LoadAsync(null, new() { Offline = true, Device = "cpu", DataType = "float32" }, cancellation);
        using var metrics = new EngineMetrics("measured");
        await using var engine = new BatchingEngine(model, new() { Observer = metrics });
        await using var server = await LlavaServer.StartAsync(new() { Host = "127.0.0.1", Port = 0 }, engine, null, logging => logging.SetMinimumLevel(LogLevel.None), cancellation);
        GenerationResult? result = null;
        await foreach (var update in engine.GenerateAsync(model.CreateRequest("What can you talk about?", [], new() { Temperature = 0, MaxNewTokens = 5 }), cancellation))
            result = update.Result ?? result;
        using var http = new HttpClient { BaseAddress = server.Address };
        // the last step is told after the answer was handed out
        var text = "";
        for (var i = 0; i < 200 && !text.Contains("llava_tokens_generated_total{", StringComparison.Ordinal); i++)
        {
            await Task.Delay(20, cancellation);
            text = await http.GetStringAsync("/metrics", cancellation);
        }
        string[] lines = [.. text.Split('\n').Where(line => line.Contains("measured", StringComparison.Ordinal))];
        Assert.Equal(1, Value("llava_time_to_first_token_seconds_count"));
        Assert.Equal(result!.OutputIds.Count - 1, Value("llava_inter_token_latency_seconds_count"));
        Assert.Equal(result.PromptTokens, Value("llava_tokens_prompt_total"));
        Assert.Equal(1, Value("llava_requests_finished_total"));
        Assert.True(Value("llava_kv_cache_blocks") > 0);

        double Value(string name) => double.Parse(Assert.Single(lines, line => line.StartsWith(name + "{", StringComparison.Ordinal)).Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
