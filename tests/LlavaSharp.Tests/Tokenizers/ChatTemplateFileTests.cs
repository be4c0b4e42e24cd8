using LlavaSharp.Tokenizers;

namespace LlavaSharp.Tests.Tokenizers;

public sealed class ChatTemplateFileTests
{
    [Theory]
    [InlineData("""{"chat_template": "{{ 1 }}"}""", "{{ 1 }}")]
    [InlineData("""{"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]}""", "d")]
    [InlineData("""{"chat_template": [{"name": "tool_use", "template": "t"}]}""", null)]
    [InlineData("""{"chat_template": null}""", null)]
    [InlineData("{}", null)]
    public void Find_TokenizerConfig_GivesTheDefaultTemplate(string config, string? expected)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("tokenizer_config.json"), config);

        Assert.Equal(expected, ChatTemplateFile.Find(folder.Path));
    }

    [Fact]
    public void Find_FileOfItsOwn_WinsOverTheConfig()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(ChatTemplateFile.Find(folder.Path));
        File.WriteAllText(folder.File("tokenizer_config.json"), """{"chat_template": "config"}""");
        File.WriteAllText(folder.File("chat_template.jinja"), "own é\n");

        Assert.Equal("own é\n", ChatTemplateFile.Find(folder.Path));
    }

    [Theory]
    [InlineData("tokenizer_config.json", "{\"chat_template\": 5}")]
    [InlineData("tokenizer_config.json", "{\"chat_template\": [5]}")]
    [InlineData("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"default\"}]}")]
    [InlineData("tokenizer_config.json", "[")]
    public void Find_Malformed_NamesTheFile(string name, string content)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File(name), content);

        Assert.Contains(name, Assert.Throws<TokenizerException>(() => ChatTemplateFile.Find(folder.Path)).Message);
    }

    [Fact]
    public void Find_NotUtf8_NamesTheFile()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("chat_template.jinja"), [0x61, 0xff]);

        Assert.Contains("chat_template.jinja", Assert.Throws<TokenizerException>(() => ChatTemplateFile.Find(folder.Path)).Message);
    }
}
