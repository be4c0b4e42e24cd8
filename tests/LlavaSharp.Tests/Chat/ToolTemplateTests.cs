using System.Text.Json;
using LlavaSharp.Generation;
using Microsoft.Extensions.AI;

namespace LlavaSharp.Tests.Chat;

/// <summary>A model whose own chat template knows tools is told of them in its way.</summary>
public sealed class ToolTemplateTests
{
    private const string Template = """
        {%- if tools %}TOOLS{% for t in tools %} {{ t.function.name }}{% endfor %};{% endif -%}
        {%- for m in messages %}{{ m.role }}: {{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>{{ c.function.name }} {{ c.function.arguments.at }}</tool_call>{% endfor %}{% if m.role == 'tool' %} ({{ m.name }}){% endif %};{% endfor -%}
        {%- if add_generation_prompt %}assistant: {% endif %}
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Client_OwnTemplateWithTools_WritesThemItself()
    {
        using var files = new TinyLanguageModel(Template);
        using var model = await LlavaModel.LoadAsync(files.Folder, TinyLanguageModel.Options, Token);
        var call = new FunctionCallContent("c1", "look", new Dictionary<string, object?> { ["at"] = "lamp" });
        var look = AIFunctionFactory.CreateDeclaration("look", "Looks.", JsonElement.Parse("""{"type":"object","properties":{"at":{"type":"string","maxLength":3}},"required":["at"]}"""));
        ChatMessage[] messages =
        [
            new(ChatRole.System, "Be short."), new(ChatRole.User, "Look!"), new(ChatRole.Assistant, [call]),
            new(ChatRole.Tool, [new FunctionResultContent("c1", "a lamp")]), new(ChatRole.Assistant, "A lamp."), new(ChatRole.User, "Again!"),
        ];

        var response = await model.AsChatClient().GetResponseAsync(messages, new() { Temperature = 0, MaxOutputTokens = 300, Tools = [look], ToolMode = ChatToolMode.RequireAny, AllowMultipleToolCalls = false }, Token);

        Assert.Equal(
            "TOOLS look;system: Be short.;user: Look!;assistant: <tool_call>look lamp</tool_call>;tool: a lamp (look);assistant: A lamp.;user: Again!;assistant: ",
            ((GenerationResult)response.RawRepresentation!).Prompt);
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
        var asked = Assert.IsType<FunctionCallContent>(Assert.Single(response.Messages[0].Contents));
        Assert.InRange(((JsonElement)asked.Arguments!["at"]!).GetString()!.EnumerateRunes().Count(), 0, 3);
    }
}
