using LlavaSharp.Parity;
using LlavaSharp.Parity.Areas.Serving;

namespace LlavaSharp.Serving.Tests;

public class ControllerTranscriptTests
{
    [Fact]
    public void Controller_RecordedRequests_AreAnsweredAsByTheOriginal()
    {
        using var output = new StringWriter();
        var run = new AreaRun(Path.Combine(RepositoryRoot(), "tests", "Golden"), "serving", output);
        ControllerCases.Check(run, pace: 0.1);
        Assert.True(run.Failed == 0, output.ToString());
        Assert.True(run.Passed > 60, output.ToString());
    }

    private static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "LlavaSharp.slnx")))
                return folder.FullName;
        throw new DirectoryNotFoundException("The tests must run below the repository.");
    }
}
