using System.Net;
using System.Net.Sockets;
using LlavaSharp.Imaging;

namespace LlavaSharp.Tests.Imaging;

public sealed class ImageUrlTests : IDisposable
{
    private readonly HttpListener _listener;
    private readonly string _address;

    public ImageUrlTests() => (_listener, _address) = Listen(attempts: 20);

    public void Dispose() => _listener.Close();

    [Fact]
    public async Task LoadAsync_Url_ReadsThePicture()
    {
        var image = PictureFiles.Random(1, 9, 9);
        var served = ServeAsync(async response => await response.OutputStream.WriteAsync(image.EncodePng()));
        Assert.Equal(image.ContentHash, (await Image.LoadAsync(_address + "a.png", null, TestContext.Current.CancellationToken)).ContentHash);
        await served;
    }

    [Fact]
    public async Task LoadAsync_NotFound_NamesUrlAndStatus()
    {
        var served = ServeAsync(response =>
        {
            response.StatusCode = 404;
            return Task.CompletedTask;
        });
        var error = await Assert.ThrowsAsync<ImageException>(() => Image.LoadAsync(_address + "b.png", null, TestContext.Current.CancellationToken));
        Assert.Contains("404", error.Message);
        Assert.Equal(_address + "b.png", error.PictureSource);
        await served;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task LoadAsync_LargerThanTheLimit_IsRefused(bool isAnnounced)
    {
        var served = ServeAsync(async response =>
        {
            if (isAnnounced)
                response.ContentLength64 = 100_000;
            else
                response.SendChunked = true;
            await response.OutputStream.WriteAsync(new byte[100_000]);
        });
        var error = await Assert.ThrowsAsync<ImageException>(() => Image.LoadAsync(_address, new ImageLoadOptions { MaximumBytes = 5000 }, TestContext.Current.CancellationToken));
        Assert.Contains("limit", error.Message);
        Assert.Contains(_address, error.Message);
        await served;
    }

    [Fact]
    public async Task LoadAsync_ServerThatNeverAnswers_TimesOut()
    {
        var error = await Assert.ThrowsAsync<ImageException>(() => Image.LoadAsync(_address, new ImageLoadOptions { Timeout = TimeSpan.FromMilliseconds(200) }, TestContext.Current.CancellationToken));
        Assert.Contains("0.2 seconds", error.Message);
    }

    [Fact]
    public async Task LoadAsync_CallerCancels_IsCancelled()
    {
        using var cancel = new CancellationTokenSource(100);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Image.LoadAsync(_address, null, cancel.Token));
    }

    [Fact]
    public void Load_NobodyListens_IsATypedError()
    {
        _listener.Stop();
        Assert.Contains(_address, Assert.Throws<ImageException>(() => Image.Load(_address)).Message);
    }

    [Theory]
    [InlineData("http://")]
    [InlineData("https://[broken/x.png")]
    public void Load_InvalidUrl_IsATypedError(string url) => Assert.Contains("not valid", Assert.Throws<ImageException>(() => Image.Load(url)).Message);

    [Fact]
    public void Load_UrlsNotAllowed_IsRefused() =>
        Assert.Contains("not allowed", Assert.Throws<ImageException>(() => Image.Load(_address, new ImageLoadOptions { AllowUrls = false })).Message);

    [Fact]
    public async Task LoadAsync_OwnClient_IsUsed()
    {
        using var client = new HttpClient(new OnePicture());
        var image = await Image.LoadAsync("https://nowhere.invalid/x", new ImageLoadOptions { Http = client }, TestContext.Current.CancellationToken);
        Assert.Equal((3, 2), image.Size);
    }

    // HttpListener cannot ask for any free port, and one that was free a moment ago may be taken by now
    private static (HttpListener, string) Listen(int attempts)
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var address = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/";
        probe.Stop();
        var listener = new HttpListener();
        listener.Prefixes.Add(address);
        try
        {
            listener.Start();
            return (listener, address);
        }
        catch (HttpListenerException) when (attempts > 1)
        {
            return Listen(attempts - 1);
        }
    }

    private async Task ServeAsync(Func<HttpListenerResponse, Task> answer)
    {
        var context = await _listener.GetContextAsync();
        try
        {
            await answer(context.Response);
            context.Response.Close();
        }
        catch (Exception exception) when (exception is HttpListenerException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // the client hangs up when the answer is too large
        }
    }

    private sealed class OnePicture : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(PictureFiles.Random(1, 3, 2).EncodePng()) });
    }
}
