using LlavaSharp.Parity;
using LlavaSharp.Parity.Areas.Serving;

namespace LlavaSharp.Serving.Tests.Web;

public class WebTranscriptTests
{
    [Fact]
    public void Web_RecordedEvents_GiveTheOriginalsStatesRequestsAndRecords()
    {
        using var output = new StringWriter();
        var run = new AreaRun(Path.Combine(RepositoryRoot(), "tests", "Golden"), "serving", output);
        WebCases.Check(run);
        Assert.True(run.Failed == 0, output.ToString());
        Assert.True(run.Passed > 90, output.ToString());
    }

    private static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "LlavaSharp.slnx")))
                return folder.FullName;
        throw new DirectoryNotFoundException("The tests must run below the repository.");
    }
}
