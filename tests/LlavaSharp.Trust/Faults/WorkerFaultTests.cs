using LlavaSharp.Trust.Processes;

namespace LlavaSharp.Trust.Faults;

/// <summary>Workers that die or stand still.</summary>
[Collection("faults")]
public class WorkerFaultTests
{
    private const string ServerError = "**NETWORK ERROR DUE TO HIGH TRAFFIC. PLEASE REGENERATE OR REFRESH THIS PAGE.**";

    [Fact]
    public async Task Worker_KilledInTheMiddle_IsACleanErrorAndAnotherOneIsUsed()
    {
        await using var controller = await Servers.ControllerAsync();
        using var client = new ProtocolClient(controller.Address);
        var rounds = TrustMode.Choose(fast: 2, full: 20);
        var cut = 0;
        for (var round = 0; round < rounds; round++)
        {
            await using var worker = await Servers.WorkerAsync(controller.Address);
            Assert.Equal("tiny", await client.ModelsAsync());

            var frames = await client.AskAsync(ProtocolClient.LongRequest(), worker.KillAsync);

            Assert.All(frames.SkipLast(1), frame => Assert.Equal(0, frame.Code));
            // one that had said everything before it died is no fault
            if (frames[^1].Code != 0)
            {
                cut++;
                Assert.Equal((ServerError, 3), frames[^1]);
            }
            await TrustMode.UntilAsync(async () => await client.ModelsAsync() == "", () => "the dead worker is still known");
            Assert.Equal((ServerError, 2), Assert.Single(await client.AskAsync(ProtocolClient.ShortRequest())));
        }
        Assert.True(cut > rounds / 2, $"only {cut} of {rounds} were in the middle");
        await using var next = await Servers.WorkerAsync(controller.Address);
        Assert.All(await client.AskAsync(ProtocolClient.ShortRequest()), frame => Assert.Equal(0, frame.Code));
        TrustMode.Report($"{rounds} workers killed, {cut} in the middle of an answer");
    }

    [Fact]
    public async Task Worker_RestartedAtOnceAtTheSamePort_IsUsedAgain()
    {
        await using var controller = await Servers.ControllerAsync();
        using var client = new ProtocolClient(controller.Address);
        int port;
        await using (var worker = await Servers.WorkerAsync(controller.Address))
        {
            port = worker.Address.Port;
            await worker.KillAsync();
        }
        await using var again = await Servers.WorkerAsync(controller.Address, port: port);
        Assert.All(await client.AskAsync(ProtocolClient.ShortRequest()), frame => Assert.Equal(0, frame.Code));
    }

    [Fact]
    public async Task Worker_Frozen_IsAnErrorAfterTheTimeWhileOthersGoOnAndIsUsedWhenItThaws()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent with kill.");
        await using var controller = await Servers.ControllerAsync(workerTimeout: Servers.ShortTimeout);
        await using var frozen = await Servers.WorkerAsync(controller.Address, "frozen");
        await using var other = await Servers.WorkerAsync(controller.Address, "other");
        using var client = new ProtocolClient(controller.Address);
        var rounds = TrustMode.Choose(fast: 1, full: 10);
        var cut = 0;
        for (var round = 0; round < rounds; round++)
        {
            var asked = client.AskAsync(ProtocolClient.LongRequest("frozen"), frozen.FreezeAsync);
            while (!asked.IsCompleted)
                Assert.All(await client.AskAsync(ProtocolClient.ShortRequest("other")), frame => Assert.Equal(0, frame.Code));
            if ((await asked)[^1].Code != 0)
            {
                cut++;
                Assert.Equal((ServerError, 3), (await asked)[^1]);
            }
            await TrustMode.UntilAsync(async () => await client.ModelsAsync() == "other", () => "the frozen worker is still known");
            Assert.Equal((ServerError, 2), Assert.Single(await client.AskAsync(ProtocolClient.ShortRequest("frozen"))));

            await frozen.ThawAsync();
            await TrustMode.UntilAsync(async () => await client.ModelsAsync() == "frozen,other", () => "the worker that thawed is not known");
            Assert.All(await client.AskAsync(ProtocolClient.ShortRequest("frozen")), frame => Assert.Equal(0, frame.Code));
        }
        Assert.True(cut > rounds / 2, $"only {cut} of {rounds} were in the middle");
        TrustMode.Report($"{rounds} times frozen, {cut} in the middle of an answer");
    }
}
