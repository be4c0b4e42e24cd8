using LlavaSharp.Checkpoints;
using LlavaSharp.Prompts;

namespace LlavaSharp.Tests.Prompts;

public class ConversationTemplatesTests
{
    [Fact]
    public void Get_SlipOfTheKey_NamesTheNearest()
    {
        var error = Assert.Throws<UnknownNameException>(() => ConversationTemplates.Get("lava_v1"));
        Assert.Equal("llava_v1", error.Nearest);
        Assert.Contains("mistral_instruct", error.Message);
        Assert.Throws<UnknownNameException>(() => ConversationTemplates.Get("mistral_orca"));
    }

    [Fact]
    public void Get_Twice_GivesTwoConversations()
    {
        ConversationTemplates.Get("v0").Messages.Clear();
        Assert.Equal(2, ConversationTemplates.Get("v0").Messages.Count);
        Assert.Equal(16, ConversationTemplates.Names.Count);
        Assert.Equal(ConversationTemplates.Get("vicuna_v1").System, ConversationTemplates.Default.System);
    }

    [Theory]
    [InlineData("llava-v1.5-7b", "llava_v1")]
    [InlineData("LLaVA-Llama-2-13B", "llava_llama_2")]
    [InlineData("llava-v1.6-mistral-7b", "mistral_instruct")]
    [InlineData("llava-v1.6-34b", "chatml_direct")]
    [InlineData("llava-lightning-mpt-7b", "mpt")]
    [InlineData("LLaVA-7B-v0", "llava_v0")]
    [InlineData("llava-mixtral", "llava_v0")]
    [InlineData("", "llava_v0")]
    public void InferName_FirstRuleWins(string model, string expected) => Assert.Equal(expected, ConversationTemplates.InferName(model));

    [Theory]
    [InlineData("llava-v1.5-7b", "llava_v1")]
    [InlineData("LLaVA-Llama-2-13B", "llava_llama_2")]
    [InlineData("llava-mixtral-hermes", "chatml_direct")]
    [InlineData("llava-mistral-orca", "mistral_instruct")]
    [InlineData("llava-v1.6-34b", "chatml_direct")]
    [InlineData("llava-v1-mmtag", "v1_mmtag")]
    [InlineData("llava-v1-plain", "v1_mmtag")]
    [InlineData("llava-v1-plain-finetune", "llava_v1")]
    [InlineData("llava-mpt-mmtag", "mpt")]
    [InlineData("llava-plain", "v0_mmtag")]
    [InlineData("llava-mmtag", "v0_mmtag")]
    [InlineData("llava", "llava_v0")]
    [InlineData("mpt-7b", "mpt")]
    [InlineData("MPT-7b", "vicuna_v1")]
    [InlineData("llama-2-7b", "llama_2")]
    [InlineData("vicuna-13b", "vicuna_v1")]
    public void InferNameForWeb_EveryRule_NamesATemplateThatExists(string model, string expected)
    {
        Assert.Equal(expected, ConversationTemplates.InferNameForWeb(model));
        Assert.Contains(expected, ConversationTemplates.Names);
    }

    [Theory]
    [InlineData("llava-Plain", "v1", "v1_mmtag")]
    [InlineData("llava-plain-finetune", "v1", "v1")]
    [InlineData("llava-plain", "v1_mmtag", "v1_mmtag")]
    [InlineData("llava", "v1", "v1")]
    public void ForPretrainedModel_OnlyPlainModels_GetTheTag(string model, string template, string expected) =>
        Assert.Equal(expected, ConversationTemplates.ForPretrainedModel(model, template));

    [Theory]
    [InlineData("liuhaotian/llava-v1.5-7b//", "llava-v1.5-7b")]
    [InlineData("runs/my-llava/checkpoint-500/", "my-llava_checkpoint-500")]
    [InlineData("a//checkpoint-3", "_checkpoint-3")]
    [InlineData("C:\\models\\llava", "C:\\models\\llava")]
    [InlineData("/", "")]
    public void FromPath_Path_GivesTheName(string path, string expected) => Assert.Equal(expected, ModelNames.FromPath(path));

    [Fact]
    public void FromPath_CheckpointAlone_Throws() => Assert.Throws<CheckpointException>(() => ModelNames.FromPath("/checkpoint-9"));

    [Fact]
    public void SeparatorStyles_Names_RoundTrip()
    {
        foreach (var style in Enum.GetValues<SeparatorStyle>())
            Assert.Equal(style, SeparatorStyles.FromName(SeparatorStyles.ToName(style)));
        Assert.Throws<UnknownNameException>(() => SeparatorStyles.FromName("LLAMA2"));
    }
}
