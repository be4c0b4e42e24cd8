using LlavaSharp.Checkpoints;
using LlavaSharp.Generation;
using LlavaSharp.Prompts;
using LlavaSharp.Prompts.ChatTemplates;
using Microsoft.Extensions.AI;

namespace LlavaSharp.Tests.Chat;

public sealed class ChatTemplateModelTests
{
    private const string Template =
        "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{{ eos_token if m.role == 'assistant' }}\n{% endfor %}{{ '[assistant]' if add_generation_prompt }}";

    private static readonly GenerationOptions _greedy = new() { Temperature = 0, MaxNewTokens = 4 };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CreateRequest_FolderWithChatTemplate_WritesAndEncodesByIt()
    {
        using var files = new TinyLanguageModel(Template);
        using var model = await LlavaModel.LoadAsync(files.Folder, TinyLanguageModel.Options, Token);

        var result = await model.CompleteAsync(model.CreateRequest("Hi", [], _greedy), Token);

        Assert.Equal(ConversationTemplates.ChatTemplateName, model.TemplateName);
        Assert.Equal("<s>[user]Hi\n[assistant]", result.Prompt);
        Assert.Equal(result.Prompt, model.CreatePrompt("Hi", 0));
        // the template writes the beginning token, so the tokenizer must not add another
        Assert.Equal(model.Tokenizer.Encode(result.Prompt, addSpecialTokens: false), result.InputIds);
        Assert.Single(result.InputIds, model.Tokenizer.BeginningOfSequenceId!.Value);
    }

    [Fact]
    public async Task ChatSession_ChatTemplate_SendsAllTurns()
    {
        using var files = new TinyLanguageModel(Template);
        using var model = await LlavaModel.LoadAsync(files.Folder, TinyLanguageModel.Options, Token);
        var session = new ChatSession(model, options: _greedy);

        await foreach (var _ in session.SendAsync("one", cancellationToken: Token))
        {
        }
        var answer = session.LastResult!.Text;
        await foreach (var _ in session.SendAsync("two", cancellationToken: Token))
        {
        }

        Assert.Equal($"<s>[user]one\n[assistant]{answer}</s>\n[user]two\n[assistant]", session.LastResult.Prompt);
        session.Reset();
        Assert.Empty(session.Conversation.Messages);
    }

    [Fact]
    public async Task ChatClient_ChatTemplate_TakesTheSystemText()
    {
        using var files = new TinyLanguageModel(Template);
        using var model = await LlavaModel.LoadAsync(files.Folder, TinyLanguageModel.Options, Token);

        var response = await model.AsChatClient().GetResponseAsync(
            [new(ChatRole.System, "Be brief."), new(ChatRole.User, "Hi")], new() { Temperature = 0, MaxOutputTokens = 2 }, Token);

        Assert.Equal("<s>[system]Be brief.\n[user]Hi\n[assistant]", ((GenerationResult)response.RawRepresentation!).Prompt);
    }

    [Fact]
    public async Task CreatePrompt_TemplateByName_WinsOverTheModels()
    {
        using var files = new TinyLanguageModel(Template);
        using var model = await LlavaModel.LoadAsync(files.Folder, TinyLanguageModel.Options, Token);

        Assert.Equal("<|im_start|>system\n", model.CreatePrompt("Hi", 0, "mpt")[..19]);
        Assert.Equal("mpt", model.ChooseTemplate("mpt"));
        var request = model.CreateRequest("Hi", [], template: "vicuna_v1");
        Assert.True(request.AddSpecialTokens);
    }

    [Fact]
    public async Task Load_ConfigNamesATemplate_ConfigWins()
    {
        using var files = new TinyLanguageModel(Template);
        var options = TinyLanguageModel.Options with { ConfigOverrides = new Dictionary<string, System.Text.Json.Nodes.JsonNode?> { ["conversation_template"] = "vicuna_v1" } };
        using var model = await LlavaModel.LoadAsync(files.Folder, options, Token);

        Assert.Equal("vicuna_v1", model.TemplateName);
        Assert.Equal("<s>[user]Hi\n[assistant]", model.CreatePrompt("Hi", 0, ConversationTemplates.ChatTemplateName));
    }

    [Fact]
    public async Task Load_TemplateThatCannotBeRead_FailsWhenItIsUsed()
    {
        using var files = new TinyLanguageModel("{% include 'x' %}");
        using var model = await LlavaModel.LoadAsync(files.Folder, TinyLanguageModel.Options, Token);

        Assert.Contains("include", Assert.Throws<ChatTemplateException>(() => model.CreatePrompt("Hi", 0)).Message);
        Assert.NotEmpty(model.CreatePrompt("Hi", 0, "vicuna_v1"));
    }

    [Fact]
    public async Task Load_NoChatTemplate_GoesByName()
    {
        using var files = new TinyLanguageModel(null);
        using var model = await LlavaModel.LoadAsync(files.Folder, TinyLanguageModel.Options with { ModelName = "some-v1" }, Token);

        Assert.Equal("llava_v1", model.TemplateName);
        Assert.Null(model.ChatTemplate);
        Assert.Contains("hold no chat template", Assert.Throws<PromptException>(() => model.CreateConversation(ConversationTemplates.ChatTemplateName)).Message);
    }

    [Fact]
    public async Task Load_GgufWithChatTemplate_UsesIt()
    {
        using var files = new TinyLanguageModel(null);
        var path = files.WriteGguf(7, Template);
        using var model = await LlavaModel.LoadAsync(path, TinyLanguageModel.Options, Token);

        Assert.Equal("<s>[user]Hi\n[assistant]", model.CreatePrompt("Hi", 0));
        Assert.Single(model.EncodePrompt(model.CreatePrompt("Hi", 0), 0, addSpecialTokens: false), model.Tokenizer.BeginningOfSequenceId!.Value);
        Assert.Equal([2, 7], model.Config.EosTokenIds);
        var report = CheckpointInspector.Inspect(path, inferTemplate: (name, has) => ConversationTemplates.NameFor(null, name, has));
        Assert.True(report.HasChatTemplate);
        Assert.Equal(ConversationTemplates.ChatTemplateName, report.Template);
    }

    [Fact]
    public async Task CreateConversation_ModelThatSees_KeepsTheOriginalsTemplates()
    {
        var error = Assert.Throws<PromptException>(() => TinyModel.Shared.CreateConversation(ConversationTemplates.ChatTemplateName));
        Assert.Contains("sees pictures", error.Message);
        Assert.NotEqual(ConversationTemplates.ChatTemplateName, TinyModel.Shared.TemplateName);
        var request = new GenerationRequest { Prompt = "Hi", AddSpecialTokens = false };
        await Assert.ThrowsAsync<PromptException>(() => TinyModel.Shared.CompleteAsync(request, Token));
    }
}
