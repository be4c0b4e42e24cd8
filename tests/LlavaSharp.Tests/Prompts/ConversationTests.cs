using System.Security.Cryptography;
using System.Text;
using LlavaSharp.Imaging;
using LlavaSharp.Prompts;
using LlavaSharp.Prompts.ChatTemplates;

namespace LlavaSharp.Tests.Prompts;

public class ConversationTests
{
    private static readonly Image Picture = Image.FromRgb(8, 6, new byte[8 * 6 * 3]);

    [Fact]
    public void GetPrompt_UntouchedV0_HasThePublishedHash()
    {
        var prompt = ConversationTemplates.Get("v0").GetPrompt();
        Assert.Equal(1646, prompt.Length);
        Assert.Equal("2f74c789d2ec8ec24d3d6a7a05b8deda", Convert.ToHexStringLower(MD5.HashData(Encoding.UTF8.GetBytes(prompt))));
    }

    [Theory]
    [InlineData("v1", 154)]
    [InlineData("llava_v1", 156)]
    [InlineData("llama_2", 508)]
    [InlineData("llava_llama_2", 186)]
    [InlineData("v0_mmtag", 311)]
    [InlineData("chatml_direct", 40)]
    [InlineData("mpt", 127)]
    [InlineData("plain", 0)]
    public void System_OfTemplate_HasThePublishedLength(string template, int length) =>
        Assert.Equal(length, ConversationTemplates.Get(template).System.Length);

    [Theory]
    [InlineData("v1", "S USER: <image>\nU1 ASSISTANT: A1</s>USER: U2 ASSISTANT:")]
    [InlineData("llava_v1", "S USER: <image>\nU1 ASSISTANT: A1</s>USER: U2 ASSISTANT:")]
    [InlineData("v1_mmtag", "S USER: <image>\nU1 ASSISTANT: A1</s>USER: U2 ASSISTANT:")]
    [InlineData("llava_v0", "S###Human: <image>\nU1###Assistant: A1###Human: U2###Assistant:")]
    [InlineData("v0_mmtag", "S###Human: <image>\nU1###Assistant: A1###Human: U2###Assistant:")]
    [InlineData("mistral_instruct", "[INST] <image>\nU1 [/INST] A1 </s>[INST] U2 [/INST]")]
    [InlineData("llama_2", "[INST] <<SYS>>\nS\n<</SYS>>\n\n<image>\nU1 [/INST] A1 </s><s>[INST] U2 [/INST]")]
    [InlineData("llava_llama_2", "[INST] <<SYS>>\nS\n<</SYS>>\n\n<image>\nU1 [/INST] A1 </s><s>[INST] U2 [/INST]")]
    [InlineData("mpt", "S<|im_end|><|im_start|>user\n<image>\nU1<|im_end|><|im_start|>assistant\nA1<|im_end|><|im_start|>user\nU2<|im_end|><|im_start|>assistant\n")]
    [InlineData("chatml_direct", "S<|im_end|><|im_start|>user\n<image>\nU1<|im_end|><|im_start|>assistant\nA1<|im_end|><|im_start|>user\nU2<|im_end|><|im_start|>assistant\n")]
    public void GetPrompt_TwoRounds_MatchesTheOriginal(string template, string expected)
    {
        var conversation = ConversationTemplates.Get(template);
        if (conversation.System.Length > 0)
            conversation.System = "S";
        conversation.Append(conversation.Roles[0], "<image>\nU1");
        conversation.Append(conversation.Roles[1], "A1");
        conversation.Append(conversation.Roles[0], "U2");
        conversation.Append(conversation.Roles[1], null);
        Assert.Equal(expected, conversation.GetPrompt());
    }

    [Theory]
    [InlineData("llava_v1", "S USER: <image>\nHi ASSISTANT:")]
    [InlineData("v1_mmtag", "S USER: <Image><image></Image> ASSISTANT: Received.</s>USER: Hi ASSISTANT:")]
    [InlineData("v0_mmtag", "S###Human: <Image><image></Image>###Assistant: Received.###Human: Hi###Assistant:")]
    [InlineData("mistral_instruct", "[INST] <image>\nHi [/INST]")]
    public void GetPrompt_PictureInTheFirstTurn_IsAnnouncedInFront(string template, string expected)
    {
        var conversation = ConversationTemplates.Get(template);
        if (conversation.System.Length > 0)
            conversation.System = "S";
        conversation.Append(conversation.Roles[0], "Hi\n<image>\u001f", Picture);
        conversation.Append(conversation.Roles[1], null);
        Assert.Equal(expected, conversation.GetPrompt());
        Assert.Equal("Hi\n<image>\u001f", conversation.Messages[0].Text);
    }

    [Fact]
    public void GetPrompt_LaterTurnWithPictureAndNoText_IsNotOpen()
    {
        var conversation = new Conversation(SeparatorStyle.Single, "#", ["A", "B"]);
        conversation.Append("A", "Hi");
        conversation.Append("B", "", Picture);
        conversation.Append("B", "");
        Assert.Equal("#A: Hi#B: #B:", conversation.GetPrompt());
    }

    [Theory]
    [InlineData("A", null)]
    [InlineData("A", "")]
    [InlineData("B", "I go first")]
    public void GetPrompt_Llama2WithoutQuestionInFront_Throws(string role, string? text)
    {
        var conversation = new Conversation(SeparatorStyle.Llama2, "<s>", ["A", "B"]) { Separator2 = "</s>" };
        conversation.Append(role, text);
        Assert.Equal(0, Assert.Throws<PromptException>(conversation.GetPrompt).MessageIndex);
    }

    [Fact]
    public void GetPrompt_Llama2_StripsCodePointsNotHalves()
    {
        // U+1F98A and U+1F98B share their first UTF-16 half.
        var conversation = new Conversation(SeparatorStyle.Llama2, "\U0001F98A[ ", ["\U0001F98B", "B"]);
        conversation.Append("\U0001F98B", "Hi");
        Assert.Equal("INST] Hi [/INST]", conversation.GetPrompt());
        Assert.Equal("\U0001F98Bx", PythonText.StripLeft("\U0001F98A\U0001F98Bx", "\U0001F98A"));
    }

    [Fact]
    public void GetPrompt_PlainWithAnswer_Throws()
    {
        var conversation = ConversationTemplates.Get("plain");
        conversation.Append("", "<image>");
        Assert.Equal("<image>\n", conversation.GetPrompt());
        conversation.Append("", "A lamp.");
        Assert.Equal(1, Assert.Throws<PromptException>(conversation.GetPrompt).MessageIndex);
    }

    [Fact]
    public void Copy_Changed_LeavesTheFirstAlone()
    {
        var first = ConversationTemplates.Get("llava_v1");
        first.SkipNext = true;
        first.Append("USER", "One");
        var second = first.Copy();
        second.Append("ASSISTANT", "Two");
        second.System = "";
        Assert.False(second.SkipNext);
        Assert.Single(first.Messages);
        Assert.NotEqual("", first.System);
        Assert.Equal(" USER: One ASSISTANT: Two</s>", second.GetPrompt());
    }

    [Fact]
    public void GetImages_OnlyUserTurnsAfterTheExamples()
    {
        var conversation = ConversationTemplates.Get("v0");
        conversation.Append("Human", "One", Picture);
        conversation.Append("Assistant", "Two", Picture);
        conversation.Append("Human", "Three", Picture, "Pad");
        Assert.Equal([(8, 6), (8, 8)], conversation.GetImages().Select(image => (image.Width, image.Height)));
        Assert.Equal(2, conversation.GetImagesAsBase64().Count);
    }

    [Fact]
    public void GetImages_UnknownMode_ThrowsATypedError()
    {
        var conversation = ConversationTemplates.Get("llava_v1");
        conversation.Append("USER", "One", Picture, "Stretch");
        Assert.ThrowsAny<LlavaException>(conversation.GetImages);
    }

    [Fact]
    public void ToDictionary_WithPicture_HoldsTextsAlone()
    {
        var conversation = new Conversation(SeparatorStyle.Two, " ", ["A", "B"]) { System = "S", Separator2 = "|" };
        conversation.Append("A", "<image>\nHi", Picture);
        conversation.Append("B", null);
        Assert.Equal(
            """{"system":"S","roles":["A","B"],"messages":[["A","\u003Cimage\u003E\nHi"],["B",null]],"offset":0,"sep":" ","sep2":"|"}""",
            conversation.ToDictionary().ToJsonString());
    }

    [Fact]
    public void ToChatPairs_WithPicture_ShowsItInFront()
    {
        var conversation = ConversationTemplates.Get("v0");
        conversation.Append("Human", " What is <image>\n", Picture, "Pad");
        conversation.Append("Assistant", "A lamp.");
        conversation.Append("Human", "<image> stays");
        conversation.Append("Assistant", null);
        conversation.Append("Human", "More");
        var pairs = conversation.ToChatPairs();
        Assert.StartsWith("<img src=\"data:image/jpeg;base64,/9j/", pairs[0].Question);
        Assert.EndsWith("\" alt=\"user upload image\" />What is", pairs[0].Question);
        Assert.Equal(["A lamp.", null, null], pairs.Select(pair => pair.Answer));
        Assert.Equal(["<image> stays", "More"], pairs.Skip(1).Select(pair => pair.Question));
    }

    [Fact]
    public void GetPrompt_ChatTemplate_WritesSystemTurnsAndTheOpenAnswer()
    {
        var conversation = new Conversation(ChatTemplate.Parse("{% for m in messages %}{{ m.role }}={{ m.content }};{% endfor %}{{ add_generation_prompt }}"));
        Assert.Equal("False", conversation.GetPrompt());
        conversation.Append(conversation.Roles[0], "a");
        Assert.Equal("user=a;False", conversation.GetPrompt());
        conversation.System = "S";
        conversation.Append(conversation.Roles[1], null);

        Assert.Equal("system=S;user=a;True", conversation.GetPrompt());
        Assert.Equal("system=S;user=a;True", conversation.Copy().GetPrompt());
        Assert.True(conversation.WritesSpecialTokens);
        Assert.Null(conversation.StopText);
    }

    [Fact]
    public void GetPrompt_ChatTemplateStyleWithoutOne_IsRefused() =>
        Assert.Contains("no chat template", Assert.Throws<PromptException>(() => new Conversation(SeparatorStyle.ChatTemplate, "", ["a", "b"]).GetPrompt()).Message);

    [Fact]
    public void StopText_FollowsTheStyle()
    {
        Assert.Equal("###", ConversationTemplates.Get("llava_v0").StopText);
        Assert.Equal("</s>", ConversationTemplates.Get("llava_v1").StopText);
        Assert.Equal("<|im_end|>", ConversationTemplates.Get("mpt").StopText);
        Assert.Null(ConversationTemplates.Get("plain").StopText);
    }

    [Fact]
    public void Constructor_OneRole_Throws() =>
        Assert.Throws<ArgumentException>(() => new Conversation(SeparatorStyle.Two, " ", ["A"]));
}
