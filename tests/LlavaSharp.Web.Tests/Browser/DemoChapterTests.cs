using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using LlavaSharp.Cli.Tests;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace LlavaSharp.Web.Tests.Browser;

/// <summary>The README's demo chapter, its commands run as they are written.</summary>
[Collection("port 7860")]
public sealed class DemoChapterTests(Chromium chromium) : IClassFixture<Chromium>, IDisposable
{
    private const string Heading = "## Demo with a controller and workers";

    private readonly string _folder = Directory.CreateTempSubdirectory("llava-demo-").FullName;
    private readonly List<Process> _processes = [];
    private readonly ConcurrentQueue<string> _said = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }
        foreach (var link in new[] { "models", "tests" })
            Directory.Delete(Path.Combine(_folder, link));   // the link, not what it leads to
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Commands_InTheirOrder_ShowAllModelsInAnOpenPage()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Processes are told to end by a signal.");
        var root = Root();
        // the commands' paths are the source's; what they write is not to lie there
        foreach (var name in new[] { "models", "tests" })
            Directory.CreateSymbolicLink(Path.Combine(_folder, name), Path.Combine(root, name));
        var commands = Commands(File.ReadAllLines(Path.Combine(root, "README.md")));
        Assert.Equal(commands, Commands(File.ReadAllLines(Path.Combine(root, "README.zh-CN.md")), "## 由 controller 和 worker 组成的演示"));
        Assert.Equal(["controller", "web", "worker", "worker", "worker", "worker"], commands.Select(command => command[0]));

        await StartAsync(commands[0], "The controller listens at");
        await StartAsync(commands[1], "The page is at");
        await using var tab = await Tab.OpenAsync(chromium.Browser, new("http://127.0.0.1:7860/"));
        await Expect(tab.Page.GetByText("No worker offers a model.")).ToBeVisibleAsync();
        foreach (var worker in commands[2..])
            await StartAsync(worker, null);
        var models = tab.Page.Locator("[data-model='0'] option");
        // a worker that could not start says why at once, not after the wait
        var shown = Expect(models).ToHaveTextAsync(["llava-tiny", "llava-tiny-4bit", "llava-tiny-two-devices", "llava-v1.5-tiny-lora"], new() { Timeout = 120_000 });
        await await Task.WhenAny(shown, _ended.Task);

        foreach (var model in new[] { "llava-tiny", "llava-tiny-4bit", "llava-tiny-two-devices", "llava-v1.5-tiny-lora" })
        {
            await tab.Page.Locator("[data-model='0']").SelectOptionAsync(model);
            await tab.ClickAsync("What is in the picture?");
            await Expect(tab.Page.Locator(".thumbnails img")).ToHaveCountAsync(1);
            await tab.ClickAsync("Send");
            await Expect(tab.Answers.Last).ToHaveAttributeAsync("aria-busy", "false", new() { Timeout = 60_000 });
            await Expect(tab.Page.Locator(".failure")).ToHaveCountAsync(0);
            if (model.StartsWith("llava-tiny", StringComparison.Ordinal))
                await Expect(tab.Answers.Last).ToContainTextAsync("green star");
            await tab.ClickAsync("Clear");
            await Expect(tab.Answers).ToHaveCountAsync(0);
        }

        // in the order in which one would: what is asked first goes last
        foreach (var process in Enumerable.Reverse(_processes))
        {
            using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
            await process.WaitForExitAsync(Cancellation).WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
            Assert.Equal(0, process.ExitCode);
        }
        tab.Forgive();
    }

    private static string[][] Commands(string[] lines, string heading = Heading)
    {
        var chapter = lines.SkipWhile(line => line != heading).Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal));
        return [.. chapter.Where(line => line.StartsWith("llava ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1..])];
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "LlavaSharp.slnx")))
            folder = folder.Parent ?? throw new InvalidOperationException("The tests do not lie in the source.");
        return folder.FullName;
    }

    private async Task StartAsync(string[] command, string? ready)
    {
        var isReady = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = LlavaProcess.Start(command, _folder);
        _processes.Add(process);
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) =>
        {
            var reason = new InvalidOperationException($"llava {string.Join(' ', command)} ended:\n{string.Join('\n', _said.TakeLast(20))}");
            isReady.TrySetException(reason);
            _ended.TrySetException(reason);
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (ready is not null)
            await isReady.Task.WaitAsync(TimeSpan.FromMinutes(1), Cancellation);

        void Take(string? line)
        {
            if (line is null)
                return;
            _said.Enqueue(line);
            if (ready is not null && line.StartsWith(ready, StringComparison.Ordinal))
                isReady.TrySetResult();
        }
    }
}
