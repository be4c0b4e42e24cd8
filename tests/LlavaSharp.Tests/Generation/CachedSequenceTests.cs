using LlavaSharp.Generation;
using LlavaSharp.Models;
using LlavaSharp.Prompts;

namespace LlavaSharp.Tests.Generation;

public sealed class CachedSequenceTests
{
    private const int Marker = LlavaConstants.ImageTokenIndex;

    [Fact]
    public void Of_PictureBetweenTexts_TakesItsPositions()
    {
        var plan = MergePlan.Create([[1, 5, Marker, 7]], null, [3]);

        var keys = PositionKey.Of(plan.Rows[0], [99]);

        var picture = new PositionKey(Marker, 99);
        Assert.Equal([new(1), new(5), picture, picture, picture, new(7)], keys);
    }

    [Fact]
    public void Of_RowThatIsCut_EndsThere()
    {
        var plan = MergePlan.Create([[1, Marker, 7]], null, [3], maximumLength: 3);

        Assert.Equal([new(1), new(Marker, 99), new(Marker, 99)], PositionKey.Of(plan.Rows[0], [99]));
    }

    [Fact]
    public void Of_HashMissing_IsRefused()
    {
        var plan = MergePlan.Create([[Marker, Marker]], null, [1, 1]);

        Assert.Throws<ArgumentException>(() => PositionKey.Of(plan.Rows[0], [99]));
    }

    [Theory]
    [InlineData(new[] { 1, 2, 3, 4 }, 3)]        // the last position is computed in any case
    [InlineData(new[] { 1, 2, 3, 4, 5, 6 }, 4)]
    [InlineData(new[] { 1, 2, 9, 4, 5 }, 2)]     // an edited history
    [InlineData(new[] { 1, 2 }, 1)]
    [InlineData(new[] { 9 }, 0)]
    public void Begin_SecondPrompt_KeepsTheCommonBeginning(int[] second, int expected)
    {
        using var sequence = Sequence(1, 2, 3, 4);

        Assert.Equal(expected, sequence.Begin(Keys(second)));
        Assert.Equal(expected, sequence.Length);
        Assert.Equal(expected, sequence.Cache.Length);
        Assert.Equal(Keys(second)[..expected], sequence.Contents);
    }

    [Fact]
    public void Begin_OtherPictureAtTheSamePlace_KeepsWhatIsBefore()
    {
        using var sequence = new CachedSequence(() => new(1));
        PositionKey[] Prompt(UInt128 picture) => [new(1), new(Marker, picture), new(Marker, picture), new(5), new(6)];
        Compute(sequence, Prompt(7));

        Assert.Equal(4, sequence.Begin(Prompt(7)));
        Assert.Equal(1, sequence.Begin(Prompt(8)));
    }

    [Fact]
    public void Begin_AfterAPassThatFailed_TrustsNoneOfIt()
    {
        using var sequence = Sequence(1, 2, 3);
        sequence.Begin(Keys(1, 2, 3, 4, 5));
        sequence.Cache.Advance(2);   // computed, but never said to be complete

        Assert.Equal(3, sequence.Begin(Keys(1, 2, 3, 4, 5)));
        Assert.Equal(3, sequence.Cache.Length);
    }

    [Fact]
    public void Rollback_GuessedPositions_AreForgotten()
    {
        using var sequence = Sequence(1, 2);
        sequence.Cache.Advance(4);
        sequence.Append(new PositionKey(3));

        sequence.Rollback();

        Assert.Equal(3, sequence.Cache.Length);
        Assert.Equal(Keys(1, 2, 3), sequence.Contents);
    }

    [Fact]
    public void Append_MoreThanTheCacheHolds_IsRefused()
    {
        using var sequence = Sequence(1, 2);

        Assert.Throws<InvalidOperationException>(() => sequence.Append(new PositionKey(3)));
    }

    [Fact]
    public void Begin_EmptyPrompt_IsRefused() => Assert.Throws<ArgumentException>(() => Sequence(1).Begin([]));

    [Fact]
    public void Clear_SequenceInUse_BeginsAgainFromNothing()
    {
        using var sequence = Sequence(1, 2, 3);
        var before = sequence.Cache;

        sequence.Clear();

        Assert.Equal(0, sequence.Begin(Keys(1, 2, 3)));
        Assert.NotSame(before, sequence.Cache);
    }

    private static PositionKey[] Keys(params int[] ids) => [.. ids.Select(id => new PositionKey(id))];

    private static CachedSequence Sequence(params int[] ids)
    {
        var sequence = new CachedSequence(() => new(1));
        Compute(sequence, Keys(ids));
        return sequence;
    }

    private static void Compute(CachedSequence sequence, PositionKey[] prompt)
    {
        var held = sequence.Begin(prompt);
        sequence.Cache.Advance(prompt.Length - held);
        sequence.Append(prompt.AsSpan(held));
    }
}
