using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Controller;

/// <summary>Looks, as often as a worker may be silent (every half minute), for workers that have fallen silent.</summary>
internal sealed class ExpirySweep(WorkerRegistry registry, TimeProvider clock, ILogger<ExpirySweep> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(registry.Expiration, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var address in registry.RemoveExpired())
                logger.LogInformation("Remove stale worker: {Worker}", address);
        }
    }
}
