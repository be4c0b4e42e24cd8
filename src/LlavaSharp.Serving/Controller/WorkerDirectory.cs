using LlavaSharp.Serving.Protocol;
using Microsoft.Extensions.Logging;

namespace LlavaSharp.Serving.Controller;

/// <summary>Keeps the registry true by asking the workers themselves.</summary>
internal sealed class WorkerDirectory(WorkerRegistry registry, WorkerClient client, ILogger logger)
{
    /// <summary>What a worker in the same process says of itself, by its address; null: it is elsewhere.</summary>
    public Func<string, WorkerStatus?> Local { get; init; } = _ => null;

    /// <summary>Registers a worker.</summary>
    /// <param name="address">Where it listens.</param>
    /// <param name="checkHeartBeat">Whether it will send heartbeats.</param>
    /// <param name="status">What it said of itself; null: it is asked, and not registered when it does not answer.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task RegisterAsync(string address, bool checkHeartBeat, WorkerStatus? status, CancellationToken cancellation)
    {
        logger.LogInformation("Register a new worker: {Worker}", address);
        if ((status ?? await AskAsync(address, cancellation).ConfigureAwait(false)) is not { } known)
            return;
        registry.Register(address, checkHeartBeat, known);
        logger.LogInformation("Register done: {Worker}, {Status}", address, known.ToJson().ToJsonString());
    }

    /// <summary>Asks all workers again, and forgets those that do not answer.</summary>
    public async Task RefreshAsync(CancellationToken cancellation)
    {
        var answers = await AskAllAsync(cancellation).ConfigureAwait(false);
        foreach (var (address, _, status) in answers)
            if (status is null)
                logger.LogInformation("Remove stale worker: {Worker}", address);
        registry.Replace(answers.Where(answer => answer.Status is not null).Select(answer => (answer.Address, answer.CheckHeartBeat, answer.Status!)));
    }

    /// <summary>What all workers that answer say together.</summary>
    public async Task<WorkerStatus> StatusAsync(CancellationToken cancellation)
    {
        WorkerStatus[] answers = [.. (await AskAllAsync(cancellation).ConfigureAwait(false)).Select(answer => answer.Status).OfType<WorkerStatus>()];
        return new([.. answers.SelectMany(status => status.ModelNames).Distinct(StringComparer.Ordinal)], answers.Sum(status => status.Speed), answers.Sum(status => status.QueueLength))
        {
            Templates = answers.SelectMany(status => status.Templates).DistinctBy(template => template.Key).ToDictionary(StringComparer.Ordinal),
        };
    }

    private async Task<(string Address, bool CheckHeartBeat, WorkerStatus? Status)[]> AskAllAsync(CancellationToken cancellation) =>
        await Task.WhenAll(registry.Workers.Select(async worker => (worker.Address, worker.CheckHeartBeat, await AskAsync(worker.Address, cancellation).ConfigureAwait(false)))).ConfigureAwait(false);

    private async Task<WorkerStatus?> AskAsync(string address, CancellationToken cancellation)
    {
        if (Local(address) is { } local)
            return local;
        try
        {
            return await client.StatusAsync(address, cancellation).ConfigureAwait(false);
        }
        catch (WorkerException exception)
        {
            logger.LogError("Get status fails: {Worker}, {Reason}", address, exception.Message);
            return null;
        }
    }
}
