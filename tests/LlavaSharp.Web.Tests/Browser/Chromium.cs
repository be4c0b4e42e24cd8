using Microsoft.Playwright;

namespace LlavaSharp.Web.Tests.Browser;

/// <summary>The Chromium of this machine; one for all tests of a class. Where there is none, tests skip, or fail if <c>LLAVA_REQUIRE_TOOLS</c> is set.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private static readonly string[] _paths = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/snap/bin/chromium"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    private static string? Path => Environment.GetEnvironmentVariable("LLAVA_CHROMIUM") ?? _paths.FirstOrDefault(File.Exists);

    /// <summary>The browser.</summary>
    public IBrowser Browser
    {
        get
        {
            if (_browser is null && Environment.GetEnvironmentVariable("LLAVA_REQUIRE_TOOLS") is null)
                Assert.Skip("There is no Chromium here (install Debian's chromium, or name one by LLAVA_CHROMIUM).");
            return _browser ?? throw new InvalidOperationException("There is no Chromium here, and LLAVA_REQUIRE_TOOLS says that there must be.");
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (Path is not { } path)
            return;
        Assertions.SetDefaultExpectTimeout(60_000);   // other tests may want the processors, too
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = path, Args = ["--disable-dev-shm-usage", "--disable-gpu"] });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
    }
}
