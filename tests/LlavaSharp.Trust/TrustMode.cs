using System.Globalization;

namespace LlavaSharp.Trust;

/// <summary>How long the trials last: shortly with every <c>dotnet test</c>, at full length with <c>LLAVA_TRUST=full</c>.</summary>
internal static class TrustMode
{
    public static bool IsFull { get; } = Environment.GetEnvironmentVariable("LLAVA_TRUST") == "full";

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>One of two numbers; a variable of its own (<c>LLAVA_TRUST_SECONDS</c>, say) goes before both.</summary>
    public static int Choose(int fast, int full, string? variable = null) =>
        variable is not null && int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var said) ? said : IsFull ? full : fast;

    /// <summary>Tells what was counted, among the output of the test.</summary>
    public static void Report(string line)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(line);
        if (Environment.GetEnvironmentVariable("LLAVA_TRUST_REPORT") is { Length: > 0 } file)
            File.AppendAllText(file, $"{TestContext.Current.TestMethod?.MethodName}: {line}\n");
    }

    /// <summary>Waits until something holds; fails with what was last seen when it does not within a minute.</summary>
    public static async Task UntilAsync(Func<Task<bool>> holds, Func<string> seen)
    {
        for (var i = 0; i < 1200; i++)
        {
            if (await holds())
                return;
            await Task.Delay(50, Cancellation);
        }
        Assert.Fail($"It did not come true within a minute: {seen()}");
    }
}
