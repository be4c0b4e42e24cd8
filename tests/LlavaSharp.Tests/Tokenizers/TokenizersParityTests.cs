using LlavaSharp.Parity;

namespace LlavaSharp.Tests.Tokenizers;

public class TokenizersParityTests
{
    [Fact]
    public void Goldens_InProcess_AllAgree()
    {
        var output = new StringWriter();

        var failed = Program.Run(TestFiles.Golden(), ["tokenizers"], output);

        var lines = output.ToString().Split('\n');
        Assert.True(failed == 0, string.Join('\n', lines.Where(line => !line.EndsWith(": ok", StringComparison.Ordinal)).Take(20)));
        Assert.True(lines.Length > 1000);
    }
}
