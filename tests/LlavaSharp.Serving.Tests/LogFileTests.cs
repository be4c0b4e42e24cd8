using LlavaSharp.Serving.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace LlavaSharp.Serving.Tests;

public sealed class LogFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("llava-log-test-");
    private readonly FakeTimeProvider _clock = new(new(2026, 3, 4, 22, 30, 0, TimeSpan.Zero));

    private string At(string name) => Path.Combine(_folder.FullName, name);

    [Fact]
    public void Write_ADayLater_BeginsANewFile()
    {
        using var log = new LogFile(At("controller.log"), _clock);
        log.Write("first");
        _clock.Advance(TimeSpan.FromHours(23.9));
        log.Write("same day");
        _clock.Advance(TimeSpan.FromHours(0.2));
        log.Write("next day");
        Assert.Equal("first\nsame day\n", File.ReadAllText(At("controller.log.2026-03-04")));
        Assert.Equal("next day\n", File.ReadAllText(At("controller.log")));
    }

    [Fact]
    public void Write_FolderIsAFile_SaysSoAndGoesOn()
    {
        File.WriteAllText(At("taken"), "");
        using var log = new LogFile(Path.Combine(At("taken"), "controller.log"), _clock);
        log.Write("lost");
        Assert.NotNull(log.Problem);
        File.Delete(At("taken"));
        log.Write("kept");
        Assert.Null(log.Problem);
        Assert.Equal("kept\n", File.ReadAllText(Path.Combine(At("taken"), "controller.log")));
    }

    [Fact]
    public void Log_AnyLevel_HasTheOriginalsForm()
    {
        using var console = new StringWriter { NewLine = "\n" };
        _clock.SetLocalTimeZone(TimeZoneInfo.Utc);
        using (var lines = new LogLines("controller", console, new LogFile(At("controller.log"), _clock), _clock))
        {
            lines.CreateLogger("any").LogInformation("Register a new worker: {Worker}", "http://127.0.0.1:1");
            lines.CreateLogger("any").LogError(new InvalidOperationException("why"), "It failed");
        }
        var written = File.ReadAllText(At("controller.log"));
        Assert.Equal(written, console.ToString());
        Assert.StartsWith("2026-03-04 22:30:00 | INFO | controller | Register a new worker: http://127.0.0.1:1\n2026-03-04 22:30:00 | ERROR | controller | It failed\n", written);
        Assert.Contains("| ERROR | controller | System.InvalidOperationException: why", written);
    }

    [Fact]
    public void Log_AsJson_HasTheValuesOfTheMessage()
    {
        using var console = new StringWriter { NewLine = "\n" };
        using (var lines = new LogLines("controller", console, null, _clock, asJson: true))
            lines.CreateLogger("any").LogError(new InvalidOperationException("why\nand how"), "Lost {Worker}", "http://127.0.0.1:1");
        var json = System.Text.Json.Nodes.JsonNode.Parse(Assert.Single(console.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)))!;
        Assert.Equal(("Error", "controller", "Lost http://127.0.0.1:1", "http://127.0.0.1:1"), (json["level"]!.GetValue<string>(), json["logger"]!.GetValue<string>(), json["message"]!.GetValue<string>(), json["values"]!["Worker"]!.GetValue<string>()));
        Assert.StartsWith("System.InvalidOperationException: why\nand how", json["exception"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public void Log_FileCannotBeWritten_IsToldOnceAndAgainOnlyAfterItCould()
    {
        using var console = new StringWriter { NewLine = "\n" };
        File.WriteAllText(At("taken"), "");
        using var lines = new LogLines("controller", console, new LogFile(Path.Combine(At("taken"), "controller.log"), _clock), _clock);
        var logger = lines.CreateLogger("any");
        for (var i = 0; i < 3; i++)
            logger.LogInformation("line");
        Assert.Equal(1, Told());
        File.Delete(At("taken"));
        logger.LogInformation("line");
        Directory.Delete(At("taken"), recursive: true);
        Assert.Equal(1, Told());
        Assert.Equal(4, console.ToString().Split("| line\n").Length - 1);

        int Told() => console.ToString().Split("controller.log cannot be written").Length - 1;
    }

    [Fact]
    public void Log_ConsoleIsOnAFullDisk_GoesOn()
    {
        using var console = new FullWriter();
        using (var lines = new LogLines("controller", console, new LogFile(At("controller.log"), _clock), _clock))
            lines.CreateLogger("any").LogInformation("kept");
        Assert.EndsWith("| kept\n", File.ReadAllText(At("controller.log")));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private sealed class FullWriter : StringWriter
    {
        public override void WriteLine(string? value) => throw new IOException("No space left on device");
    }
}
