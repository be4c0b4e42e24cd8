using LlavaSharp.Generation;
using LlavaSharp.Generation.Batching;
using LlavaSharp.Parity;
using LlavaSharp.Parity.Areas.Serving;

namespace LlavaSharp.Serving.Tests;

public class WorkerTranscriptTests
{
    [Fact]
    public void Worker_RecordedRequests_AreAnsweredAsByTheOriginal() => Check(null);

    [Fact]
    public void Worker_RecordedRequestsToABatchingEngine_AreAnsweredAsByTheOriginal() => Check(model => new BatchingEngine(model));

    [Fact]
    public void SglangWorker_RecordedRequests_AreAnsweredAsByTheOriginal()
    {
        using var output = new StringWriter();
        var run = new AreaRun(Path.Combine(RepositoryRoot(), "tests", "Golden"), "serving", output);
        SglangCases.Check(run);
        Assert.True(run.Failed == 0, output.ToString());
        Assert.True(run.Passed > 15, output.ToString());
    }

    private static void Check(Func<LlavaModel, IGenerationEngine>? engine)
    {
        using var output = new StringWriter();
        var run = new AreaRun(Path.Combine(RepositoryRoot(), "tests", "Golden"), "serving", output);
        WorkerCases.Check(run, pace: 0.2, engine);
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
