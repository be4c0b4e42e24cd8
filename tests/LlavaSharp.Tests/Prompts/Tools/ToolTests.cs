using System.Text.Json;
using LlavaSharp.Generation.Constraints;
using LlavaSharp.Prompts;
using LlavaSharp.Prompts.ChatTemplates;
using LlavaSharp.Tests.Generation.Constraints;

namespace LlavaSharp.Tests.Prompts.Tools;

public class ToolTests
{
    private const string Answer = "Let me see.\n<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": \"a } \\\" ]\", \"deep\": [{\"x\": {}}]}}\n</tool_call>\n<tool_call>{\"name\":\"wait\",\"arguments\":{}}</tool_call>";

    private static readonly ToolDefinition[] _tools =
    [
        new("look", "Looks.", JsonElement.Parse("""{"type":"object","properties":{"at":{"type":"string","maxLength":6}},"required":["at"]}""")),
        new("wait"),
    ];

    [Fact]
    public void Reader_TextAndCalls_AreToldApartHoweverTheyAreCut()
    {
        var random = new Random(1);
        for (var round = 0; round < 300; round++)
        {
            var reader = new ToolCallReader();
            var pieces = new List<ToolCallPiece>();
            for (var at = 0; at < Answer.Length;)
            {
                var length = Math.Min(random.Next(1, 1 + random.Next(1, 40)), Answer.Length - at);
                pieces.AddRange(reader.Push(Answer.Substring(at, length)));
                at += length;
            }
            pieces.AddRange(reader.End());

            Assert.Equal("Let me see.", reader.Text);
            Assert.Equal("Let me see.\n", string.Concat(pieces.Select(piece => piece.Text)));
            Assert.Equal([("look", "{\"at\": \"a } \\\" ]\", \"deep\": [{\"x\": {}}]}"), ("wait", "{}")], reader.Calls.Select(call => (call.Name, call.Arguments)));
            for (var i = 0; i < 2; i++)
            {
                var own = pieces.Where(piece => piece.Index == i).ToArray();
                Assert.Equal(reader.Calls[i].Id, own[0].Begun!.Id);
                Assert.Equal(reader.Calls[i].Arguments, string.Concat(own.Select(piece => piece.Arguments)));
                Assert.Equal(reader.Calls[i], own[^1].Ended);
            }
        }
    }

    [Theory]
    [InlineData("a < b <tool", "a < b <tool", 0)]
    [InlineData("<tool_call>{\"name\":\"loo", "", 0)]
    [InlineData("<tool_call>{\"name\":\"look\",\"arguments\":{\"at\":", "", 0)]
    [InlineData("<tool_call>{\"name\":\"look\",\"arguments\":{}", "", 1)]
    [InlineData("<tool_call>{\"name\":\"look\",\"arguments\":{}}</tool_call>\n<tool_c", "", 1)]
    [InlineData("", "", 0)]
    public void Reader_CutOff_KeepsWhatIsWhole(string answer, string text, int calls)
    {
        var (said, found) = ToolCallReader.Read(answer);
        Assert.Equal(text, said);
        Assert.Equal(calls, found.Count);
    }

    [Fact]
    public void Reader_Garbage_NeverFails()
    {
        var random = new Random(2);
        string[] parts = ["<tool_call>", "</tool_call>", "{", "}", "\"name\"", ":", "\"look\"", ",", "\"arguments\"", "[", "]", "\"", "\\", "\n", "<", "ä", "\ud800"];
        for (var i = 0; i < 5000; i++)
        {
            var reader = new ToolCallReader();
            for (var count = random.Next(30); count > 0; count--)
                reader.Push(parts[random.Next(parts.Length)]);
            reader.End();
            Assert.All(reader.Calls, call => Assert.StartsWith("{", call.Arguments, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Constraint_Required_GivesCallsOnly()
    {
        var constraint = JsonConstraint.ForToolCalls(Followed.Vocabulary, _tools, ToolChoice.Required);
        Assert.True(Followed.Admits(constraint, "<tool_call>{\"name\": \"look\", \"arguments\": {\"at\": \"x\"}}</tool_call>"));
        Assert.True(Followed.Admits(constraint, "<tool_call>\n{\"name\":\"wait\",\"arguments\":{}}\n</tool_call>\n<tool_call>{\"name\":\"wait\",\"arguments\":{}}</tool_call>"));
        Assert.False(Followed.Admits(constraint, "Hello"));
        Assert.False(Followed.Admits(constraint, "<tool_call>{\"name\":\"look\",\"arguments\":{}}</tool_call>"));
        Assert.False(Followed.Admits(constraint, "<tool_call>{\"name\":\"wait\",\"arguments\":{\"at\":\"x\"}}</tool_call>"));
        Assert.False(Followed.Admits(constraint, "<tool_call>{\"name\":\"other\",\"arguments\":{}}</tool_call>"));
        var one = JsonConstraint.ForToolCalls(Followed.Vocabulary, _tools, ToolChoice.Named("wait"));
        Assert.False(Followed.Admits(one, "<tool_call>{\"name\":\"wait\",\"arguments\":{}}</tool_call><tool_call>{\"name\":\"wait\",\"arguments\":{}}</tool_call>"));
        Assert.False(Followed.Admits(one, "<tool_call>{\"name\":\"look\",\"arguments\":{\"at\":\"x\"}}</tool_call>"));
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("Any text, ä <tool <<tool_calx \n", true)]
    [InlineData("Text <tool_call>{\"name\":\"wait\",\"arguments\":{}}</tool_call>", true)]
    [InlineData("<<tool_call>{\"name\":\"wait\",\"arguments\":{}}</tool_call>", true)]
    [InlineData("Text <tool_call>", false)]
    [InlineData("Text <tool_call>no", false)]
    [InlineData("<tool_call>{\"name\":\"wait\",\"arguments\":{}}</tool_call> text", false)]
    public void Constraint_Auto_IsFreeUntilACallBegins(string text, bool admitted) =>
        Assert.Equal(admitted, Followed.Admits(JsonConstraint.ForToolCalls(Followed.Vocabulary, _tools, ToolChoice.Auto), text));

    [Fact]
    public void Constraint_RandomLogits_GivesCallsThatAreRead()
    {
        var random = new Random(3);
        var constraint = JsonConstraint.ForToolCalls(Followed.Vocabulary, _tools, ToolChoice.Required);
        for (var i = 0; i < 60; i++)
        {
            var (text, isWhole) = Followed.Roll(constraint, random, 3000);
            Assert.True(isWhole);
            var (said, calls) = ToolCallReader.Read(text);
            Assert.Equal("", said);
            Assert.InRange(calls.Count, 1, 16);
            Assert.All(calls, call => Assert.Null(SchemaJudge.Fault(_tools.First(tool => tool.Name == call.Name).Parameters ?? JsonElement.Parse("{}"), JsonElement.Parse(call.Arguments))));
        }
    }

    [Fact]
    public void Tools_Wrong_AreRefused()
    {
        Assert.Throws<PromptException>(() => new ToolDefinition("two words"));
        Assert.Throws<PromptException>(() => new ToolDefinition(""));
        Assert.Throws<PromptException>(() => JsonConstraint.ForToolCalls(Followed.Vocabulary, [], ToolChoice.Auto));
        Assert.Throws<PromptException>(() => JsonConstraint.ForToolCalls(Followed.Vocabulary, [_tools[0], _tools[0]], ToolChoice.Auto));
        Assert.Throws<PromptException>(() => JsonConstraint.ForToolCalls(Followed.Vocabulary, _tools, ToolChoice.Named("gone")));
        Assert.Throws<ArgumentException>(() => JsonConstraint.ForToolCalls(Followed.Vocabulary, _tools, ToolChoice.None));
        var exception = Assert.Throws<JsonSchemaException>(() => JsonConstraint.ForToolCalls(Followed.Vocabulary, [new("f", null, JsonElement.Parse("""{"type":"string"}"""))], ToolChoice.Auto));
        Assert.Contains("the tool 'f'", Assert.Throws<JsonSchemaException>(() => JsonConstraint.ForToolCalls(Followed.Vocabulary, [new("f", null, JsonElement.Parse("""{"not":{}}"""))], ToolChoice.Auto)).Message, StringComparison.Ordinal);
        Assert.NotNull(exception.Pointer);
        Assert.Throws<PromptException>(() => new ToolCall("1", "f", "[]").ReadArguments());
        Assert.Throws<PromptException>(() => new ToolCall("1", "f", "{\"a\":1,\"a\":2}").ReadArguments());
    }

    [Fact]
    public void Conversation_OwnTemplate_IsToldToolsCallsAndResults()
    {
        var template = ChatTemplate.Parse("""
            {%- if tools %}[{% for t in tools %}{{ t.function.name }} {% endfor %}]{% endif -%}
            {%- for m in messages %}{{ m.role }}:{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>{{ c.function.name }}{{ c.function.arguments | tojson }}</tool_call>{% endfor %}{% if m.role == 'tool' %}({{ m.name }}){% endif %};{% endfor -%}
            """);
        Assert.True(ToolUse.IsSpokenBy(template));
        Assert.False(ToolUse.IsSpokenBy(ChatTemplate.Parse("{{ messages[0].content }}")));
        var conversation = new Conversation(template) { System = "s", Tools = _tools };
        var call = new ToolCall("c1", "wait", "{\"for\": 1}");
        conversation.Append("user", "u");
        conversation.Messages.Add(new("assistant", "") { ToolCalls = [call] });
        conversation.Messages.Add(new("tool", "done") { Answers = call });
        conversation.Append("assistant", null);
        Assert.Equal("[look wait ]system:s;user:u;assistant:<tool_call>wait{\"for\": 1}</tool_call>;tool:done(wait);", conversation.Copy().GetPrompt());
    }
}
