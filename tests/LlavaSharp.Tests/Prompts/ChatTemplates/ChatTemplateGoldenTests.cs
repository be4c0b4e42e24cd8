using System.Text.Json;
using System.Text.Json.Nodes;
using LlavaSharp.Prompts;
using LlavaSharp.Prompts.ChatTemplates;

namespace LlavaSharp.Tests.Prompts.ChatTemplates;

public sealed class ChatTemplateGoldenTests
{
    public static TheoryData<string> Names => [.. TemplateTesting.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Render_TemplateOfAFamily_GivesTheGoldenPrompts(string name)
    {
        var models = TemplateTesting.Models();
        var template = ChatTemplate.Parse(TemplateTesting.Source(name), TemplateTesting.Options);
        var checkedCount = 0;
        foreach (var expected in models.GetProperty("prompts").GetProperty(name).EnumerateObject())
        {
            var variables = JsonNode.Parse(models.GetProperty("conversations").GetProperty(expected.Name).GetRawText())!.AsObject();
            if (expected.Value.ValueKind == JsonValueKind.Null)
                Assert.IsType<PromptException>(Record.Exception(() => template.Render(variables)), exactMatch: false);
            else
                Assert.Equal(expected.Value.GetString(), template.Render(variables));
            checkedCount++;
        }
        Assert.True(checkedCount > 0);
    }

    [Fact]
    public void Render_EveryFeature_GivesWhatJinjaGives()
    {
        var (variables, rows) = TemplateTesting.Cases();
        var wrong = new List<string>();
        foreach (var (template, expected) in rows)
        {
            string? actual;
            try
            {
                actual = ChatTemplate.Parse(template, TemplateTesting.Options).Render(variables);
            }
            catch (ChatTemplateException)
            {
                actual = null;
            }
            if (expected != actual)
                wrong.Add($"{template}\n  expected {expected ?? "an error"}\n  got      {actual ?? "an error"}");
        }
        Assert.Empty(wrong);
        Assert.True(rows.Count > 100);
    }

    [Fact]
    public void Render_Messages_AreTheRolesAndTextsOfAConversation()
    {
        var template = ChatTemplate.Parse("{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}{{ add_generation_prompt }}{{ tools is none }}");

        Assert.Equal("user:a;assistant:b;TrueTrue", template.Render([("user", "a"), ("assistant", "b")], addGenerationPrompt: true));
        Assert.Equal("FalseTrue", template.Render([], addGenerationPrompt: false));
    }

    [Fact]
    public void Render_FromSeveralThreads_IsTheSame()
    {
        var template = ChatTemplate.Parse(TemplateTesting.Source("macros"), TemplateTesting.Options);
        var expected = template.Render([("user", "a")], true);

        Parallel.For(0, 200, _ => Assert.Equal(expected, template.Render([("user", "a")], true)));
    }
}
