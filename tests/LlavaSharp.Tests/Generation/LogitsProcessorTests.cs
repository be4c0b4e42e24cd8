using LlavaSharp.Generation;

namespace LlavaSharp.Tests.Generation;

public class LogitsProcessorTests
{
    private static GenerationSettings Settings(double temperature = 1, int topK = 0, double topP = 1, double penalty = 1) =>
        new() { MaxNewTokens = 1, Temperature = temperature, TopK = topK, TopP = topP, RepetitionPenalty = penalty };

    [Fact]
    public void Apply_TopKWithTies_KeepsAllOfTheKthValue()
    {
        var processor = new LogitsProcessor(Settings(topK: 2));
        processor.Apply([1, 3, 2, 2, 0, 2], []);
        Assert.Equal([1, 2, 3, 5], processor.KeptIds.ToArray());
    }

    [Fact]
    public void Apply_TopPOfEqualLogits_KeepsTheLastIds()
    {
        // Sums from below: 0.25 and 0.5 are at most 1 - 0.5, so the two smaller ids go.
        var processor = new LogitsProcessor(Settings(topP: 0.5));
        processor.Apply([1, 1, 1, 1], []);
        Assert.Equal([2, 3], processor.KeptIds.ToArray());
    }

    [Theory]
    [InlineData(0.0, 1, new[] { 2 })]
    [InlineData(0.0, 2, new[] { 1, 2 })]
    [InlineData(1.0, 1, new[] { 0, 1, 2, 3 })]
    public void Apply_TopPAtItsEnds_KeepsAtLeastTheMinimum(double topP, int minimum, int[] expected)
    {
        var processor = new LogitsProcessor(Settings(topP: topP), minimum);
        float[] logits = [1, 2, 3, 0];
        processor.Apply(logits, []);
        Assert.Equal(expected, processor.KeptIds.ToArray());
        Assert.Equal(1, processor.Probabilities.ToArray().Sum(), 1e-6);
        for (var id = 0; id < 4; id++)
            Assert.Equal(expected.Contains(id), float.IsFinite(logits[id]));
    }

    [Fact]
    public void Apply_TopKBelowTheMinimum_KeepsTheMinimum()
    {
        var processor = new LogitsProcessor(Settings(topK: 1), minimumKept: 3);
        processor.Apply([5, 4, 3, 2, 1], []);
        Assert.Equal([0, 1, 2], processor.KeptIds.ToArray());
    }

    [Fact]
    public void Penalize_RepeatedId_CountsOnce()
    {
        var processor = new LogitsProcessor(Settings(penalty: 2));
        float[] logits = [4, -4, 1, 0];
        processor.Penalize(logits, [0, 1, 0, 1, 3]);
        Assert.Equal([2, -8, 1, 0], logits);
        processor.Penalize(logits, [2]);
        Assert.Equal([2, -8, 0.5f, 0], logits);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(-200)]
    public void Penalize_IdOutsideTheVocabulary_Throws(int id) =>
        Assert.Throws<GenerationException>(() => new LogitsProcessor(Settings(penalty: 2)).Penalize([1, 2, 3, 4], [id]));

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "infinity")]
    [InlineData(float.NegativeInfinity, "infinity")]
    public void Apply_LogitThatIsNotFinite_NamesTokenAndCause(float value, string name)
    {
        foreach (var at in new[] { 0, 17, 36 })
        {
            var logits = new float[37];
            logits[at] = value;
            var error = Assert.Throws<GenerationException>(() => new LogitsProcessor(Settings()).Apply(logits, []));
            Assert.Contains($"{name} for token {at}", error.Message);
            Assert.Contains("data type", error.Message);
        }
        Assert.Throws<GenerationException>(() => new LogitsProcessor(Settings()).Apply([], []));
    }

    [Fact]
    public void Apply_TinyTemperature_IsGreedy()
    {
        foreach (var temperature in new[] { double.Epsilon, 1e-30, 1e-6 })
        {
            var processor = new LogitsProcessor(Settings(temperature));
            processor.Apply([1, 3.1f, 3, -60_000], []);
            Assert.Equal([0, 1, 0, 0], processor.Probabilities.ToArray());
        }
    }

    [Fact]
    public void Apply_RandomLogits_AgreesWithSorting()
    {
        var random = new Random(5);
        for (var round = 0; round < 300; round++)
        {
            var logits = new float[random.Next(1, 200)];
            for (var i = 0; i < logits.Length; i++)
                logits[i] = MathF.Round((float)(random.NextDouble() * 10 - 5), random.Next(0, 3));
            var settings = Settings(random.NextDouble() * 2 + 0.1, random.Next(3) == 0 ? 0 : random.Next(1, 220), random.Next(3) == 0 ? 1 : random.NextDouble());
            var expected = KeptBySorting(logits, settings);
            var processor = new LogitsProcessor(settings);
            processor.Apply(logits, []);
            Assert.Equal(expected, processor.KeptIds.ToArray());
        }
    }

    [Fact]
    public void Apply_SecondCall_AllocatesNothing()
    {
        var processor = new LogitsProcessor(Settings(0.7, 50, 0.9, 1.1));
        var logits = new float[32_000];
        int[] previous = [1, 5, 9];
        long Run()
        {
            for (var i = 0; i < logits.Length; i++)
                logits[i] = i * 7919 % 1000 / 100f;
            var before = GC.GetAllocatedBytesForCurrentThread();
            processor.Apply(logits, previous);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Run();
        Assert.Equal(0, Run());
    }

    private static int[] KeptBySorting(float[] logits, GenerationSettings settings)
    {
        var scaled = logits.Select((value, id) => (Value: value / (float)settings.Temperature, Id: id)).ToList();
        if (settings.TopK > 0)
        {
            var threshold = scaled.Select(item => item.Value).OrderDescending().ElementAt(Math.Min(settings.TopK, scaled.Count) - 1);
            scaled = [.. scaled.Where(item => item.Value >= threshold)];
        }
        if (settings.TopP < 1)
        {
            var largest = scaled.Max(item => item.Value);
            var total = scaled.Sum(item => Math.Exp(item.Value - largest));
            double sum = 0;
            var ascending = scaled.OrderBy(item => item.Value).ThenBy(item => item.Id).ToList();
            List<(float, int Id)> kept = [];
            for (var i = 0; i < ascending.Count; i++)
            {
                sum += Math.Exp(ascending[i].Value - largest) / total;
                if (sum > 1 - settings.TopP || i == ascending.Count - 1)
                    kept.Add(ascending[i]);
            }
            scaled = kept!;
        }
        return [.. scaled.Select(item => item.Id).Order()];
    }
}
