using System.Diagnostics;
using System.Text.Json.Nodes;
using LlavaSharp.Prompts.ChatTemplates;

namespace LlavaSharp.Tests.Prompts.ChatTemplates;

public sealed class ChatTemplateLimitsTests
{
    private const string ALot = "range(1000000)";
    private const string Long = "{% set s = 'abcdefgh' * 1000000 %}";

    // what each would take without limits is hours, or all memory
    public static TheoryData<string> Hostile =>
    [
        $"{{% for i in {ALot} %}}{{% for j in {ALot} %}}{{% endfor %}}{{% endfor %}}",
        "{{ range(999999999999) }}",
        "{{ 'a' * 999999999999 }}",
        "{{ [1] * 999999999999 }}",
        $"{{% for i in {ALot} %}}{{% set ns = namespace(a=range(100000)) %}}{{% endfor %}}",
        $"{{% set ns = namespace(s='a') %}}{{% for i in {ALot} %}}{{% set ns.s = ns.s + ns.s %}}{{% endfor %}}",
        $"{{% set ns = namespace(l=[1]) %}}{{% for i in {ALot} %}}{{% set ns.l = [ns.l, ns.l] %}}{{% endfor %}}{{{{ ns.l }}}}",
        $"{{% set ns = namespace(l=[1]) %}}{{% for i in range(60) %}}{{% set ns.l = [ns.l, ns.l] %}}{{% endfor %}}{{{{ ns.l|tojson }}}}",
        $"{{% set ns = namespace(a=[1], b=[1]) %}}{{% for i in range(60) %}}{{% set ns.a = [ns.a, ns.a] %}}{{% set ns.b = [ns.b, ns.b] %}}{{% endfor %}}{{{{ ns.a == ns.b }}}}",
        $"{{% set ns = namespace(a=[1]) %}}{{% for i in range(60) %}}{{% set ns.a = [ns.a, ns.a] %}}{{% endfor %}}{{{{ 2 in ns.a }}}}{{{{ ns.a|string }}}}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        $"{{% macro m(i) %}}{{% if i > 0 %}}{{{{ m(i - 1) }}}}{{{{ m(i - 1) }}}}{{% endif %}}{{% endmacro %}}{{{{ m(60) }}}}",
        $"{Long}{{% for i in {ALot} %}}{{% if s == s ~ '' %}}{{% endif %}}{{% endfor %}}",
        $"{Long}{{% set t = s[:4000000] + 'x' %}}{{% for i in {ALot} %}}{{{{ t in s }}}}{{% endfor %}}",
        $"{Long}{{% set d = {{s: 1}} %}}{{% for i in {ALot} %}}{{% if d[s] == 2 %}}{{% endif %}}{{% endfor %}}",
        $"{Long}{{% for i in {ALot} %}}{{% set x = s.strip('abcdefgh') %}}{{% endfor %}}",
        $"{Long}{{% for i in {ALot} %}}{{% set x = s|upper %}}{{% endfor %}}",
        $"{Long}{{% for i in {ALot} %}}{{% set x = s|list %}}{{% endfor %}}",
        $"{Long}{{% for i in {ALot} %}}{{% set x = s.split('a') %}}{{% endfor %}}",
        $"{Long}{{% for i in {ALot} %}}{{% set x = s|replace('', s) %}}{{% endfor %}}",
        $"{Long}{{% for i in {ALot} %}}{{% set x = s|replace('a', s) %}}{{% endfor %}}",
        $"{Long}{{% for i in {ALot} %}}{{% set x = s[::-1] %}}{{% endfor %}}",
        $"{Long}{{% for i in {ALot} %}}{{% set x = s|length %}}{{% endfor %}}",
        $"{Long}{{% for i in {ALot} %}}{{% set x = s|indent(1000000000) %}}{{% endfor %}}",
        $"{Long}{{% for i in {ALot} %}}{{{{ s }}}}{{% endfor %}}",
        $"{Long}{{% for i in {ALot} %}}{{% set x = s.removeprefix(s) %}}{{% endfor %}}",
        $"{Long}{{% for i in {ALot} %}}{{% set x = s|int %}}{{% endfor %}}",
        $"{Long}{{{{ raise_exception(s) }}}}",
        $"{{% set x %}}{{% for i in {ALot} %}}{{% for j in {ALot} %}}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{{% endfor %}}{{% endfor %}}{{% endset %}}",
        $"{{% for i in {ALot} %}}{{{{ {ALot}|map('string')|join(',')|tojson }}}}{{% endfor %}}",
        $"{{% for i in {ALot} %}}{{% for k in {{'a': 1}}.items()|list * 1000 %}}{{% endfor %}}{{% endfor %}}",
        $"{{% for i in {ALot} %}}{{% set {new string('n', 150)} = {new string('n', 150)} %}}{{% for j in {ALot} %}}{{{{ {new string('n', 150)} }}}}{{% endfor %}}{{% endfor %}}",
    ];

    [Theory]
    [MemberData(nameof(Hostile))]
    public void Render_Hostile_EndsSoonWithoutMuchMemory(string source)
    {
        // a quarter of what is allowed by default, to be done in a quarter of the time
        var limits = new ChatTemplateLimits { Steps = ChatTemplateLimits.Default.Steps / 4, Characters = ChatTemplateLimits.Default.Characters / 4 };
        var template = ChatTemplate.Parse(source, new() { Limits = limits });
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var watch = Stopwatch.StartNew();

        var error = Assert.Throws<ChatTemplateException>(() => template.Render([]));

        // far more than is needed, for machines under load
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 20);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: false) - before, long.MinValue, 1L << 30);
        Assert.InRange(error.Message.Length, 1, 1000);
    }

    // names are short: a long text that takes the place of one is not looked up at length
    [Fact]
    public void Render_LongTextAsAName_IsSoonNotFound()
    {
        var watch = Stopwatch.StartNew();

        Assert.Equal("", TemplateTesting.Render($"{Long}{{% set ns = namespace(a=1) %}}{{% for i in range(200000) %}}{{{{ ns[s] }}}}{{{{ loop[s] }}}}{{{{ [][s] }}}}{{% endfor %}}"));

        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 20);
    }

    [Theory]
    [InlineData("(", ")")]
    [InlineData("[", "]")]
    [InlineData("{'a': ", "}")]
    [InlineData("not ", "")]
    [InlineData("-", "")]
    [InlineData("1 if 1 else ", "")]
    [InlineData("1 + ", "")]
    [InlineData("1 and ", "")]
    [InlineData("", "|upper")]
    [InlineData("", ".a")]
    [InlineData("", "[0]")]
    [InlineData("", " is defined")]
    public void Parse_Nested_IsRefusedBeforeTheStackIsFull(string before, string after)
    {
        const int Deep = 20_000;
        var template = $"{{{{ {string.Concat(Enumerable.Repeat(before, Deep))}1{string.Concat(Enumerable.Repeat(after, Deep))} }}}}";

        Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template));
    }

    [Theory]
    [InlineData("{% if true %}", "{% endif %}")]
    [InlineData("{% for i in [1] %}", "{% endfor %}")]
    [InlineData("{% set a %}", "{% endset %}")]
    [InlineData("{% macro a() %}", "{% endmacro %}")]
    [InlineData("{% generation %}", "{% endgeneration %}")]
    public void Parse_NestedBlocks_AreRefusedBeforeTheStackIsFull(string before, string after)
    {
        const int Deep = 5_000;
        var template = string.Concat(Enumerable.Repeat(before, Deep)) + string.Concat(Enumerable.Repeat(after, Deep));

        Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template));
    }

    [Fact]
    public void Render_AsDeepAsAllowed_FitsASmallStack()
    {
        string? result = null;
        var thread = new Thread(
            () => result = Record.Exception(() => TemplateTesting.Render("{% macro m(i) %}{{ [[[[m(i + 1)]]]] if i >= 0 }}{% endmacro %}{{ m(0) }}"))?.GetType().Name,
            maxStackSize: 256 * 1024);
        thread.Start();
        thread.Join();

        Assert.Equal(nameof(ChatTemplateException), result);
    }

    [Fact]
    public void Render_LongConversation_FitsTheLimits()
    {
        var template = ChatTemplate.Parse(TemplateTesting.Source("llama3"), TemplateTesting.Options);
        var turns = Enumerable.Range(0, 4000).Select(i => (i % 2 == 0 ? "user" : "assistant", new string('x', 500))).ToList();

        Assert.True(template.Render(turns, addGenerationPrompt: true).Length > 2_000_000);
    }

    [Fact]
    public void Render_OverItsLimits_SaysWhich()
    {
        Assert.Contains("more than 100 steps", Refused("{% for i in range(200) %}{% endfor %}", new() { Steps = 100 }));
        Assert.Contains("more than 50 characters", Refused("{{ 'a' * 60 }}", new() { Characters = 50 }));
        Assert.Contains("prompt has more than 9 characters", Refused("aaaaaaaaaa", new() { OutputLength = 9 }));
        Assert.Contains("at most 9 are read", Refused("aaaaaaaaaa", new() { SourceLength = 9 }));
        Assert.Contains("more than 20 deep", Refused("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", new() { Nesting = 20 }));
    }

    [Fact]
    public void Render_DeepVariable_IsRefused()
    {
        JsonNode deep = new JsonArray();
        for (var i = 0; i < 1000; i++)
            deep = new JsonArray(deep);

        Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse("{{ x }}").Render(new JsonObject { ["x"] = deep }));
    }

    private static string Refused(string template, ChatTemplateLimits limits) => Assert.Throws<ChatTemplateException>(() => TemplateTesting.Render(template, limits)).Message;
}
