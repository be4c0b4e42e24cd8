using LlavaSharp.Trust.Processes;

namespace LlavaSharp.Trust.Faults;

[Collection("faults")]
public class ControllerFaultTests
{
    [Fact]
    public async Task Controller_KilledAndReplaced_WorkersRegisterWithTheNewOne()
    {
        var controller = await Servers.ControllerAsync();
        var port = controller.Address.Port;
        await using var first = await Servers.WorkerAsync(controller.Address, "first");
        await using var second = await Servers.WorkerAsync(controller.Address, "second");
        var rounds = TrustMode.Choose(fast: 1, full: 20);
        try
        {
            for (var round = 0; round < rounds; round++)
            {
                using (var client = new ProtocolClient(controller.Address))
                    Assert.Equal("first,second", await client.ModelsAsync());
                await controller.KillAsync();
                // workers answer without it
                using (var direct = new ProtocolClient(first.Address))
                    Assert.All(await direct.AskAsync(ProtocolClient.ShortRequest()), frame => Assert.Equal(0, frame.Code));
                await controller.DisposeAsync();
                controller = await Servers.ControllerAsync(port);
                using (var client = new ProtocolClient(controller.Address))
                {
                    var seen = "";
                    await TrustMode.UntilAsync(async () => (seen = await client.ModelsAsync()) == "first,second", () => $"'{seen}'");
                    foreach (var model in new[] { "first", "second" })
                        Assert.All(await client.AskAsync(ProtocolClient.ShortRequest(model)), frame => Assert.Equal(0, frame.Code));
                }
            }
        }
        finally
        {
            await controller.DisposeAsync();
        }
        // a controller that is gone is told of once, not with every heartbeat (once more where a slow machine lets a heartbeat run late)
        Assert.InRange(first.Errors.Count(line => line.Contains("heart beat error", StringComparison.Ordinal)), 0, 2 * rounds);
        TrustMode.Report($"{rounds} controllers killed");
    }
}
