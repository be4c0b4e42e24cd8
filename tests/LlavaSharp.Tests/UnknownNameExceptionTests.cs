namespace LlavaSharp.Tests;

public sealed class UnknownNameExceptionTests
{
    [Theory]
    [InlineData("cdua", "cuda")]       // two neighbours that changed places are one edit
    [InlineData("ucda", "cuda")]
    [InlineData("CUDA", "cuda")]
    [InlineData("cup", "cpu")]
    [InlineData("mp", "mps")]
    [InlineData("", null)]
    [InlineData("directml", null)]
    public void Nearest_MistypedName_IsTheOneMeant(string given, string? nearest)
    {
        var error = new UnknownNameException("device", given, ["auto", "cpu", "cuda", "mps"]);

        Assert.Equal(nearest, error.Nearest);
        Assert.Contains("Known: auto, cpu, cuda, mps.", error.Message);
    }

    [Fact]
    public void Message_VeryLongName_StaysShort()
    {
        var error = new UnknownNameException("device", new string('x', 1_000_000), ["auto"]);

        Assert.Null(error.Nearest);
        Assert.True(error.Message.Length < 400);
    }
}
