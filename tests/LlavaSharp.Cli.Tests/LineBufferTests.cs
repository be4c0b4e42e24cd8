using LlavaSharp.Cli.Chat;

namespace LlavaSharp.Cli.Tests;

public sealed class LineBufferTests
{
    private static LineBuffer Typed(string text)
    {
        var line = new LineBuffer();
        foreach (var c in text)
            line.Insert(c);
        return line;
    }

    [Fact]
    public void Insert_SurrogatesAndCombiningMarks_AreOneCharacter()
    {
        var line = Typed("a😀e\u0301");

        Assert.Equal(3, line.Length);
        line.DeleteLeft();
        line.DeleteLeft();
        Assert.Equal("a", line.Text);
    }

    [Fact]
    public void Edit_InTheMiddle_KeepsTheRest()
    {
        var line = Typed("one two");

        line.MoveTo(3);
        line.Insert('!');
        line.DeleteRight();

        Assert.Equal(("one!two", 4), (line.Text, line.Cursor));
        line.MoveTo(99);
        line.DeleteWord();
        Assert.Equal("", line.Text);
    }

    [Theory]
    [InlineData("abcdef", 6, 4, "def", 3)]
    [InlineData("abcdef", 0, 4, "abc", 0)]
    [InlineData("图图图", 3, 5, "图图", 4)]
    [InlineData("ab", 1, 80, "ab", 1)]
    public void Window_LongLine_ShowsWhatIsAroundTheCursor(string text, int cursor, int columns, string shown, int column)
    {
        var line = Typed(text);
        line.MoveTo(cursor);

        Assert.Equal((shown, column), line.Window(columns));
    }

    [Fact]
    public void WithoutControls_EscapeCodes_BecomeHarmless() =>
        Assert.Equal("a\uFFFD[2Jb\n\tc\uFFFD", TerminalText.WithoutControls("a\u001b[2Jb\n\tc\u009b"));

    [Fact]
    public void Write_Pieces_AreTrimmedTogether()
    {
        var output = new StringWriter();
        var text = new TrimmingWriter(output);

        foreach (var piece in new[] { " ", "\n a", " ", "b \n", "" })
            text.Write(piece);

        Assert.Equal("a b", output.ToString());
    }
}
