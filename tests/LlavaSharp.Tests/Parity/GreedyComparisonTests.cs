using LlavaSharp.Parity;

namespace LlavaSharp.Tests.Parity;

public class GreedyComparisonTests
{
    private const double Bound = 0.002;

    [Theory]
    [InlineData(new[] { 1, 2, 3 }, new[] { 0.1, 0.1, 0.1 }, true, true)]
    [InlineData(new[] { 1, 9, 3 }, new[] { 0.1, 0.1, 0.1 }, false, false)]
    [InlineData(new[] { 1, 9, 9 }, new[] { 0.1, 0.001, 0.1 }, true, false)]   // from the uncertain step on nothing is compared
    [InlineData(new[] { 9, 2, 3 }, new[] { 0.1, 0.001, 0.1 }, false, false)]
    [InlineData(new[] { 1, 9, 3 }, new[] { 0.1, 0.002, 0.1 }, false, false)]  // the bound itself is not under the bound
    [InlineData(new[] { 1, 2 }, new[] { 0.1, 0.1, 0.1 }, false, false)]
    [InlineData(new[] { 1, 2 }, new[] { 0.1, 0.1, 0.001 }, true, false)]
    [InlineData(new[] { 1, 2, 3 }, new[] { 0.1, 0.1 }, false, true)]          // one margin for each id
    public void Check_Ids_FollowTheRule(int[] actual, double[] margins, bool ok, bool comparesText)
    {
        var c = new Comparison();
        var compared = false;
        GreedyComparison.Check(c, [1, 2, 3], margins, recorded: true, actual, Bound, () => compared = true);
        Assert.Equal(ok, c.Failure is null);
        Assert.Equal(comparesText, compared);
    }

    [Fact]
    public void Check_NoRecordedMargins_TakesTheProducts()
    {
        var c = new Comparison();
        GreedyComparison.Check(c, [1, 2, 3], [0.1, 0.001], recorded: false, [1, 7], Bound, () => { });
        Assert.Null(c.Failure);
        GreedyComparison.Check(c, [1, 2, 3], [0.1, 0.1], recorded: false, [1, 7], Bound, () => { });
        Assert.NotNull(c.Failure);
    }

    [Fact]
    public void Margin_Logits_IsTheDistanceOfTheBestTwo()
    {
        Assert.Equal(0.5, GreedyComparison.Margin([1f, 3f, 2.5f, -4f]));
        Assert.Equal(0, GreedyComparison.Margin([3f, 3f]));
    }
}
