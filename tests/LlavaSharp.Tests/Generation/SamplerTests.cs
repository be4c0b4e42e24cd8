using LlavaSharp.Generation;

namespace LlavaSharp.Tests.Generation;

public class SamplerTests
{
    private static GenerationSettings Settings(double temperature, ulong? seed = 1, double penalty = 1) =>
        new() { MaxNewTokens = 1, Temperature = temperature, Seed = seed, RepetitionPenalty = penalty };

    [Fact]
    public void Next_TemperatureZero_TakesTheFirstMaximum() =>
        Assert.Equal(1, new Sampler(Settings(0)).Next([1, 7, 7, 2], []));

    [Fact]
    public void Next_TemperatureZeroWithPenalty_AvoidsTheRepeated() =>
        Assert.Equal(2, new Sampler(Settings(0, penalty: 1.5)).Next([1, 7, 6, 2], [1]));

    [Fact]
    public void Next_NotANumber_Throws()
    {
        Assert.Throws<GenerationException>(() => new Sampler(Settings(0)).Next([1, float.NaN], []));
        Assert.Throws<GenerationException>(() => new Sampler(Settings(1)).Next([1, float.NaN], []));
        Assert.Throws<GenerationException>(() => Sampler.Greedy([float.NaN, 1]));
        Assert.Throws<GenerationException>(() => Sampler.Greedy([]));
    }

    [Fact]
    public void Next_SameSeed_DrawsTheSame()
    {
        int[] Draw(ulong? seed)
        {
            var sampler = new Sampler(Settings(1, seed));
            return [.. Enumerable.Range(0, 64).Select(_ => sampler.Next(new float[100], []))];
        }
        Assert.Equal(Draw(7), Draw(7));
        Assert.NotEqual(Draw(7), Draw(8));
        Assert.NotEqual(Draw(null), Draw(null));
    }

    [Fact]
    public void Next_ManyDraws_FollowTheProbabilities()
    {
        const int draws = 20_000;
        var sampler = new Sampler(Settings(1));
        double[] probabilities = [0.5, 0.3, 0.15, 0.05];
        var counts = new int[4];
        for (var i = 0; i < draws; i++)
            counts[sampler.Next([.. probabilities.Select(p => (float)Math.Log(p))], [])]++;
        for (var id = 0; id < 4; id++)
            Assert.Equal(probabilities[id], counts[id] / (double)draws, 0.015);
    }

    [Fact]
    public void NextBits_Seed42_AreThoseOfTheAlgorithm()
    {
        var random = new GenerationRandom(42);
        Assert.Equal([0x15780b2e0c2ec716, 0x6104d9866d113a7e, 0xae17533239e499a1, 0xecb8ad4703b360a1], Enumerable.Range(0, 4).Select(_ => random.NextBits()));
    }

    [Fact]
    public void NextDouble_Always_IsBelowOne()
    {
        var random = new GenerationRandom(3);
        var numbers = Enumerable.Range(0, 10_000).Select(_ => random.NextDouble()).ToArray();
        Assert.All(numbers, number => Assert.InRange(number, 0, Math.BitDecrement(1.0)));
        Assert.Equal(0.5, numbers.Average(), 0.02);
    }

    [Fact]
    public void Exp_AgainstTheRuntime_Agrees()
    {
        for (var x = -700.0; x < 700; x += 0.377)
            Assert.InRange(PortableMath.Exp(x) / Math.Exp(x), 1 - 1e-15, 1 + 1e-15);
        Assert.Equal(1, PortableMath.Exp(0));
        Assert.Equal(0, PortableMath.Exp(double.NegativeInfinity));
        Assert.Equal(double.PositiveInfinity, PortableMath.Exp(710));
        Assert.True(double.IsNaN(PortableMath.Exp(double.NaN)));
    }
}
