using System.ClientModel;
using System.Text.Json;
using LlavaSharp.Serving.Hosting;
using OllamaSharp;
using OllamaSharp.Models.Chat;
using OpenAI;
using OpenAI.Chat;

namespace LlavaSharp.Serving.Tests.OpenAi;

/// <summary>Calls that a model makes of its own will, as the clients see them.</summary>
public sealed class CalledToolTests : IClassFixture<ApiStage>
{
    private const string Answer = "I look.\n<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": \"the }lamp\", \"times\": 2}}\n</tool_call>\n<tool_call>{\"name\":\"wait\",\"arguments\":{}}</tool_call>";

    private readonly ApiStage _stage;
    private readonly ScriptedEngine _engine;

    public CalledToolTests(ApiStage stage)
    {
        _stage = stage;
        _engine = new(stage.Engine.Model, Answer);
        stage.Models.Set(new ServedModel("scripted", _engine, DateTimeOffset.UnixEpoch));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OpenAi_TextAndTwoCalls_AreToldApart(bool streamed)
    {
        var client = new OpenAIClient(new ApiKeyCredential("none"), new() { Endpoint = new(_stage.Address, "v1") }).GetChatClient("scripted");
        var options = new ChatCompletionOptions();
        options.Tools.Add(ChatTool.CreateFunctionTool("look"));
        options.Tools.Add(ChatTool.CreateFunctionTool("wait"));
        var (text, reason) = ("", (ChatFinishReason?)null);
        var calls = new SortedDictionary<int, (string Id, string Name, string Arguments)>();
        if (streamed)
        {
            await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage("Look!")], options, Cancellation))
            {
                text += string.Concat(update.ContentUpdate.Select(part => part.Text));
                reason = update.FinishReason ?? reason;
                foreach (var piece in update.ToolCallUpdates)
                {
                    var known = calls.GetValueOrDefault(piece.Index, ("", "", ""));
                    calls[piece.Index] = (known.Item1 + piece.ToolCallId, known.Item2 + piece.FunctionName, known.Item3 + piece.FunctionArgumentsUpdate);
                }
            }
        }
        else
        {
            var completion = (await client.CompleteChatAsync([new UserChatMessage("Look!")], options, Cancellation)).Value;
            (text, reason) = (completion.Content[0].Text, completion.FinishReason);
            foreach (var call in completion.ToolCalls)
                calls[calls.Count] = (call.Id, call.FunctionName, call.FunctionArguments.ToString());
        }
        Assert.Equal("I look.", text.Trim());
        Assert.Equal(ChatFinishReason.ToolCalls, reason);
        Assert.Equal([("look", "{\"at\": \"the }lamp\", \"times\": 2}"), ("wait", "{}")], calls.Values.Select(call => (call.Name, call.Arguments)));
        Assert.Equal(2, calls.Values.Select(call => call.Id).Distinct().Count());
        Assert.NotNull(_engine.Asked!.Options.Constraint);
        Assert.Contains("\"name\":\"look\"", _engine.Asked.Prompt, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Ollama_TextAndTwoCalls_AreToldApart(bool streamed)
    {
        using var client = new OllamaApiClient(_stage.Address, "scripted");
        var (text, calls) = ("", new List<Message.ToolCall>());
        var request = new ChatRequest { Model = "scripted", Stream = streamed, Messages = [new(ChatRole.User, "Look!")], Tools = [new Tool { Function = new() { Name = "look" } }, new Tool { Function = new() { Name = "wait" } }] };
        await foreach (var piece in client.ChatAsync(request, Cancellation))
        {
            text += piece!.Message.Content;
            calls.AddRange(piece.Message.ToolCalls ?? []);
        }
        Assert.Equal("I look.", text.Trim());
        Assert.Equal(["look", "wait"], calls.Select(call => call.Function!.Name));
        Assert.Equal("the }lamp", ((JsonElement)calls[0].Function!.Arguments!["at"]!).GetString());
    }
}
