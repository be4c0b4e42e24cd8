using LlavaSharp.Generation;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Tests.Generation;

public class KeywordStoppingCriteriaTests
{
    [Fact]
    public void ShouldStop_KeywordLeavesTheTail_TurnsFalseAgain()
    {
        var criteria = new KeywordStoppingCriteria(["##"], new Letters(), 2);
        Assert.Equal(["##"], criteria.KeywordIds.Select(Letters.Text));
        Assert.False(criteria.ShouldStop(Letters.Ids("pqa")));
        Assert.True(criteria.ShouldStop(Letters.Ids("pqa##")));
        Assert.False(criteria.ShouldStop(Letters.Ids("pqa##b")));
    }

    [Fact]
    public void ShouldStop_NothingNew_DecodesTheWholeRow()
    {
        var criteria = new KeywordStoppingCriteria(["b", "xy"], new Letters(), 3);
        Assert.True(criteria.ShouldStop(Letters.Ids("abc")));
        Assert.False(criteria.ShouldStop(Letters.Ids("abcd")));
    }

    [Fact]
    public void ShouldStop_IdsWithoutPrompt_DecodesFromThatPlaceOn()
    {
        // Three ids, prompt of four: k is -1, so everything but the first.
        var criteria = new KeywordStoppingCriteria(["a", "b"], new Letters(), 4);
        Assert.True(criteria.ShouldStop(Letters.Ids("xbc")));
        Assert.False(criteria.ShouldStop(Letters.Ids("axc")));
        Assert.False(criteria.ShouldStop(Letters.Ids("a c")));
    }

    [Fact]
    public void ShouldStop_Batch_NeedsEveryRow()
    {
        var criteria = new KeywordStoppingCriteria(["#"], new Letters(), 1);
        Assert.False(criteria.ShouldStop([Letters.Ids("p#"), Letters.Ids("pa")]));
        Assert.True(criteria.ShouldStop([Letters.Ids("p#"), Letters.Ids("q#")]));
    }

    /// <summary>One id a letter, and a beginning id of 1.</summary>
    private sealed class Letters : Tokenizer
    {
        public override int Count => char.MaxValue;

        public override int? BeginningOfSequenceId => 1;

        public override int? EndOfSequenceId => 2;

        public override int? PaddingId => null;

        public override int? UnknownId => null;

        public static int[] Ids(string text) => [.. text.Select(letter => (int)letter)];

        public static string Text(IEnumerable<int> ids) => string.Concat(ids.Select(id => (char)id));

        public override int[] Encode(string text, bool addSpecialTokens = true) => addSpecialTokens ? [1, .. Ids(text)] : Ids(text);

        public override string Decode(IEnumerable<int> ids, bool skipSpecialTokens = true) => Text(ids.Where(id => !skipSpecialTokens || !IsSpecial(id)));

        public override int? TokenToId(string token) => token.Length == 1 ? token[0] : null;

        public override string? IdToToken(int id) => ((char)id).ToString();

        public override bool IsSpecial(int id) => id is 1 or 2;

        public override int AddToken(string token, bool special) => 0;
    }
}
