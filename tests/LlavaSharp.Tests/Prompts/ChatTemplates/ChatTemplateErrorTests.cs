using LlavaSharp.Prompts;
using LlavaSharp.Prompts.ChatTemplates;

namespace LlavaSharp.Tests.Prompts.ChatTemplates;

public sealed class ChatTemplateErrorTests
{
    [Theory]
    [InlineData("a\n{% if x %}\nb", 2, "'if' has no end")]
    [InlineData("{% for x in y %}\n{% endif %}", 1, "'endif' stands on line 2")]
    [InlineData("a\n\n{% endif %}", 3, "'endif' belongs to none")]
    [InlineData("\n{{ 'a }}", 2, "in quotes does not end")]
    [InlineData("\n{{ a", 2, "has no end '}}'")]
    [InlineData("{#\n", 1, "'{#' has no end '#}'")]
    [InlineData("\n\n{% include 'x' %}", 3, "blocks of the kind 'include' are not read")]
    [InlineData("{{ a ** 2 }}", 1, "'**'")]
    [InlineData("{{ f(*a) }}", 1, "unpacked")]
    [InlineData("{{ 99999999999999999999 }}", 1, "too large")]
    [InlineData("{{ a\n ? }}", 2, "'?' (U+003F)")]
    [InlineData("{{ (a] }}", 1, "']' closes nothing")]
    [InlineData("{{ '\\u12' }}", 1, "4 hexadecimal digits")]
    public void Parse_Malformed_SaysLineAndWhat(string template, int line, string what)
    {
        var error = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template));

        Assert.Equal(line, error.Line);
        Assert.Contains(what, error.Message);
        Assert.Contains($"line {line}:", error.Message);
    }

    [Theory]
    [InlineData("\n{{ raise_exception('Only users may ask') }}", 2, "refuses this conversation: Only users may ask")]
    [InlineData("{{ a.b }}", 1, "'a' (not defined) has no 'b'")]
    [InlineData("\n{{ {}.a.b }}", 2, "'a' of a mapping (not defined) has no 'b'")]
    [InlineData("{{ 'a' + 1 }}", 1, "'+' cannot be applied to a text and a whole number. Texts are joined with anything by '~'.")]
    [InlineData("{{ 'a'|nonsense }}", 1, "no filter 'nonsense' here; known: abs,")]
    [InlineData("{{ 'a' is nonsense }}", 1, "no test 'nonsense' here; known: !=, <")]
    [InlineData("{{ 'a'.nonsense() }}", 1, "'nonsense' of a text (not defined) cannot be called")]
    [InlineData("{% for a in [1] %}\n{% for b in a %}{% endfor %}{% endfor %}", 2, "a loop takes a list, a mapping or a text, not a whole number")]
    [InlineData("{{ range('a') }}", 1, "the argument 'start' of 'range' must be a whole number, not a text")]
    [InlineData("{{ 'a'.replace('b') }}", 1, "'replace' needs the argument 'new'")]
    [InlineData("{{ 9223372036854775807 + 1 }}", 1, "more than 64 bits")]
    [InlineData("{{ strftime_now('%Q') }}", 1, "'%Q'")]
    [InlineData("{% set ns = namespace() %}{{ ns }}", 1, "a namespace cannot be printed")]
    public void Render_Wrong_SaysLineAndWhat(string template, int line, string what)
    {
        var error = Assert.Throws<ChatTemplateException>(() => TemplateTesting.Render(template));

        Assert.Equal(line, error.Line);
        Assert.Contains(what, error.Message);
        Assert.IsType<PromptException>(error, exactMatch: false);
    }

    // a template that a branch is not taken of need not be understood there
    [Fact]
    public void Render_UnknownFilterInABranchNotTaken_IsNoError() => Assert.Equal("b", TemplateTesting.Render("{% if false %}{{ 'a'|nonsense }}{% else %}b{% endif %}"));

    [Fact]
    public void Parse_Null_IsRefused()
    {
        Assert.Throws<ArgumentNullException>(() => ChatTemplate.Parse(null!));
        Assert.Throws<ArgumentNullException>(() => ChatTemplate.Parse("").Render(null!));
    }
}
