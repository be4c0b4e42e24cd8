using System.Diagnostics;
using System.Text.Json;
using LlavaSharp.IO;
using LlavaSharp.Native;

namespace LlavaSharp.Serving.Tests.OpenAi;

/// <summary>npm's official client in front of our server. It is installed once, into the cache folder.</summary>
public class NodeClientTests(ApiStage stage) : IClassFixture<ApiStage>
{
    private const string Version = "6.49.0";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Client_OfNode_ReadsAllOfTheInterface()
    {
        var folder = await InstallAsync();
        var script = Path.Combine(folder, "client.mjs");
        AtomicFile.WriteBytes(script, File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "OpenAi", "client.mjs")));
        var picture = Imaging.Image.FromRgb(64, 64, [.. Enumerable.Repeat<byte[]>([220, 30, 30], 64 * 64).SelectMany(pixel => pixel)]);
        var (status, output, error) = await RunAsync("node", [script, new Uri(stage.Address, "v1").ToString(), ApiStage.Name, Convert.ToBase64String(picture.EncodePng())], folder);
        Assert.True(status == 0, error);
        using var json = JsonDocument.Parse(output);
        var said = json.RootElement;

        var expected = await stage.Engine.Model.CompleteAsync(stage.Engine.Model.CreateRequest("What colour is the picture?", [picture], new() { Temperature = 0, MaxNewTokens = 30 }), Cancellation);
        Assert.Equal([ApiStage.Name], said.GetProperty("models").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal(expected.Text, said.GetProperty("chat").GetString());
        Assert.Equal(expected.Text, said.GetProperty("stream").GetString()!.Trim());
        Assert.Equal(expected.OutputIds.Count, said.GetProperty("streamTokens").GetInt32());
        Assert.Contains(said.GetProperty("schema").GetProperty("colour").GetString(), new[] { "red", "green", "blue" });
        Assert.Equal("tool_calls", said.GetProperty("toolReason").GetString());
        Assert.Equal("set_lamp", said.GetProperty("tool").GetProperty("name").GetString());
        Assert.InRange(JsonElement.Parse(said.GetProperty("tool").GetProperty("arguments").GetString()!).GetProperty("level").GetInt32(), 0, 100);
        Assert.Equal("set_lamp", said.GetProperty("toolStream").GetProperty("name").GetString());
        Assert.InRange(JsonElement.Parse(said.GetProperty("toolStream").GetProperty("arguments").GetString()!).GetProperty("level").GetInt32(), 0, 100);
        Assert.Equal(JsonValueKind.String, said.GetProperty("afterTool").ValueKind);
        Assert.Equal(expected.Text, said.GetProperty("response").GetString());
        Assert.Equal(expected.Text, said.GetProperty("responseStream").GetString());
        Assert.Equal(400, said.GetProperty("refused").GetProperty("status").GetInt32());
        Assert.Equal("invalid_json_schema", said.GetProperty("refused").GetProperty("code").GetString());
    }

    private static async Task<string> InstallAsync()
    {
        var folder = Path.Combine(CacheFolder.Root, "tests", $"npm-openai-{Version}");
        if (File.Exists(Path.Combine(folder, "node_modules", "openai", "package.json")))
            return folder;
        var temporary = $"{folder}.{Guid.NewGuid():N}";
        try
        {
            AtomicFile.WriteBytes(Path.Combine(temporary, "package.json"), """{"private": true}"""u8.ToArray());
            var (status, _, error) = await RunAsync(OperatingSystem.IsWindows() ? "npm.cmd" : "npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", $"openai@{Version}"], temporary);
            if (status != 0)
                Missing($"npm could not install openai@{Version}: {error}");
            if (!Directory.Exists(folder))
                Directory.Move(temporary, folder);
        }
        finally
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
        }
        return folder;
    }

    private static async Task<(int Status, string Output, string Error)> RunAsync(string program, string[] arguments, string folder)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        using var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            Missing($"{program} cannot be started: {exception.Message}");
        }
        try
        {
            var (output, error) = (process.StandardOutput.ReadToEndAsync(Cancellation), process.StandardError.ReadToEndAsync(Cancellation));
            await process.WaitForExitAsync(Cancellation);
            return (process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private static void Missing(string why)
    {
        if (Environment.GetEnvironmentVariable("LLAVA_REQUIRE_TOOLS") == "1")
            Assert.Fail(why);
        Assert.Skip(why);
    }
}
