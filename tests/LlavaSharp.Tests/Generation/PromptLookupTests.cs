using LlavaSharp.Generation;

namespace LlavaSharp.Tests.Generation;

public sealed class PromptLookupTests
{
    private const int Picture = -200;

    [Theory]
    [InlineData(new[] { 1, 2, 3, 4, 5, 6, 9, 1, 2, 3 }, new[] { 4, 5, 6 })]             // three ids are found
    [InlineData(new[] { 1, 2, 3, 4, 5, 9, 7, 2, 3 }, new[] { 4, 5, 9 })]                // only two are
    [InlineData(new[] { 1, 2, 3, 4, 8, 2, 3, 5, 6, 7, 1, 2, 3 }, new[] { 4, 8, 2 })]    // three win over two that came later
    [InlineData(new[] { 2, 3, 4, 2, 3, 5, 6, 7, 2, 3 }, new[] { 5, 6, 7 })]             // of two places the later one wins
    [InlineData(new[] { 7, 1, 2, 1, 2 }, new[] { 1, 2, 1 })]                            // what repeats is repeated
    [InlineData(new[] { 5, 5, 5 }, new[] { 5, 5, 5 })]
    [InlineData(new[] { 3, 1, 2, 3 }, new int[0])]                                      // one id alone is not looked for
    [InlineData(new[] { 1, 2, 3, 4, 5 }, new int[0])]
    [InlineData(new[] { 1, 2 }, new int[0])]
    [InlineData(new int[0], new int[0])]
    [InlineData(new[] { 1, 2, Picture, Picture, 5, 1, 2 }, new int[0])]                 // a picture is not proposed
    [InlineData(new[] { 1, 2, 4, Picture, 5, 1, 2 }, new[] { 4 })]
    [InlineData(new[] { 1, Picture, Picture, 5, 1, Picture, Picture }, new int[0])]     // nor looked for
    [InlineData(new[] { Picture, 2, 3, 4, Picture, 2, 3 }, new[] { 4 })]
    public void Propose_Sequence_IsWhatFollowedBefore(int[] ids, int[] expected) => Assert.Equal(expected, new PromptLookup(ids).Propose(7));

    [Theory]
    [InlineData(2, 2)]
    [InlineData(0, 0)]
    [InlineData(-5, 0)]
    public void Propose_FewAreOfUse_GivesNoMore(int most, int expected) => Assert.Equal(expected, new PromptLookup([1, 2, 3, 4, 5, 1, 2]).Propose(most).Length);

    [Fact]
    public void Append_GeneratedIds_AreLookedForAndFound()
    {
        var lookup = new PromptLookup([1, 2]);
        foreach (var id in new[] { 8, 9, 4, 8, 9 })
            lookup.Append(id);

        Assert.Equal([4, 8, 9], lookup.Propose(3));
    }

    [Fact]
    public void Report_AllRight_ProposesMoreUpToTheMost()
    {
        var lookup = new PromptLookup(Enumerable.Repeat(5, 20));
        Assert.Equal(3, lookup.Propose(99).Length);

        lookup.Report(3, 3);
        Assert.Equal(PromptLookup.MostProposals, lookup.Propose(99).Length);
        lookup.Report(7, 7);
        Assert.Equal(PromptLookup.MostProposals, lookup.Propose(99).Length);
        lookup.Report(7, 2);
        Assert.Equal(2, lookup.Propose(99).Length);
    }

    [Fact]
    public void Report_AlwaysWrong_ProposesLessAndLess()
    {
        var lookup = new PromptLookup(Enumerable.Repeat(5, 20));
        var proposed = new List<int>();
        for (var step = 0; step < 400; step++)
        {
            proposed.Add(lookup.Propose(99).Length);
            lookup.Report(proposed[^1], 0);
        }

        Assert.Equal([3, 0, 1, 0, 0, 0, 1], proposed.Take(7));
        Assert.InRange(proposed.Skip(100).Sum(), 1, 300 / 32);

        lookup.Report(1, 1);
        Assert.Equal([3, 3], Steps(lookup, 33).Where(length => length > 0).Take(2));

        static IEnumerable<int> Steps(PromptLookup lookup, int count) => Enumerable.Range(0, count).Select(_ => lookup.Propose(99).Length).ToList();
    }

    [Fact]
    public void Report_MoreRightThanProposed_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => new PromptLookup([1]).Report(1, 2));
}
