using LlavaSharp.Data.Synth;
using LlavaSharp.Evaluation.Synth;

namespace LlavaSharp.Data.Tests.Synth;

public class SynthTextCorpusTests
{
    [Fact]
    public void Sample_Questions_AreAnsweredByTheContextAlone()
    {
        for (var index = 0; index < 1500; index++)
        {
            var sample = SynthTextCorpus.Sample(3, index);
            var scene = Rebuild(sample.Context);
            Assert.Equal(sample.Context, SynthWords.Describe(scene));
            Assert.Equal(5, sample.Turns.Count);
            Assert.All(sample.Turns, turn => Assert.Equal((turn.Type, turn.Answer), SynthOracle.Answer(scene, turn.Text)));
        }
    }

    [Fact]
    public void Sample_SameSeedAndIndex_SameText()
    {
        var texts = Enumerable.Range(0, 100).Select(i => SynthTextCorpus.Sample(3, i).Text).ToArray();
        var again = new string[100];
        Parallel.For(0, 100, i => again[i] = SynthTextCorpus.Sample(3, i).Text);
        Assert.Equal(texts, again);
        Assert.Equal(100, texts.Distinct().Count());
        Assert.Equal(3, SynthTextCorpus.Sample(3, 0, 3).Turns.Count);
    }

    [Fact]
    public void Words_AndCharacters_HoldEverythingThatConversationsUse()
    {
        var words = SynthTextCorpus.Words().ToHashSet();
        var characters = SynthTextCorpus.Characters().ToHashSet();
        var generator = new SynthConversationGenerator(17);
        foreach (var turn in Enumerable.Range(0, 8000).SelectMany(i => generator.Create(i).Turns))
        {
            Assert.ProperSuperset((turn.Text + turn.Answer).ToHashSet(), characters);
            foreach (System.Text.RegularExpressions.Match word in System.Text.RegularExpressions.Regex.Matches(turn.Text + " " + turn.Answer, "[A-Za-z]+"))
                Assert.Contains(word.Value, words);
        }
    }

    [Fact]
    public void TokenizerTexts_AreStableAndGoOnWithConversations()
    {
        var texts = SynthTextCorpus.TokenizerTexts(1, 10).ToArray();
        Assert.Equal(texts, SynthTextCorpus.TokenizerTexts(1, 10));
        var fixedTexts = SynthTextCorpus.TokenizerTexts(1, 0).ToArray();
        Assert.Equal(fixedTexts, texts.Take(fixedTexts.Length));
        Assert.True(texts.Length > fixedTexts.Length);
    }

    /// <summary>A scene with what the context says and nothing more: centres in the middle of their places, order kept by small steps.</summary>
    private static SynthScene Rebuild(string context)
    {
        var objects = SynthDescribedObject.Parse(context).Select((item, i) => new SynthObject
        {
            Shape = item.Shape,
            Color = item.Color!.Value,
            Size = item.Size!.Value,
            Cell = item.Place!.Value,
            CenterX = 50 + 100 * (item.Place.Value % 3) + i,
            CenterY = 50 + 100 * (item.Place.Value / 3),
            Radius = item.Size == SynthSize.Big ? 45 : 27,
            Fullness = 0,
            Rgb = SynthPalette.Center(item.Color.Value),
        });
        return new() { Width = 300, Height = 300, Background = new(255, 255, 255), AntiAliased = false, Objects = [.. objects] };
    }
}
