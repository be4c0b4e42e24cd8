using System.Diagnostics;
using System.Text;

namespace LlavaSharp.Cli.Tests;

public sealed class InterruptTests
{
    [Theory]
    [InlineData("run")]
    [InlineData("chat")]
    public async Task Interrupt_DuringTheAnswer_EndsWith130(string verb)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Signals are sent with kill.");
        string[] arguments = verb == "run" ? ["--query", "What?", "--max_new_tokens", "1900"] : ["--max-new-tokens", "1900"];
        using var process = LlavaProcess.Start([verb, .. TinyCheckpoint.Flags, .. arguments]);
        try
        {
            await process.StandardInput.WriteAsync("What?\n");
            await process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
            // the answer has begun when more stands there than the two roles
            var shown = new StringBuilder();
            var buffer = new char[64];
            while (shown.Length < 40)
            {
                var read = await process.StandardOutput.ReadAsync(buffer, TestContext.Current.CancellationToken);
                Assert.NotEqual(0, read);
                shown.Append(buffer, 0, read);
            }

            using (var kill = Process.Start("kill", ["-INT", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
                await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
            var rest = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
            await process.WaitForExitAsync(limit.Token);

            Assert.Equal(130, process.ExitCode);
            Assert.EndsWith("\n", await rest);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }
}
