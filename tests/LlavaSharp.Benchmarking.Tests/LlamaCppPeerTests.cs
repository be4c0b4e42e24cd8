using System.Runtime.InteropServices;
using LlavaSharp.Benchmarking.Peer;

namespace LlavaSharp.Benchmarking.Tests;

/// <summary>How the other process is spoken with; a shell script stands in for it.</summary>
public sealed class LlamaCppPeerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_AnsweredInOrder_AreRead()
    {
        await using var peer = Shell("""
            read line; echo '{"id":1,"seconds":1.5,"description":"llama 7B","release":"v1","system":"AVX2 = 1","variant":null,"buffers":["a","b"]}'
            read line; echo '{"id":2,"seconds":0.25}'
            read line; echo "{\"id\":3,\"seconds\":0.5,\"sampling\":0.125,\"ids\":[[1,2],[3,4]],\"asked\":0}"
            read line; echo '{"id":4,"resident":5,"anonymous":null}'
            read line; echo '{"id":5}'
            read line
            """);
        var load = await peer.LoadAsync("model.gguf", 2, 512, 512, cancellationToken: Token);
        Assert.Equal((1.5, "llama 7B", null, 2), (load.Seconds, load.Description, load.Variant, load.Buffers.Count));
        Assert.Equal(0.25, await peer.PrefillAsync([1, 2], Token));
        var decode = await peer.DecodeAsync([1], [2, 3], 2, Token);
        Assert.Equal((0.5, 0.125), (decode.Seconds, decode.Sampling));
        Assert.Equal([[1, 2], [3, 4]], decode.Ids);
        Assert.Equal(new PeerMemory(5, null), await peer.MemoryAsync(Token));
        await peer.FreeAsync(Token);
    }

    [Fact]
    public async Task Request_IsOneLineOfJson()
    {
        await using var peer = Shell("""read line; echo "{\"id\":1,\"error\":\"$(echo "$line" | tr '"' "'")\"}" """);
        var error = await Assert.ThrowsAsync<PeerException>(() => peer.DecodeAsync([7, 8], [9], 3, Token));
        Assert.Equal("llama.cpp: {'do':'decode','ids':[7,8],'first':[9],'steps':3,'id':1}", error.Message);
    }

    [Theory]
    [InlineData("""read line; echo '{"id":1,"error":"no model is loaded"}'; read line""", "no model is loaded")]
    [InlineData("""read line; echo '{"id":7,"seconds":1}'; read line""", "request 1")]
    [InlineData("""read line; echo '{"id":1}'; read line""", "seconds")]
    [InlineData("""read line; echo '{"id":1,"seconds":"soon"}'; read line""", "cannot be read")]
    [InlineData("""read line; echo 'not JSON'; read line""", "cannot be read")]
    [InlineData("""read line; echo '[]'; read line""", "cannot be read")]
    [InlineData("""read line; echo 'it broke' >&2; exit 3""", "exit code 3: it broke")]
    public async Task Request_AnsweredWrongly_IsATypedError(string script, string why)
    {
        await using var peer = Shell(script);
        var error = await Assert.ThrowsAsync<PeerException>(() => peer.PrefillAsync([1], Token));
        Assert.Contains(why, error.Message);
    }

    [Fact]
    public async Task Request_NeverAnswered_EndsWithTheCancellation()
    {
        await using var peer = Shell("read line; sleep 600");
        using var source = new CancellationTokenSource(100);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => peer.PrefillAsync([1], source.Token));
        await Assert.ThrowsAsync<PeerException>(() => peer.PrefillAsync([1], Token));   // the process was ended
    }

    [Fact]
    public async Task Dispose_OfAProcessThatDoesNotGo_KillsIt()
    {
        var peer = Shell("trap '' TERM; echo $$ >&2; while true; do sleep 600; done");
        await peer.DisposeAsync();
        await peer.DisposeAsync();   // twice is once
    }

    [Fact]
    public void Start_ProgramThatIsMissing_SaysSo() =>
        Assert.Contains("no-such-program", Assert.Throws<PeerException>(() => LlamaCppPeer.Start("no-such-program", [])).Message);

    [Theory]
    [InlineData("linux", Architecture.X64, "@node-llama-cpp/linux-x64")]
    [InlineData("win", Architecture.Arm64, "@node-llama-cpp/win-arm64")]
    [InlineData("mac", Architecture.X64, "@node-llama-cpp/mac-x64")]
    public void Library_OfAKnownMachine_IsNamed(string system, Architecture processor, string name) =>
        Assert.Equal(name, LlamaCppInstallation.Library("here", system, processor));

    [Fact]
    public void Library_ThatWouldComputeOnTheGraphicsCard_IsRefused() =>
        Assert.Contains("osx-arm64", Assert.Throws<PeerException>(() => LlamaCppInstallation.Library("osx-arm64", "mac", Architecture.Arm64)).Message);

    private static LlamaCppPeer Shell(string script)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The stand-in is a shell script.");
        return LlamaCppPeer.Start("/bin/sh", ["-c", script]);
    }
}
