using System.Net;
using System.Text;
using LlavaSharp.Serving.Security;

namespace LlavaSharp.Serving.Tests.Security;

public class GuardedImageFetcherTests
{
    private static readonly byte[] _picture = [1, 2, 3, 4];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // what an attacker would write, and in "evil.example" what the resolver of an attacker would say
    public static TheoryData<string> HostileAddresses =>
    [
        // this machine, in all its names
        "http://localhost/a.png", "http://LOCALHOST/a.png", "http://localhost./a.png", "http://127.0.0.1/a.png", "http://127.1/a.png", "http://127.0.1/a.png",
        "http://127.255.255.254/a.png", "http://0/a.png", "http://0.0.0.0/a.png", "http://2130706433/a.png", "http://0x7f000001/a.png", "http://0x7f.0.0.1/a.png",
        "http://017700000001/a.png", "http://0177.0.0.1/a.png", "http://0177.0x0.0.1/a.png", "http://[::1]/a.png", "http://[::]/a.png", "http://[0:0:0:0:0:0:0:1]/a.png",
        "http://[::ffff:127.0.0.1]/a.png", "http://[::ffff:7f00:1]/a.png", "http://[::127.0.0.1]/a.png", "http://[64:ff9b::7f00:1]/a.png", "http://[2002:7f00:1::]/a.png",
        "http://[2001:0:7f00:1::]/a.png", "http://１２７.０.０.１/a.png", "http://①②⑦.⓪.⓪.①/a.png", "http://127。0。0。1/a.png",
        // its neighbours
        "http://10.0.0.1/a.png", "http://172.16.0.1/a.png", "http://172.31.255.255/a.png", "http://192.168.1.1/a.png", "http://100.64.0.1/a.png", "http://198.18.0.1/a.png",
        "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/a.png", "http://[fe80::1%25eth0]/a.png", "http://[fc00::1]/a.png", "http://[fd00:ec2::254]/a.png",
        "http://[::ffff:169.254.169.254]/a.png", "http://0xa9fea9fe/a.png", "http://224.0.0.1/a.png", "http://255.255.255.255/a.png", "http://metadata.internal/a.png",
        // names that lead there
        "http://loopback.evil.example/a.png", "http://mixed.evil.example/a.png", "http://mapped.evil.example/a.png", "http://rebind.evil.example/a.png", "http://private6.evil.example/a.png",
        // redirects that lead there
        "http://public.example/to?http://127.0.0.1/", "http://public.example/to?http://localhost/", "http://public.example/to?//127.0.0.1/a.png", "http://public.example/to?http://[::1]/",
        "http://public.example/to?file:///etc/passwd", "http://public.example/to?gopher://public.example/", "http://public.example/to?http://public.example:22/",
        "http://public.example/to?http://loopback.evil.example/", "http://public.example/loop", "https://127.0.0.1/a.png", "https://public.example/",
        // other tongues and tricks
        "file:///etc/passwd", "gopher://127.0.0.1:25/_HELO", "ftp://public.example/a.png", "dict://127.0.0.1:11211/stat", "data:,hello", "javascript:alert(1)", "//127.0.0.1/a.png", "/etc/passwd", "",
        "http://public.example@127.0.0.1/a.png", "http://127.0.0.1@public.example/a.png", "http://user:word@public.example/a.png", "http://127.0.0.1#@public.example/a.png", "http://127.0.0.1\\@public.example/a.png",
        "http://public.example:22/a.png", "http://public.example:6379/a.png", "http://public.example:0/a.png", "http:///a.png", "http://public.example\r\nHost: 127.0.0.1/a.png",
    ];

    [Fact]
    public void HostileAddresses_AreSixtyOrMore() => Assert.True(HostileAddresses.Count >= 60);

    [Theory]
    [MemberData(nameof(HostileAddresses))]
    public async Task Fetch_HostileAddress_NeverReachesAnythingButPublicAddresses(string address)
    {
        // every host is allowed, so that only the guard of addresses stands between
        var connector = new RecordingConnector();
        using var fetcher = new GuardedImageFetcher(new() { AllowedHosts = ["*"] }, connector);
        var exception = await Assert.ThrowsAsync<ImageFetchException>(() => fetcher.FetchAsync(address, Cancellation));
        Assert.DoesNotContain("too long", exception.Message, StringComparison.Ordinal);
        Assert.All(connector.Connected, endpoint => Assert.Equal(RecordingConnector.Public, endpoint.Address));
    }

    [Theory]
    [MemberData(nameof(HostileAddresses))]
    public async Task Fetch_HostIsNotAllowed_ConnectsToNothing(string address)
    {
        var connector = new RecordingConnector();
        using var fetcher = new GuardedImageFetcher(new() { AllowedHosts = ["pictures.example"] }, connector);
        await Assert.ThrowsAsync<ImageFetchException>(() => fetcher.FetchAsync(address, Cancellation));
        Assert.Empty(connector.Connected);
    }

    [Fact]
    public async Task Fetch_NoHostIsAllowed_IsRefusedWithAnAdvice()
    {
        using var fetcher = new GuardedImageFetcher(new());
        var exception = await Assert.ThrowsAsync<ImageFetchException>(() => fetcher.FetchAsync("http://public.example/a.png", Cancellation));
        Assert.Contains("data:", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://public.example/a.png", "public.example")]
    [InlineData("http://PUBLIC.example./a.png", "public.example")]
    [InlineData("http://public.example/to?/a.png", "*.example")]
    [InlineData("http://public.example/to?http://public.example/a.png", "*")]
    public async Task Fetch_AllowedHost_GivesThePicture(string address, string allowed)
    {
        var connector = new RecordingConnector();
        using var fetcher = new GuardedImageFetcher(new() { AllowedHosts = [allowed] }, connector);
        Assert.Equal(_picture, await fetcher.FetchAsync(address, Cancellation));
        Assert.All(connector.Connected, endpoint => Assert.Equal(new(RecordingConnector.Public, 80), endpoint));
    }

    [Theory]
    [InlineData("/huge")]      // by its header
    [InlineData("/endless")]   // without one
    [InlineData("/text")]
    [InlineData("/missing")]
    public async Task Fetch_NoPictureOfReasonableSize_IsRefused(string path)
    {
        using var fetcher = new GuardedImageFetcher(new() { AllowedHosts = ["*"], MaxBytes = 100_000 }, new RecordingConnector());
        await Assert.ThrowsAsync<ImageFetchException>(() => fetcher.FetchAsync($"http://public.example{path}", Cancellation));
    }

    [Fact]
    public void Check_RedirectFromEncryptedToPlain_IsRefused()
    {
        using var fetcher = new GuardedImageFetcher(new() { AllowedHosts = ["*"] }, new RecordingConnector());
        Assert.Equal("/b.png", fetcher.Check("/b.png", new("https://public.example/a.png")).AbsolutePath);
        Assert.Throws<ImageFetchException>(() => fetcher.Check("http://public.example/b.png", new("https://public.example/a.png")));
    }

    [Fact]
    public async Task Fetch_HostThatSaysNothing_IsGivenUp()
    {
        using var fetcher = new GuardedImageFetcher(new() { AllowedHosts = ["*"], Timeout = TimeSpan.FromMilliseconds(100) }, new RecordingConnector());
        var exception = await Assert.ThrowsAsync<ImageFetchException>(() => fetcher.FetchAsync("http://public.example/silent", Cancellation));
        Assert.Contains("too long", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("8.8.8.8", true)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("::ffff:8.8.8.8", true)]
    [InlineData("9.255.255.255", true)]
    [InlineData("11.0.0.0", true)]
    [InlineData("172.15.255.255", true)]
    [InlineData("172.32.0.0", true)]
    [InlineData("172.31.0.0", false)]
    [InlineData("100.127.255.255", false)]
    [InlineData("100.128.0.0", true)]
    [InlineData("::ffff:10.0.0.1", false)]
    [InlineData("2001:db8::1", false)]
    [InlineData("2002:808:808::", false)]
    [InlineData("4000::1", false)]
    [InlineData("fec0::1", false)]
    [InlineData("ff02::1", false)]
    public void PublicAddress_Borders_AreWhereTheRegistriesHaveThem(string address, bool isPublic) => Assert.Equal(isPublic, PublicAddress.Is(IPAddress.Parse(address)));

    // connects to nothing: what would have been reached answers from memory
    private sealed class RecordingConnector : IHostConnector
    {
        private int _rebinds;

        public static IPAddress Public { get; } = IPAddress.Parse("93.184.215.14");

        public List<IPEndPoint> Connected { get; } = [];

        public Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation) => Task.FromResult<IPAddress[]>(host.ToLowerInvariant().TrimEnd('.') switch
        {
            "public.example" => [Public],
            "localhost" or "loopback.evil.example" => [IPAddress.Loopback],
            "mixed.evil.example" => [Public, IPAddress.Loopback],
            "mapped.evil.example" => [IPAddress.Parse("::ffff:127.0.0.1")],
            "private6.evil.example" => [IPAddress.Parse("fd00::1")],
            // the first answer is harmless
            "rebind.evil.example" => _rebinds++ == 0 ? [Public] : [IPAddress.Loopback],
            "metadata.internal" => [IPAddress.Parse("169.254.169.254")],
            var other => throw new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.HostNotFound, other),
        });

        public Task<Stream> ConnectAsync(IPEndPoint address, CancellationToken cancellation)
        {
            lock (Connected)
                Connected.Add(address);
            return Task.FromResult<Stream>(new AnsweringStream());
        }
    }

    // reads a request, answers it, and closes
    private sealed class AnsweringStream : Stream
    {
        private readonly MemoryStream _asked = new();
        private readonly TaskCompletionSource<Stream> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush()
        {
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await _asked.WriteAsync(buffer, cancellationToken);
            if (_asked.GetBuffer()[0] == 0x16)
                _answer.TrySetResult(Null);   // a greeting of TLS, which nobody answers here
            var text = Encoding.ASCII.GetString(_asked.ToArray());
            if (text.EndsWith("\r\n\r\n", StringComparison.Ordinal))
                Answer(text.Split(' ')[1], text);
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            await (await _answer.Task.WaitAsync(cancellationToken)).ReadAsync(buffer, cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            _answer.TrySetException(new IOException("closed"));   // whoever reads is woken, as by a socket
            base.Dispose(disposing);
        }

        private void Answer(string path, string request)
        {
            var rebound = request.Contains("rebind.evil.example", StringComparison.Ordinal);
            var head = path switch
            {
                _ when rebound => "HTTP/1.1 302 Found\r\nLocation: http://rebind.evil.example/again\r\nConnection: close\r\n",   // now the name says another address
                "/a.png" => $"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {_picture.Length}\r\n",
                "/loop" => "HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n",
                "/huge" => "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 1000000000\r\n",
                "/endless" => "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nConnection: close\r\n",
                "/text" => "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n",
                "/silent" => null,
                _ when path.StartsWith("/to?", StringComparison.Ordinal) => $"HTTP/1.1 302 Found\r\nLocation: {path[4..]}\r\nContent-Length: 0\r\nConnection: close\r\n",
                _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n",
            };
            if (head is null)
                return;
            var body = path switch
            {
                "/endless" => new byte[1 << 20],
                _ => _picture,
            };
            _answer.TrySetResult(new MemoryStream([.. Encoding.ASCII.GetBytes(head + "\r\n"), .. body]));
        }
    }
}
