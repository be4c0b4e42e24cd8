using LlavaSharp.Generation;

namespace LlavaSharp.Tests.Generation;

public class SamplerControlsTests
{
    [Fact]
    public void Next_FrequencyPenalty_CountsEveryTime()
    {
        var sampler = new Sampler(Settings() with { FrequencyPenalty = 1 });
        Assert.Equal([0, 0, 1, 0], Enumerable.Range(0, 4).Select(_ => sampler.Next([2.5f, 1, 0], [])));   // 2.5, 1.5, 0.5 against 1, then 0.5 against 0
    }

    [Fact]
    public void Next_PresencePenalty_CountsOnce()
    {
        var sampler = new Sampler(Settings() with { PresencePenalty = 1 });
        Assert.Equal([0, 0, 0], Enumerable.Range(0, 3).Select(_ => sampler.Next([2.5f, 1, 0], [])));
    }

    [Fact]
    public void Next_LogitBias_MovesTheChoice()
    {
        Assert.Equal(2, new Sampler(Settings() with { LogitBias = new Dictionary<int, float> { [2] = 100 } }).Next([2.5f, 1, 0], []));
        Assert.Throws<GenerationException>(() => new Sampler(Settings() with { LogitBias = new Dictionary<int, float> { [3] = 1 } }).Next([2.5f, 1, 0], []));
        Assert.Throws<GenerationException>(() => new Sampler(Settings() with { LogitBias = new Dictionary<int, float> { [0] = 101 } }));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Next_Constraint_ChoosesOnlyAllowedTokensAndEndsWhenComplete(double temperature)
    {
        var sampler = new Sampler(Settings() with { Temperature = temperature, Constraint = new Descending(), Seed = 1 }, endIds: [0]);
        Assert.Equal(2, sampler.Next([9, 5, 1], []));
        Assert.False(sampler.IsComplete);
        Assert.Equal(1, sampler.Next([9, 5, 8], []));
        Assert.True(sampler.IsComplete);
    }

    [Fact]
    public void Next_LogProbabilities_AreTheModelsOwn()
    {
        var sampler = new Sampler(Settings() with { TopLogProbabilities = 2, LogitBias = new Dictionary<int, float> { [2] = 100 } });
        Assert.Equal(2, sampler.Next([1, 3, 2], []));
        var total = Math.Log(Math.Exp(1) + Math.Exp(3) + Math.Exp(2));
        Assert.Equal(2 - total, sampler.LastToken!.LogProbability, 1e-6);
        Assert.Equal([1, 2], sampler.LastToken.Top.Select(token => token.Id));
        Assert.Equal(3 - total, sampler.LastToken.Top[0].LogProbability, 1e-6);
        Assert.Null(Draw(Settings()).LastToken);

        static Sampler Draw(GenerationSettings settings)
        {
            var sampler = new Sampler(settings);
            sampler.Next([1, 2], []);
            return sampler;
        }
    }

    [Fact]
    public void Settings_BeamsWithControls_AreRefused() =>
        Assert.Throws<GenerationException>(() => (Settings() with { NumBeams = 2, PresencePenalty = 1 }).Validate());

    private static GenerationSettings Settings() => new() { MaxNewTokens = 10, Temperature = 0 };

    // 2, then 1, then the end
    private sealed class Descending : ITokenConstraint
    {
        public ITokenConstraintState Begin() => new State();

        private sealed class State : ITokenConstraintState
        {
            private int _next = 2;

            public bool IsComplete => _next == 0;

            public void Restrict(Span<float> logits, IReadOnlyList<int> endIds)
            {
                Assert.Equal([0], endIds);
                for (var id = 0; id < logits.Length; id++)
                    if (id != _next)
                        logits[id] = float.NegativeInfinity;
            }

            public void Accept(int id) => Assert.Equal(_next--, id);
        }
    }
}
