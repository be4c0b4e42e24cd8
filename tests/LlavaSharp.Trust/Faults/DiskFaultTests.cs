using LlavaSharp.Trust.Processes;

namespace LlavaSharp.Trust.Faults;

/// <summary>Disks that are full.</summary>
[Collection("faults")]
public class DiskFaultTests
{
    // a disk of 16 kB where one may be mounted, else a log that is a device without room; seen by this process alone
    private const string TinyDisk = """
        mkdir logs && cd logs
        if [ "$(id -u)" = 0 ] && command -v unshare > /dev/null && unshare -m true 2> /dev/null; then
            exec unshare -m sh -c 'mount -t tmpfs -o size=16k tmpfs "$PWD" && cd "$PWD" && exec "$@"' sh "$@"
        fi
        ln -s /dev/full controller.log
        exec "$@"
        """;

    [Fact]
    public async Task LogFile_DiskIsFull_ServingGoesOnAndItIsSaidOnce()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Full disks are made with mount or /dev/full.");
        await using var controller = await LlavaProcess.StartAsync(["controller", "--host", "127.0.0.1", "--port", "0"], shell: TinyDisk);
        using var client = new ProtocolClient(controller.Address);
        var requests = TrustMode.Choose(fast: 1000, full: 20_000);
        await AskManyAsync(client, requests);
        var told = controller.Errors.Where(line => line.Contains("cannot be written", StringComparison.Ordinal)).ToArray();
        Assert.Contains("controller.log", Assert.Single(told));
        await TrustMode.UntilAsync(() => Task.FromResult(controller.Errors.Count(line => line.Contains("list_models", StringComparison.Ordinal)) == requests), () => "lines are missing on the console");
        // what cannot be written is given back: no handle is left
        Assert.InRange(Directory.GetFiles($"/proc/{controller.Id}/fd").Length, 0, 250);
        TrustMode.Report($"{requests} requests; {told[0]}");
    }

    [Fact]
    public async Task Console_DiskIsFull_ServingGoesOn()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "Only where there is a device that is always full.");
        await using var controller = await LlavaProcess.StartAsync(["controller", "--host", "127.0.0.1", "--port", "0"], shell: "exec \"$@\" 2> /dev/full");
        using var client = new ProtocolClient(controller.Address);
        await AskManyAsync(client, TrustMode.Choose(fast: 300, full: 5000));
    }

    private static async Task AskManyAsync(ProtocolClient client, int requests)
    {
        for (var i = 0; i < requests; i += 50)
            foreach (var models in await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => client.ModelsAsync())))
                Assert.Equal("", models);
    }
}
