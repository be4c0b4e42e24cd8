using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace LlavaSharp.Cli.Tests;

public sealed partial class ServeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("llava-serve-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Hangup_DuringAnAnswer_LoadsTheModelAnewAndTheAnswerEndsWhole()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent with kill.");
        // what is served can be taken away
        var model = Path.Combine(_folder, "llava-v1.5-tiny");
        Directory.CreateDirectory(model);
        foreach (var file in Directory.GetFiles(TinyCheckpoint.Folder))
            File.Copy(file, Path.Combine(model, Path.GetFileName(file)));
        Directory.CreateSymbolicLink(Path.Combine(_folder, "clip-vit-tiny-patch14-56"), Path.Combine(Path.GetDirectoryName(TinyCheckpoint.Folder)!, "clip-vit-tiny-patch14-56"));
        using var process = LlavaProcess.Start(["serve", "--port", "0", "--model-path", model, "--device", "cpu", "--dtype", "float32", "--offline"], _folder);
        try
        {
            var address = await UntilAsync(process.StandardOutput, Address());
            var said = process.StandardError;
            using var http = new HttpClient { BaseAddress = new(address) };

            using var answer = await AskAsync(http);
            using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(Cancellation));
            Assert.Contains("\"error_code\": 0", await FrameAsync(reader), StringComparison.Ordinal);
            await HangUpAsync(process);
            await UntilAsync(said, Anew());
            string frame, last = "";
            while ((frame = await FrameAsync(reader)).Length > 0)
                last = frame;
            Assert.Contains("\"error_code\": 0", last, StringComparison.Ordinal);
            using (var second = await AskAsync(http))
                Assert.EndsWith(last + "\0", await second.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);

            File.WriteAllText(Path.Combine(model, "config.json"), "{");
            await HangUpAsync(process);
            await UntilAsync(said, Failed());
            using (var third = await AskAsync(http))
                Assert.EndsWith(last + "\0", await third.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(Cancellation);
        }
    }

    private static Task<HttpResponseMessage> AskAsync(HttpClient http) => http.SendAsync(
        new(HttpMethod.Post, "/worker_generate_stream")
        {
            Content = new StringContent("{\"model\":\"llava-v1.5-tiny\",\"prompt\":\"USER: Hello ASSISTANT:\",\"temperature\":0,\"max_new_tokens\":900,\"stop\":\"</s>\"}"),
        },
        HttpCompletionOption.ResponseHeadersRead,
        Cancellation);

    private static async Task HangUpAsync(Process process)
    {
        using var kill = Process.Start("kill", ["-HUP", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(Cancellation);
    }

    // up to the zero byte; empty at the end
    private static async Task<string> FrameAsync(StreamReader reader)
    {
        var frame = new StringBuilder();
        var one = new char[1];
        while (await reader.ReadAsync(one, Cancellation) == 1 && one[0] != '\0')
            frame.Append(one[0]);
        return frame.ToString();
    }

    private static async Task<string> UntilAsync(StreamReader reader, Regex wanted)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        var said = new StringBuilder();
        while (await reader.ReadLineAsync(limit.Token) is { } line)
        {
            if (wanted.Match(line) is { Success: true } match)
                return match.Groups[1].Value;
            said.AppendLine(line);
        }
        throw new InvalidOperationException($"It ended without '{wanted}': {said}");
    }

    [GeneratedRegex("served at (http\\S+)")]
    private static partial Regex Address();

    [GeneratedRegex("was loaded anew()")]
    private static partial Regex Anew();

    [GeneratedRegex("could not be loaded anew()")]
    private static partial Regex Failed();
}
