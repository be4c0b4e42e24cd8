using System.Text;
using FsCheck;
using FsCheck.Fluent;
using LlavaSharp.Generation;

namespace LlavaSharp.Tests.Generation;

public class StopStringMatcherTests
{
    [Fact]
    public void Push_PartOfAStop_IsHeldBack()
    {
        var matcher = new StopStringMatcher(["</s>"]);
        Assert.Equal("Hello", matcher.Push("Hello<"));
        Assert.Equal("", matcher.Push("/"));
        Assert.Equal("</b", matcher.Push("b"));
        Assert.Equal("", matcher.Push("</s"));
        Assert.Equal("", matcher.Push("> more"));
        Assert.True(matcher.IsStopped);
        Assert.Equal("</s>", matcher.Matched);
        Assert.Equal("", matcher.Push("and more") + matcher.Finish());
    }

    [Fact]
    public void Finish_NoStop_ReturnsWhatWasHeld()
    {
        var matcher = new StopStringMatcher(["###"]);
        Assert.Equal("a", matcher.Push("a##"));
        Assert.Equal("##", matcher.Finish());
        Assert.Equal("", matcher.Finish());
        Assert.False(matcher.IsStopped);
    }

    [Theory]
    [InlineData("xabcdy", "x", "abcd")]
    [InlineData("xbcdy", "x", "bcd")]
    [InlineData("xabd", "xabd", null)]
    public void Push_StopsThatEndTogether_TakesTheLongest(string text, string before, string? matched)
    {
        var matcher = new StopStringMatcher(["bcd", "abcd"]);
        Assert.Equal(before, matcher.Push(text) + matcher.Finish());
        Assert.Equal(matched, matcher.Matched);
    }

    [Fact]
    public void Push_StopThatIsCompleteFirst_Wins()
    {
        var matcher = new StopStringMatcher(["abcd", "bc"]);
        Assert.Equal("xa", matcher.Push("xabcd"));
        Assert.Equal("bc", matcher.Matched);
    }

    [Fact]
    public void Push_NoStops_PassesEverything()
    {
        var matcher = new StopStringMatcher([]);
        Assert.Equal("anything", matcher.Push("anything"));
        Assert.Equal("", matcher.Finish());
    }

    [Fact]
    public void Constructor_EmptyStop_Throws() => Assert.Throws<GenerationException>(() => new StopStringMatcher(["a", ""]));

    [Fact]
    public void Push_AnySplit_GivesTheSameText()
    {
        // Few letters make overlaps and repetitions likely.
        Gen<string> Text(int shortest, int longest) =>
            Gen.Choose(shortest, longest).SelectMany(length => Gen.Elements('a', 'b', '\n').ArrayOf(length)).Select(letters => new string(letters));
        var cases =
            from text in Text(0, 30)
            from count in Gen.Choose(0, 3)
            from list in Text(1, 5).ArrayOf(count)
            from cut in Gen.Choose(1, 4).ArrayOf(10)
            select (text, list, cut);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(cases.ToArbitrary(), given =>
        {
            var (text, list, cut) = given;
            var (expected, matched) = Expected(text, list);
            var matcher = new StopStringMatcher(list);
            var shown = new StringBuilder();
            var at = 0;
            foreach (var length in cut.Append(text.Length))
            {
                var end = Math.Min(text.Length, at + length);
                shown.Append(matcher.Push(text[at..end]));
                Assert.StartsWith(shown.ToString(), expected, StringComparison.Ordinal);
                at = end;
            }
            shown.Append(matcher.Finish());
            Assert.Equal(expected, shown.ToString());
            Assert.Equal(matched, matcher.Matched);
        }));
    }

    // Letter by letter: the first end wins, then the first start.
    private static (string Text, string? Matched) Expected(string text, string[] stops)
    {
        for (var end = 1; end <= text.Length; end++)
        {
            var found = stops.Where(stop => text[..end].EndsWith(stop, StringComparison.Ordinal)).MaxBy(stop => stop.Length);
            if (found is not null)
                return (text[..(end - found.Length)], found);
        }
        return (text, null);
    }
}
