namespace LlavaSharp.Cli.Tests;

public sealed class ReportPrinterTests
{
    private static readonly ReportSection[] _sections = [new("Title", [("name [x]", "a value [red] with brackets"), ("alone", "")])];

    [Fact]
    public void Print_Plain_IsLinesWithoutEscapeCodes()
    {
        var output = new StringWriter { NewLine = "\n" };

        new ReportPrinter(output, plain: true).Print("llava test", _sections);

        Assert.Equal("Title\n  name [x]  a value [red] with brackets\n  alone\n", output.ToString());
    }

    [Fact]
    public void Print_Tables_HoldTheValuesUnchanged()
    {
        var output = new StringWriter();

        new ReportPrinter(output, plain: false).Print("llava test", _sections);

        Assert.Contains("a value [red] with brackets", output.ToString());
        Assert.Contains("name [x]", output.ToString());
    }
}
