using LlavaSharp.Generation;

namespace LlavaSharp.Tests.Generation;

public class BeamSearchTests
{
    private static GenerationSettings Settings(int beams, int tokens, double temperature = 0, double penalty = 1, int topK = 0) =>
        new() { MaxNewTokens = tokens, Temperature = temperature, NumBeams = beams, RepetitionPenalty = penalty, TopK = topK, Seed = 1 };

    [Fact]
    public void Finish_PathThatStartsBadly_WinsOverTheGreedyOne()
    {
        // Token 1 is likelier first, but only token 2 leads to a certain second step; 0 ends.
        var search = new BeamSearch(Settings(2, 2), 4, [0]);
        var best = Run(search, 4, ids => ids switch
        {
            [] => Logs(0.01, 0.5, 0.4, 0.09),
            [1] => Logs(0.01, 0.33, 0.33, 0.33),
            [2] => Logs(0.01, 0.01, 0.01, 0.97),
            _ => Logs(0.25, 0.25, 0.25, 0.25),
        });
        Assert.Equal([2, 3], best.Ids);
        Assert.Equal(Math.Log(0.4 * 0.97) / 2, best.Score, 1e-6);
        Assert.Equal(Math.Log(0.4 * 0.97), best.SumOfLogProbabilities, 1e-6);
        Assert.False(best.HasEnded);
    }

    [Fact]
    public void Finish_EndToken_CountsInLengthAndEndsTheSearch()
    {
        var search = new BeamSearch(Settings(2, 50), 3, [0]);
        var best = Run(search, 3, ids => ids.Length == 2 ? Logs(0.98, 0.01, 0.01) : Logs(0.02, 0.9, 0.08));
        Assert.Equal([1, 1, 0], best.Ids);
        Assert.True(best.HasEnded);
        Assert.Equal(Math.Log(0.9 * 0.9 * 0.98) / 3, best.Score, 1e-6);
        Assert.True(search.Length < 50);
    }

    [Fact]
    public void Finish_OneBeam_IsGreedyUpToTheEnd()
    {
        var random = new Random(3);
        for (var round = 0; round < 50; round++)
        {
            var seed = random.Next();
            var search = new BeamSearch(Settings(1, 1000), 9, []);
            var steps = 0;
            List<int> greedy = [];
            while (steps++ < 12)
            {
                var row = Table(seed, [.. greedy], 9);
                greedy.Add(Sampler.Greedy(row));
                search.Step(row);
            }
            Assert.Equal(greedy, search.Finish().Ids);
        }
    }

    [Theory]
    [InlineData(1.0, new int[0])]
    [InlineData(1.0, new[] { 0 })]
    [InlineData(1.0, new[] { 0, 5 })]
    [InlineData(2.0, new[] { 0 })]
    [InlineData(0.0, new[] { 3 })]
    public void Finish_RandomTables_AgreesWithThePlainAlgorithm(double lengthPenalty, int[] ends)
    {
        var random = new Random(17);
        for (var round = 0; round < 150; round++)
        {
            int seed = random.Next(), beams = random.Next(1, 5), vocabulary = random.Next(6, 12), tokens = random.Next(1, 10);
            var expected = PlainBeamSearch(seed, beams, vocabulary, tokens, ends, lengthPenalty);
            var actual = Run(new BeamSearch(Settings(beams, tokens), vocabulary, ends, lengthPenalty), vocabulary, ids => Table(seed, ids, vocabulary));
            Assert.Equal(expected.Ids, actual.Ids);
            Assert.Equal(expected.Score, actual.Score, 1e-6);
        }
    }

    [Fact]
    public void Finish_EnoughBeams_FindsTheBestOfAllTexts()
    {
        // No end token and a beam for every text of one step less: nothing can be lost.
        const int vocabulary = 4, tokens = 4;
        for (var seed = 0; seed < 20; seed++)
        {
            var best = double.NegativeInfinity;
            void Try(int[] ids, double sum)
            {
                if (ids.Length == tokens)
                {
                    best = Math.Max(best, sum);
                    return;
                }
                var row = Table(seed, ids, vocabulary);
                for (var token = 0; token < vocabulary; token++)
                    Try([.. ids, token], sum + row[token]);
            }
            Try([], 0);
            var found = Run(new BeamSearch(Settings(64, tokens), vocabulary, []), vocabulary, ids => Table(seed, ids, vocabulary));
            Assert.Equal(best, found.SumOfLogProbabilities, 1e-4);
        }
    }

    [Fact]
    public void Step_RepetitionPenalty_CountsTheBeamsOwnIds()
    {
        var search = new BeamSearch(Settings(1, 3, penalty: 3), 4, [], startIds: [3]);
        var best = Run(search, 4, _ => Logs(0.3, 0.25, 0.2, 0.25));
        Assert.Equal([0, 1, 2], best.Ids);
    }

    [Fact]
    public void Step_Sampling_IsRepeatableAndDiffersBySeed()
    {
        int[] Draw(ulong seed) =>
            [.. Run(new BeamSearch(Settings(3, 8, temperature: 1.5, topK: 6) with { Seed = seed }, 12, [0]), 12, ids => Table(5, ids, 12)).Ids];
        Assert.Equal(Draw(1), Draw(1));
        Assert.True(Enumerable.Range(0, 20).Select(seed => string.Join(' ', Draw((ulong)seed))).Distinct().Count() > 5);
    }

    [Fact]
    public void Step_WrongUse_Throws()
    {
        var search = new BeamSearch(Settings(2, 1), 4, [0]);
        Assert.Empty(search.Finish().Ids);
        Assert.Throws<GenerationException>(() => search.Step(new float[4]));
        Assert.Throws<GenerationException>(() => search.Step([0, 0, 0, float.NaN, 0, 0, 0, 0]));
        search.Step(new float[8]);
        Assert.True(search.IsDone);
        Assert.Throws<GenerationException>(() => search.Step(new float[8]));
        Assert.Throws<GenerationException>(() => new BeamSearch(Settings(2, 1), 1, [0]));
        Assert.Throws<GenerationException>(() => new BeamSearch(Settings(2, 1), 4, [0], double.NaN));
        Assert.Throws<GenerationException>(() => new BeamSearch(Settings(0, 1), 4, [0]));
    }

    [Fact]
    public void LogSoftmax_Row_AddsUpToOne()
    {
        float[] row = [1000, 1001, 999, -1000];
        BeamSearch.LogSoftmax(row);
        Assert.Equal(1, row.Sum(value => Math.Exp(value)), 1e-4);
        Assert.Throws<GenerationException>(() => BeamSearch.LogSoftmax([1, float.PositiveInfinity]));
    }

    private static BeamHypothesis Run(BeamSearch search, int vocabulary, Func<int[], float[]> model)
    {
        var beams = Enumerable.Repeat<int[]>([], search.Beams).ToArray();
        while (!search.IsDone)
        {
            float[] rows = [.. beams.SelectMany(model)];
            Assert.Equal(search.Beams * vocabulary, rows.Length);
            search.Step(rows);
            var (sources, tokens) = (search.SourceBeams.ToArray(), search.NextTokens.ToArray());
            beams = [.. sources.Zip(tokens, (source, token) => beams[source].Append(token).ToArray())];
        }
        return search.Finish();
    }

    private static float[] Logs(params double[] probabilities) => [.. probabilities.Select(p => (float)Math.Log(p))];

    // A model that is a table: log-probabilities that depend on the ids alone.
    private static float[] Table(int seed, int[] ids, int vocabulary)
    {
        var hash = (ulong)seed;
        foreach (var id in ids)
            hash = hash * 6364136223846793005 + (ulong)id + 1442695040888963407;
        var random = new GenerationRandom(hash);
        float[] row = [.. Enumerable.Range(0, vocabulary).Select(_ => (float)(random.NextDouble() * 4))];
        BeamSearch.LogSoftmax(row);
        return row;
    }

    // The same rules written down plainly: whole lists, sorted.
    private static (int[] Ids, double Score) PlainBeamSearch(int seed, int width, int vocabulary, int tokens, int[] ends, double lengthPenalty)
    {
        List<(int[] Ids, float Sum)> beams = [([], 0)];
        List<(int[] Ids, double Score)> finished = [];
        void Keep(int[] ids, float sum)
        {
            finished.Add((ids, sum / Math.Pow(ids.Length, lengthPenalty)));
            if (finished.Count > width)
                finished.RemoveAt(finished.FindIndex(item => item.Score == finished.Min(other => other.Score)));
        }
        for (var step = 1; step <= tokens; step++)
        {
            var candidates = beams
                .SelectMany(beam => Table(seed, beam.Ids, vocabulary).Select((value, token) => (Beam: beam.Ids, Token: token, Sum: value + beam.Sum)))
                .OrderByDescending(candidate => candidate.Sum)
                .Take(Math.Max(2, 1 + ends.Length) * width)
                .ToList();
            foreach (var (candidate, rank) in candidates.Select((candidate, rank) => (candidate, rank)))
                if (ends.Contains(candidate.Token) && rank < width && candidates.Take(rank).Count(better => !ends.Contains(better.Token)) < width)
                    Keep([.. candidate.Beam, candidate.Token], candidate.Sum);
            beams = [.. candidates.Where(candidate => !ends.Contains(candidate.Token)).Take(width).Select(candidate => (candidate.Beam.Append(candidate.Token).ToArray(), candidate.Sum))];
            if (finished.Count == width && finished.Min(item => item.Score) >= candidates[0].Sum / Math.Pow(step, lengthPenalty))
                return finished.MaxBy(item => item.Score);
        }
        foreach (var beam in beams)
            Keep(beam.Ids, beam.Sum);
        return finished.MaxBy(item => item.Score);
    }
}
