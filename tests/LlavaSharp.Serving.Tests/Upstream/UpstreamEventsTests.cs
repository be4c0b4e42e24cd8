using System.Text;
using LlavaSharp.Serving.Upstream;

namespace LlavaSharp.Serving.Tests.Upstream;

public class UpstreamEventsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("data: {\"choices\":[{\"text\":\"a\"}]}\n\ndata: {\"choices\":[{\"text\":\"b\"}]}\r\n\r\ndata:[DONE]\n\n", "ab")]
    [InlineData("\ufeff: hi\nevent: x\nid: 1\ndata: {\"choices\":\ndata: [{\"text\":\"a\"}]}\n\ndata: [DONE]\n\n", "a")]
    [InlineData("data\n\ndata: {\"choices\":[{\"text\":\"ä😀\\n\",\"finish_reason\":\"stop\"}]}\r\r", "ä😀\n")]
    public async Task Read_WhateverTheNetworkCuts_GivesThePieces(string text, string said)
    {
        for (var size = 1; size < 12; size++)
            Assert.Equal(said, await ReadAsync(Encoding.UTF8.GetBytes(text), size, isChat: false));
    }

    [Fact]
    public async Task Read_LineWithoutAnEnd_IsRefusedBeforeItFillsTheMemory()
    {
        await using var endless = new EndlessStream();
        var error = await Assert.ThrowsAsync<UpstreamException>(async () =>
        {
            await foreach (var _ in UpstreamEvents.ReadAsync(endless, false, () => { }, Cancellation))
                continue;
        });
        Assert.Equal(UpstreamProblem.Garbled, error.Problem);
        Assert.InRange(endless.Given, UpstreamEvents.MostEventBytes, UpstreamEvents.MostEventBytes + (4 << 20));
    }

    [Fact]
    public async Task Read_AnyBytes_GivesPiecesOrAnUpstreamException()
    {
        var random = new Random(17);
        string[] parts = ["data: ", "data:", "\n", "\n\n", "\r\n\r\n", "event: error\n", ": x\n", "{\"choices\":[{\"text\":\"a\"}]}", "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}", "{\"choices\":[{\"text\":\"a\",\"text\":\"b\"}]}", "{\"choices\":[{\"text\":\"\\ud800\"}]}", "{\"error\":", "null", "{", "}", "[", "]", "\"", "[DONE]", "1e999", "\0", "\ufeff", "{\"error\":{\"message\":{\"a\":1,\"a\":2}}}"];
        var (good, bad) = (0, 0);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = i % 3 == 0
                ? [.. Enumerable.Range(0, random.Next(80)).Select(_ => (byte)random.Next(256))]
                : Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => parts[random.Next(parts.Length)])) + (i % 2 == 0 ? "\n\ndata: [DONE]\n\n" : ""));
            try
            {
                await ReadAsync(bytes, 1 + random.Next(40), isChat: i % 4 < 2);
                good++;
            }
            catch (UpstreamException)
            {
                bad++;
            }
        }
        Assert.True(good > 500 && bad > 500, $"{good} {bad}");
    }

    private static async Task<string> ReadAsync(byte[] bytes, int piece, bool isChat)
    {
        var text = new StringBuilder();
        await using var stream = new SlowStream(bytes, piece);
        await foreach (var said in UpstreamEvents.ReadAsync(stream, isChat, () => { }, Cancellation))
            text.Append(said);
        return text.ToString();
    }

    // gives a few bytes at a time
    private sealed class SlowStream(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer[..Math.Min(piece, buffer.Length)], cancellationToken);
    }

    private sealed class EndlessStream : MemoryStream
    {
        public long Given { get; private set; }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            buffer.Span.Fill((byte)'a');
            Given += buffer.Length;
            return new(buffer.Length);
        }
    }
}
