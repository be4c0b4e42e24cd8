using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace LlavaSharp.Web.Tests.Browser;

/// <summary>A tab of a browser with nothing kept, and all that it said or asked other hosts.</summary>
internal sealed class Tab : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly List<string> _troubles = [];

    private Tab(IBrowserContext context, IPage page) => (_context, Page) = (context, page);

    public IPage Page { get; }

    public ILocator Box => Page.GetByRole(AriaRole.Textbox, new() { Name = "Your message" });

    public ILocator Answers => Page.Locator(".answer");

    public static async Task<Tab> OpenAsync(IBrowser browser, Uri address, string query = "", int width = 1280, int height = 900, ColorScheme scheme = ColorScheme.Light, string locale = "en-US", bool touch = false)
    {
        var context = await browser.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = height }, ColorScheme = scheme, Locale = locale, HasTouch = touch, Permissions = ["clipboard-read", "clipboard-write"] });
        context.SetDefaultTimeout(60_000);
        var tab = new Tab(context, await context.NewPageAsync());
        tab.Page.Console += (_, message) =>
        {
            if (message.Type is "error")
                tab._troubles.Add($"{message.Text} {message.Location}");
        };
        tab.Page.PageError += (_, error) => tab._troubles.Add(error);
        tab.Page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(address.ToString(), StringComparison.Ordinal) && !request.Url.StartsWith("data:", StringComparison.Ordinal) && !request.Url.StartsWith("blob:", StringComparison.Ordinal))
                tab._troubles.Add($"asked {request.Url}");
        };
        await tab.Page.GotoAsync(new Uri(address, query).ToString());
        await tab.Page.Locator("#text-box").WaitForAsync();
        return tab;
    }

    /// <summary>Writes a message and sends it by ENTER, when earlier answers are finished; afterwards the last answer is the one to this message.</summary>
    public async Task AskAsync(string text)
    {
        await FinishAsync();
        var before = await Answers.CountAsync();
        await Page.Locator("#text-box").FillAsync(text);
        await Page.Locator("#text-box").PressAsync("Enter");
        await Answers.Nth(before).WaitForAsync();
    }

    /// <summary>Waits until no answer is being written.</summary>
    public Task FinishAsync() => Assertions.Expect(Page.Locator(".answer[aria-busy='true']")).ToHaveCountAsync(0);

    /// <summary>Chooses pictures.</summary>
    public Task UploadAsync(params (string Name, byte[] Bytes)[] files) => Page.Locator("input[data-pictures]").SetInputFilesAsync(
        files.Select(file => new FilePayload { Name = file.Name, MimeType = "image/png", Buffer = file.Bytes }));

    public Task ClickAsync(string button) => Page.GetByRole(AriaRole.Button, new() { Name = button, Exact = false }).First.ClickAsync();

    /// <summary>No rule of WCAG A and AA, or of good practice, is broken; the browser had nothing to complain of.</summary>
    public async Task CheckAsync()
    {
        var result = await Page.RunAxe(new AxeRunOptions());
        Assert.True(result.Violations.Length == 0, string.Join("\n", result.Violations.Select(violation => $"{violation.Id}: {violation.Help}: {string.Join(" ; ", violation.Nodes.Select(node => node.Html))}")));
        Assert.True(_troubles.Count == 0, string.Join("\n", _troubles));
    }

    /// <summary>Keeps a picture of the page where <c>LLAVA_SCREENSHOTS</c> names a folder.</summary>
    public async Task ShootAsync(string name)
    {
        if (Environment.GetEnvironmentVariable("LLAVA_SCREENSHOTS") is { Length: > 0 } folder)
            await Page.ScreenshotAsync(new() { Path = Path.Combine(folder, name + ".png"), Animations = ScreenshotAnimations.Disabled });
    }

    /// <summary>What the browser complained of is what the test wanted.</summary>
    public void Forgive() => _troubles.Clear();

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();
}
