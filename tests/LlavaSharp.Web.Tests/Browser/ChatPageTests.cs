using System.Text.RegularExpressions;
using LlavaSharp.Web.Hosting;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace LlavaSharp.Web.Tests.Browser;

/// <summary>What a user does, in a real browser.</summary>
public sealed class ChatPageTests(PageStage stage, Chromium chromium) : IClassFixture<PageStage>, IClassFixture<Chromium>
{
    private Task<Tab> OpenAsync(string query = "", int width = 1280, int height = 900, ColorScheme scheme = ColorScheme.Light, string locale = "en-US") =>
        Tab.OpenAsync(chromium.Browser, stage.Address, query, width, height, scheme, locale);

    [Fact]
    public async Task Message_WithPicture_IsAnsweredAndVotedForAndRecorded()
    {
        await using var tab = await OpenAsync();
        await Expect(tab.Page.GetByRole(AriaRole.Button, new() { Name = "Upvote" })).ToBeDisabledAsync();
        await tab.UploadAsync(("first.png", PageStage.Png(200)), ("second.png", PageStage.Png(90)));
        await Expect(tab.Page.Locator(".thumbnails img")).ToHaveCountAsync(2);
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Remove Picture 2: second.png" }).ClickAsync();
        await tab.AskAsync("What is this?");
        await Expect(tab.Answers.Last).ToContainTextAsync("to: <image> What is this?");
        await Expect(tab.Page.Locator(".question img")).ToHaveAttributeAsync("alt", "Picture 1: first.png");
        await Expect(tab.Page.Locator(".question img")).ToHaveAttributeAsync("src", new Regex("^data:image/jpeg;base64,"));   // made anew, not the file
        await Expect(tab.Box).ToHaveValueAsync("");
        await Expect(tab.Page.Locator(".thumbnails")).ToHaveCountAsync(0);
        Assert.Equal(1, stage.Backend.Pictures);

        await tab.ClickAsync("Upvote");
        await Expect(tab.Answers.Last).ToContainTextAsync("You upvoted this answer.");
        await Expect(tab.Page.GetByRole(AriaRole.Button, new() { Name = "Flag" })).ToBeDisabledAsync();
        Assert.Contains(stage.Records, record => record.Contains("\"type\": \"upvote\"", StringComparison.Ordinal));
        await tab.CheckAsync();
    }

    [Fact]
    public async Task Message_SeveralLines_IsSentByEnterOnly()
    {
        await using var tab = await OpenAsync();
        await tab.Box.PressSequentiallyAsync("one");
        await tab.Box.PressAsync("Shift+Enter");
        await tab.Box.PressSequentiallyAsync("two");
        await Expect(tab.Answers).ToHaveCountAsync(0);
        await tab.Box.PressAsync("Enter");
        await Expect(tab.Page.Locator(".question .text")).ToHaveTextAsync(new Regex("^one\ntwo$"));
        await Expect(tab.Answers).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task Answer_Running_IsStreamedAndStopped()
    {
        stage.Backend.Shut();
        await using var tab = await OpenAsync();
        await tab.AskAsync("please wait");
        await Expect(tab.Answers.Last).ToContainTextAsync("The beginning");
        await Expect(tab.Answers.Last).ToHaveAttributeAsync("aria-busy", "true");
        await tab.ShootAsync("page-streaming");
        await tab.ClickAsync("Stop");
        await Expect(tab.Answers.Last).ToContainTextAsync("Stopped.");
        await Expect(tab.Page.GetByRole(AriaRole.Button, new() { Name = "Regenerate" })).ToBeEnabledAsync();

        await tab.AskAsync("wait again");
        await Expect(tab.Answers.Last).ToContainTextAsync("The beginning");
        await tab.Page.Keyboard.PressAsync("Escape");
        await Expect(tab.Answers.Last).ToContainTextAsync("Stopped.");

        stage.Backend.Open();
        await tab.ClickAsync("Regenerate");
        await Expect(tab.Answers.Last).ToContainTextAsync("The beginning and the end");
        await tab.CheckAsync();
    }

    [Fact]
    public async Task Regenerate_EditAndClear_DoWhatTheySay()
    {
        await using var tab = await OpenAsync();
        await tab.AskAsync("first");
        await tab.FinishAsync();
        await Expect(tab.Answers.Last).ToContainTextAsync("to: first");
        var before = await tab.Answers.Last.InnerTextAsync();
        await tab.ClickAsync("Regenerate");
        await Expect(tab.Answers.Last).ToContainTextAsync("to: first");
        await Expect(tab.Answers.Last).Not.ToHaveTextAsync(before);
        await tab.AskAsync("second");
        await Expect(tab.Answers).ToHaveCountAsync(2);
        await tab.FinishAsync();

        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Edit" }).First.ClickAsync();
        await tab.Page.GetByRole(AriaRole.Textbox, new() { Name = "Edited message" }).FillAsync("changed");
        await tab.CheckAsync();
        await tab.ClickAsync("Send again");
        await Expect(tab.Answers).ToHaveCountAsync(1);
        await Expect(tab.Answers.Last).ToContainTextAsync("to: changed");

        await tab.ClickAsync("Clear");
        await Expect(tab.Answers).ToHaveCountAsync(0);
        await Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Name = "Examples" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Markdown_InAnAnswer_IsShownAndDoesNoHarm()
    {
        await using var tab = await OpenAsync();
        await tab.AskAsync("a table");
        await Expect(tab.Answers.Last.GetByRole(AriaRole.Table)).ToBeVisibleAsync();
        await Expect(tab.Answers.Last.GetByRole(AriaRole.Heading, new() { Name = "A heading" })).ToBeVisibleAsync();
        await Expect(tab.Answers.Last.Locator("img")).ToHaveCountAsync(0);
        await Expect(tab.Answers.Last).ToContainTextAsync("<script>window.hacked = true</script>");
        Assert.False(await tab.Page.EvaluateAsync<bool>("() => 'hacked' in window"));
        Assert.Equal(["https://example.org/", "https://example.org/a.png"], await tab.Answers.Last.Locator("a").EvaluateAllAsync<string[]>("links => links.map(link => link.href)"));
        var said = tab.Page.Locator("[data-copy].done").WaitForAsync();   // for a moment only, so it is waited for before
        await tab.ClickAsync("Copy");
        await said;
        Assert.Equal("Console.WriteLine(\"Hello\");\n", await tab.Page.EvaluateAsync<string>("() => navigator.clipboard.readText()"));
        await tab.CheckAsync();
        await tab.ShootAsync("page-markdown");
    }

    [Fact]
    public async Task Comparing_TwoModels_AnswersBeside()
    {
        await using var tab = await OpenAsync();
        await tab.ClickAsync("Compare two models");
        await Expect(tab.Page.Locator(".lane")).ToHaveCountAsync(2);
        await Expect(tab.Page.Locator("[data-model='1']")).ToHaveValueAsync(PageStage.SecondModel);
        await tab.UploadAsync(("first.png", PageStage.Png(120)));
        await Expect(tab.Page.Locator(".thumbnails img")).ToHaveCountAsync(1);
        await tab.AskAsync("compare");
        await Expect(tab.Answers).ToHaveCountAsync(2);
        await Expect(tab.Answers.First).ToContainTextAsync("to: <image> compare");
        await Expect(tab.Answers.Last).ToContainTextAsync("to: <image> compare");
        await tab.Page.Locator(".lane").Last.GetByRole(AriaRole.Button, new() { Name = "Downvote" }).ClickAsync();
        await Expect(tab.Page.Locator(".lane").Last).ToContainTextAsync("You downvoted this answer.");
        Assert.Contains(stage.Records, record => record.Contains("\"type\": \"downvote\"", StringComparison.Ordinal) && record.Contains($"\"model\": \"{PageStage.SecondModel}\"", StringComparison.Ordinal));
        await tab.CheckAsync();
        await tab.ShootAsync("page-compare");
    }

    [Fact]
    public async Task Failures_EachKind_AreSaidHonestly()
    {
        await using var tab = await OpenAsync();
        await tab.ClickAsync("Send");
        await Expect(tab.Page.GetByRole(AriaRole.Alert).First).ToContainTextAsync("There is nothing to send.");
        await tab.UploadAsync(("broken.png", [1, 2, 3]));
        await Expect(tab.Page.GetByRole(AriaRole.Alert).First).ToContainTextAsync("broken.png");
        await tab.AskAsync("fail");
        await Expect(tab.Answers.Last).ToContainTextAsync("failed to answer (code 1)");
        await Expect(tab.Answers.Last).ToContainTextAsync("Half an ans");
        await Expect(tab.Page.GetByRole(AriaRole.Button, new() { Name = "Regenerate" })).ToBeEnabledAsync();
        await Expect(tab.Page.GetByRole(AriaRole.Button, new() { Name = "Upvote" })).ToBeDisabledAsync();
        await tab.Page.GetByText("Details").ClickAsync();
        await Expect(tab.Answers.Last).ToContainTextAsync("(error_code: 1)");
        await tab.CheckAsync();
        await tab.ShootAsync("page-failure");
    }

    [Fact]
    public async Task Models_ComeAndGo_AndTheOpenPageNotices()
    {
        await using var tab = await OpenAsync();
        var options = tab.Page.Locator("[data-model='0'] option");
        await Expect(options).ToHaveTextAsync([PageStage.FirstModel, PageStage.SecondModel]);
        await using (await stage.StartWorkerAsync(new("llava-v1.5-third")))
            await Expect(options).ToHaveTextAsync([PageStage.FirstModel, PageStage.SecondModel, "llava-v1.5-third"]);
        await tab.Page.Locator("[data-model='0']").SelectOptionAsync("llava-v1.5-third");
        await tab.AskAsync("hello");
        await Expect(tab.Answers.Last.Locator(".failure")).ToBeVisibleAsync();   // its worker is gone

        await using var other = await OpenAsync($"?model={PageStage.SecondModel}");
        await Expect(other.Page.Locator("[data-model='0']")).ToHaveValueAsync(PageStage.SecondModel);
        using var http = new HttpClient();
        await http.PostAsync(new Uri(new Uri(stage.ControllerAddress), "/refresh_all_workers"), null, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task History_Conversation_IsKeptInTheBrowserAndTakenUpAgain()
    {
        await using var tab = await OpenAsync();
        await tab.UploadAsync(("kept.png", PageStage.Png(33)));
        await Expect(tab.Page.Locator(".thumbnails img")).ToHaveCountAsync(1);
        await tab.AskAsync("remember this");
        await Expect(tab.Answers.Last).ToContainTextAsync("to: <image> remember this");
        await tab.ClickAsync("History");
        await Expect(tab.Page.GetByRole(AriaRole.Button, new() { Name = "Open: remember this" })).ToBeVisibleAsync();

        await tab.Page.ReloadAsync();
        await tab.ClickAsync("History");
        await tab.ClickAsync("Open: remember this");
        await Expect(tab.Answers.Last).ToContainTextAsync("to: <image> remember this");
        await Expect(tab.Page.Locator(".question img")).ToHaveCountAsync(1);
        await tab.AskAsync("and go on");
        await Expect(tab.Answers).ToHaveCountAsync(2);
        await Expect(tab.Answers.Last).ToContainTextAsync("to: and go on");
        Assert.Equal(1, stage.Backend.Pictures);
        await tab.CheckAsync();
        await tab.ShootAsync("page-history");

        await tab.ClickAsync("New conversation");
        await Expect(tab.Answers).ToHaveCountAsync(0);
        await tab.AskAsync("another");
        await Expect(tab.Page.Locator(".history .entry")).ToHaveCountAsync(2);
        await tab.ClickAsync("Delete: remember this");
        await Expect(tab.Page.Locator(".history .entry")).ToHaveCountAsync(1);
        await tab.ClickAsync("Delete all");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Delete", Exact = true }).ClickAsync();
        await Expect(tab.Page.Locator(".history .entry")).ToHaveCountAsync(0);
        Assert.Equal(0, await tab.Page.EvaluateAsync<int>("async () => { const open = indexedDB.open('llava', 1); await new Promise(done => open.onsuccess = done); const all = open.result.transaction('pictures').objectStore('pictures').count(); await new Promise(done => all.onsuccess = done); return all.result; }"));
    }

    [Fact]
    public async Task Picture_PastedOrDropped_IsTaken()
    {
        await using var tab = await OpenAsync();
        var png = Convert.ToBase64String(PageStage.Png(5));
        const string transfer = "const bytes = Uint8Array.from(atob(png), c => c.charCodeAt(0)); const data = new DataTransfer(); data.items.add(new File([bytes], name, { type: 'image/png' }));";
        await tab.Page.EvaluateAsync($"([png, name]) => {{ {transfer} document.getElementById('text-box').dispatchEvent(new ClipboardEvent('paste', {{ clipboardData: data, bubbles: true }})); }}", new[] { png, "pasted.png" });
        await Expect(tab.Page.Locator(".thumbnails img")).ToHaveCountAsync(1);
        await tab.Page.EvaluateAsync($"([png, name]) => {{ {transfer} document.body.dispatchEvent(new DragEvent('dragover', {{ dataTransfer: data, bubbles: true, cancelable: true }})); }}", new[] { png, "dropped.png" });
        await Expect(tab.Page.Locator(".drop")).ToBeVisibleAsync();
        await tab.Page.EvaluateAsync($"([png, name]) => {{ {transfer} document.body.dispatchEvent(new DragEvent('drop', {{ dataTransfer: data, bubbles: true, cancelable: true }})); }}", new[] { png, "dropped.png" });
        await Expect(tab.Page.Locator(".thumbnails img")).ToHaveCountAsync(2);
        await Expect(tab.Page.Locator(".drop")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task Example_Chosen_FillsTheMessage()
    {
        await using var tab = await OpenAsync();
        await tab.ShootAsync("page-start");
        await tab.ClickAsync("What is in the picture?");
        await Expect(tab.Box).ToHaveValueAsync("What is in the picture?");
        await tab.ClickAsync("Send");
        await Expect(tab.Answers.Last).ToContainTextAsync("What is in the picture?");
        Assert.Equal(1, stage.Backend.Pictures);
    }

    [Fact]
    public async Task Parameters_Changed_AreUsedAndTimingIsShown()
    {
        await using var tab = await OpenAsync();
        await tab.Page.GetByText("Parameters").ClickAsync();
        await Expect(tab.Page.GetByRole(AriaRole.Slider, new() { Name = "Temperature" })).ToHaveValueAsync("0.2");
        await Expect(tab.Page.GetByRole(AriaRole.Slider, new() { Name = "Top P" })).ToHaveValueAsync("0.7");
        await Expect(tab.Page.GetByRole(AriaRole.Slider, new() { Name = "Max output tokens" })).ToHaveValueAsync("512");
        await Expect(tab.Page.GetByRole(AriaRole.Radio, new() { Name = "Default" })).ToBeCheckedAsync();
        await tab.Page.GetByRole(AriaRole.Radio, new() { Name = "Pad" }).CheckAsync();
        await tab.Page.GetByRole(AriaRole.Checkbox, new() { Name = "Show tokens per second" }).CheckAsync();
        await tab.AskAsync("timing");
        await Expect(tab.Page.Locator(".timing")).ToContainTextAsync("s in all");
        await tab.CheckAsync();
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Appearance_LightAndDark_HasEnoughContrast(ColorScheme scheme)
    {
        await using var tab = await OpenAsync(scheme: scheme);
        await tab.AskAsync("a table");
        await Expect(tab.Answers.Last.GetByRole(AriaRole.Table)).ToBeVisibleAsync();
        await tab.CheckAsync();
        await tab.Page.GetByLabel("Appearance").SelectOptionAsync(scheme == ColorScheme.Dark ? "light" : "dark");
        await Expect(tab.Page.Locator("html")).ToHaveAttributeAsync("data-theme", scheme == ColorScheme.Dark ? "light" : "dark");
        await tab.CheckAsync();
        if (scheme == ColorScheme.Light)
            await tab.ShootAsync("page-dark");
        await tab.Page.ReloadAsync();
        await Expect(tab.Page.Locator("html")).ToHaveAttributeAsync("data-theme", scheme == ColorScheme.Dark ? "light" : "dark");
    }

    // elements that are wider than the page and make it scroll sideways
    private const string SticksOut = """
        () => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.body.querySelectorAll('*')]
            .filter(element => element.getBoundingClientRect().right > innerWidth + 1).map(element => `${element.outerHTML.slice(0, 80)} ${element.getBoundingClientRect().right}`)
        """;

    [Fact]
    public async Task Phone_Narrow_HasNoSidewaysScrolling()
    {
        await using var tab = await OpenAsync(width: 360, height: 740);
        await tab.UploadAsync(("a.png", PageStage.Png(180, 1200, 300)));
        await Expect(tab.Page.Locator(".thumbnails img")).ToHaveCountAsync(1);
        await tab.AskAsync("a table with averyveryveryveryveryveryveryveryveryveryveryveryverylongword");
        await Expect(tab.Answers.Last.GetByRole(AriaRole.Table)).ToBeVisibleAsync();
        Assert.Empty(await tab.Page.EvaluateAsync<string[]>(SticksOut));
        await tab.ClickAsync("History");
        await tab.ClickAsync("Compare two models");
        Assert.Empty(await tab.Page.EvaluateAsync<string[]>(SticksOut));
        await tab.CheckAsync();
        await tab.ClickAsync("One model");
        await tab.ClickAsync("History");
        await tab.Page.EvaluateAsync("() => scrollTo(0, 0)");
        await tab.ShootAsync("page-phone");
    }

    [Fact]
    public async Task Keyboard_Alone_ReachesEverything()
    {
        await using var tab = await OpenAsync();
        await tab.Page.Keyboard.PressAsync("Tab");
        await Expect(tab.Page.GetByRole(AriaRole.Button, new() { Name = "Go to the text box" })).ToBeFocusedAsync();
        await tab.Page.Keyboard.PressAsync("Enter");
        await Expect(tab.Box).ToBeFocusedAsync();
        await tab.Page.Keyboard.TypeAsync("by keys");
        await tab.Page.Keyboard.PressAsync("Enter");
        await Expect(tab.Answers.Last).ToContainTextAsync("to: by keys");
        await Expect(tab.Box).ToBeFocusedAsync();
        await Expect(tab.Page.Locator(".visually-hidden[role=status]")).ToContainTextAsync("The answer is finished: Answer");
        await tab.Page.Locator("#text-box").FocusAsync();
        for (var i = 0; i < 12; i++)
        {
            await tab.Page.Keyboard.PressAsync("Shift+Tab");
            if (await tab.Page.EvaluateAsync<bool>("() => document.activeElement.textContent.includes('Upvote')"))
                break;
        }
        await tab.Page.Keyboard.PressAsync("Space");
        await Expect(tab.Answers.Last).ToContainTextAsync("You upvoted this answer.");
    }

    [Fact]
    public async Task Language_Chinese_IsSpoken()
    {
        await using var tab = await OpenAsync(locale: "zh-CN");
        await Expect(tab.Page.Locator("html")).ToHaveAttributeAsync("lang", "zh");
        await Expect(tab.Page.GetByRole(AriaRole.Button, new() { Name = "发送" })).ToBeVisibleAsync();
        await tab.AskAsync("fail");
        await Expect(tab.Answers.Last).ToContainTextAsync("worker 未能回答");
        await tab.CheckAsync();
        await tab.ShootAsync("page-chinese");
        await tab.Page.GetByLabel("语言").SelectOptionAsync("en");
        await Expect(tab.Page.GetByRole(AriaRole.Button, new() { Name = "Send", Exact = true })).ToBeVisibleAsync();
        await Expect(tab.Page.Locator("html")).ToHaveAttributeAsync("lang", "en");
    }

    [Fact]
    public async Task Controller_NotThere_IsSaidAndNoticedWhenItComes()
    {
        await using var web = await WebServer.StartAsync(new() { Host = "127.0.0.1", Port = 0, ControllerUrl = "http://127.0.0.1:9", LogFolder = null }, PageStage.Quiet, TestContext.Current.CancellationToken);
        await using var tab = await Tab.OpenAsync(chromium.Browser, web.Address);
        await Expect(tab.Page.GetByRole(AriaRole.Alert).First).ToContainTextAsync("The controller at http://127.0.0.1:9 cannot be reached");
        await Expect(tab.Page.GetByText("No worker offers a model.")).ToBeVisibleAsync();
        await tab.AskAsync("hello");
        await Expect(tab.Answers.Last.Locator(".failure")).ToContainTextAsync("cannot be reached");
        await tab.CheckAsync();
    }

    [Fact]
    public async Task Server_Gone_IsSaid()
    {
        var web = await WebServer.StartAsync(new() { Host = "127.0.0.1", Port = 0, ControllerUrl = stage.ControllerAddress, LogFolder = null }, PageStage.Quiet, TestContext.Current.CancellationToken);
        await using var tab = await Tab.OpenAsync(chromium.Browser, web.Address);
        await web.DisposeAsync();
        await Expect(tab.Page.GetByRole(AriaRole.Alertdialog)).ToBeVisibleAsync();
        tab.Forgive();
    }
}
