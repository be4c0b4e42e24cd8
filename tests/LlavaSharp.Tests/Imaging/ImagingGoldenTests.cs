using LlavaSharp.Parity;
using LlavaSharp.Parity.Areas;

namespace LlavaSharp.Tests.Imaging;

public class ImagingGoldenTests
{
    [Fact]
    public void Imaging_AgainstTheOriginal_AgreesInEveryCase()
    {
        var output = new StringWriter();
        var run = new AreaRun(TestFiles.Golden(), "imaging", output);
        new ImagingArea().Check(run);
        run.Finish();
        Assert.True(run.Failed == 0, string.Join('\n', output.ToString().Split('\n').Where(line => line.Contains("FAILED"))));
        Assert.True(run.Passed > 400);
    }
}
