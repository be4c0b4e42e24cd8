using LlavaSharp.Data.Synth;

namespace LlavaSharp.Data.Tests.Synth;

public sealed class SynthConversationSourceTests
{
    private const int Samples = 200;

    [Fact]
    public void Parse_EveryPart_IsTaken()
    {
        var options = SynthConversationSourceOptions.Parse("synth:seed=7,turns=3,min_side=100,max_side=180,large=0.1,describe_share=0.2,describe_first=0.3,weight_count-all=4,text");

        Assert.Equal((7L, 100, 180, 0.1, true, false), (options.Seed, options.MinSide, options.MaxSide, options.LargeShare, options.TextOnly, options.DescribeOnly));
        Assert.Equal((3, 0.2, 0.3), (options.Conversations.Turns, options.Conversations.DescribeShare, options.Conversations.DescribeFirstShare));
        Assert.Equal(4, options.Conversations.Weights[SynthQuestionType.CountAll]);
        Assert.Equal(new SynthConversationOptions().Weights[SynthQuestionType.Color], options.Conversations.Weights[SynthQuestionType.Color]);
    }

    [Theory]
    [InlineData("synth:turn=3", "turns")]
    [InlineData("synth:weight_colour=3", "color")]
    [InlineData("synth:weight_color=much", "no number")]
    [InlineData("file.json", "begin with")]
    public void Parse_UnknownPart_SaysWhatIsKnown(string text, string wanted) =>
        Assert.Contains(wanted, Assert.ThrowsAny<LlavaException>(() => SynthConversationSourceOptions.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Get_WeightOfOneType_AsksItMoreOften()
    {
        var usual = ColorQuestions("synth:seed=5,turns=1,describe_share=0");
        var often = ColorQuestions("synth:seed=5,turns=1,describe_share=0,weight_color=1000");

        Assert.InRange(usual, 1, Samples / 4);
        Assert.InRange(often, Samples / 2, Samples);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    public void Get_DescribeShare_DecidesWhetherDescriptionsComeFirst(double share, double wanted)
    {
        var source = new SynthConversationSource(new SynthConversationSourceOptions { Seed = 6, Conversations = new() { Turns = 2, DescribeShare = share, DescribeFirstShare = 1 } });
        var scenes = Enumerable.Range(0, Samples).Select(i => source.Get(i).Turns).Where(turns => turns.Count == 4).ToList();

        Assert.True(scenes.Count > Samples / 2);
        Assert.Equal(wanted, scenes.Average(turns => turns[1].Value.Contains(" at the ", StringComparison.Ordinal) ? 1.0 : 0.0), 0.1);
    }

    private static int ColorQuestions(string text)
    {
        var source = new SynthConversationSource(SynthConversationSourceOptions.Parse(text));
        return Enumerable.Range(0, Samples).Count(i => source.Get(i).Turns[0].Value.Contains("color", StringComparison.OrdinalIgnoreCase));
    }
}
