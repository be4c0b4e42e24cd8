using LlavaSharp.Prompts;

namespace LlavaSharp.Tests.Prompts;

public class PromptReaderTests
{
    private static readonly string[] _readable = ["v1", "vicuna_v1", "llama_2", "mistral_instruct", "chatml_direct", "mistral_direct", "llava_v0", "v0_mmtag", "llava_v1", "v1_mmtag", "llava_llama_2", "mpt"];

    public static TheoryData<string> Readable => [.. _readable];

    [Theory]
    [MemberData(nameof(Readable))]
    public void Read_PromptOfItsTemplate_GivesTheTurns(string template)
    {
        string[] texts = ["<image>\nWhat is this?", "A cat.\n\nOn a mat", "USER: why?", "Human", "  spaces  "];
        for (var count = 1; count <= texts.Length; count += 2)
            foreach (var system in new[] { null, "Be brief.", "Two\n\nlines: of it" })
            {
                var written = Write(template, system, texts[..count]);
                var read = PromptReader.Read(written.GetPrompt(), template);
                Assert.Equal(written.System, read.System);
                Assert.Equal(written.Messages.Select(message => (message.Role, message.Text)), read.Messages.Select(message => (message.Role, message.Text)));
                Assert.Equal(written.GetPrompt(), read.GetPrompt());
            }
    }

    [Theory]
    [InlineData("vicuna_v1", "")]
    [InlineData("vicuna_v1", "USER: hello")]
    [InlineData("vicuna_v1", "S USER: hello ASSISTANT: closed</s>")]
    [InlineData("vicuna_v1", "S USER: hello ASSISTANT: closed")]
    [InlineData("vicuna_v1", "S USER:hello ASSISTANT:")]
    [InlineData("vicuna_v1", "S USER: hello ASSISTANT:yes</s>USER: why ASSISTANT:")]
    [InlineData("vicuna_v1", "S USER:  ASSISTANT: </s>USER: why ASSISTANT:")]
    [InlineData("vicuna_v1", "S###Human: hello###Assistant:")]
    [InlineData("llava_v0", "S USER: hello ASSISTANT:")]
    [InlineData("mpt", "<|im_start|>user\nhello<|im_end|>")]
    [InlineData("llava_llama_2", "hello [/INST]")]
    [InlineData("llava_llama_2", "[INST] <<SYS>>\nno end of it [/INST] yes")]
    public void Read_AnotherPrompt_IsRefusedByName(string template, string prompt)
    {
        var error = Assert.Throws<PromptException>(() => PromptReader.Read(prompt, template));
        Assert.Contains($"'{template}'", error.Message);
        Assert.Contains("--conv-mode", error.Message);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("default")]
    public void Read_TemplateWithoutRolesOrWithExamples_IsRefused(string template) => Assert.Throws<PromptException>(() => PromptReader.Read("x\n", template));

    [Fact]
    public void Read_NoSuchTemplate_NamesTheNearest() => Assert.Throws<UnknownNameException>(() => PromptReader.Read("x", "vicuna_v2"));

    [Theory]
    [MemberData(nameof(Readable))]
    public void Read_AnyPieces_WriteTheSamePromptOrAreRefused(string template)
    {
        var random = new Random(5);
        var model = Write(template, null, ["q", "a", "q"]);
        string[] pieces = [model.System, model.Separator, model.Separator2 ?? "x", model.Roles[0], model.Roles[1], ":", ": ", " ", "\n", "<image>", "[INST] ", " [/INST]", "<<SYS>>\n", "\n<</SYS>>\n\n", "text", "\ud83d", "", model.GetPrompt()];
        var read = 0;
        for (var i = 0; i < 4000; i++)
        {
            var prompt = string.Concat(Enumerable.Range(0, random.Next(14)).Select(_ => pieces[random.Next(pieces.Length)]));
            try
            {
                Assert.Equal(prompt, PromptReader.Read(prompt, template).GetPrompt());
                read++;
            }
            catch (PromptException)
            {
                // refused
            }
        }
        Assert.True(read > 20, $"{read}");
    }

    private static Conversation Write(string template, string? system, string[] texts)
    {
        var conversation = ConversationTemplates.Get(template);
        if (system is not null)
            ConversationText.SetSystem(conversation, system);
        for (var i = 0; i < texts.Length; i++)
            conversation.Append(conversation.Roles[i % 2], texts[i]);
        conversation.Append(conversation.Roles[1], null);
        return conversation;
    }
}
