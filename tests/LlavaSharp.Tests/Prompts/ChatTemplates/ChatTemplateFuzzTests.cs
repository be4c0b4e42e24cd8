using System.Text;
using System.Text.Json.Nodes;
using LlavaSharp.Prompts.ChatTemplates;

namespace LlavaSharp.Tests.Prompts.ChatTemplates;

public sealed class ChatTemplateFuzzTests
{
    private const int Runs = 4000;

    private static readonly ChatTemplateLimits _limits = new() { Steps = 20_000, Characters = 1 << 18, OutputLength = 1 << 17, Nesting = 100 };

    private static readonly string[] _pieces =
    [
        "{{ ", " }}", "{% ", " %}", "{%- ", " -%}", "{# ", " #}", "if ", "else", "elif ", "endif", "for x in ", "endfor", "set x = ", "endset", "macro m(a) ", "endmacro", "raw", "endraw",
        "not ", " and ", " or ", " in ", " is ", "defined", "none", "true", "(", ")", "[", "]", "{", "}", ".", ",", ":", "|", "~", "+", "-", "*", "/", "//", "%", "==", "<", "=", "0", "-1", "1.5",
        "9223372036854775807", "-9223372036854775808", "1e308", "''", "'a'", "\"", "\\", "\n", " ", "messages", "messages[0]", "x", "loop", "loop.index", "ns", "namespace()", "range(9)", "range", "m()",
        "length", "join", "map('upper')", "map(attribute='role')", "tojson", "tojson(indent=2)", "replace('', 'b')", "first", "items()", "split()", "split('a')", "strip('a')", "content", "role", "[::-1]", "[1:]",
        "🙂", "\ud800", "\u0000", "raise_exception('x')", "break", "continue", "default", "selectattr('role', 'equalto', 'user')", "indent(3)", "int", "float", "abs", "reverse", "list", "divisibleby 0", "strftime_now('%Y')",
    ];

    [Fact]
    public void ParseAndRender_Mutated_RaiseOnlyTypedErrors()
    {
        string[] originals = [.. TemplateTesting.Names.Select(TemplateTesting.Source), .. TemplateTesting.Cases().Rows.Select(row => row.Template)];
        var conversations = TemplateTesting.Models().GetProperty("conversations").EnumerateObject().Select(entry => entry.Value.GetRawText()).ToArray();
        var random = new Random(21);
        var rendered = 0;
        for (var run = 0; run < Runs; run++)
            rendered += Try(Mutate(originals[random.Next(originals.Length)], random), conversations[random.Next(conversations.Length)]);
        Assert.InRange(rendered, 100, Runs - 100);   // the mutations are neither all harmless nor all fatal
    }

    [Fact]
    public void ParseAndRender_Random_RaiseOnlyTypedErrors()
    {
        var conversation = TemplateTesting.Models().GetProperty("conversations").GetProperty("tools").GetRawText();
        var random = new Random(22);
        var rendered = 0;
        for (var run = 0; run < Runs; run++)
        {
            var template = new StringBuilder(random.Next(2) == 0 ? "{{ " : "");
            for (var i = random.Next(1, 12); i > 0; i--)
                template.Append(_pieces[random.Next(_pieces.Length)]);
            rendered += Try(template.Append(random.Next(2) == 0 ? " }}" : "").ToString(), conversation);
        }
        Assert.InRange(rendered, 100, Runs - 100);
    }

    private static int Try(string template, string variables)
    {
        try
        {
            ChatTemplate.Parse(template, TemplateTesting.Options with { Limits = _limits }).Render(JsonNode.Parse(variables)!.AsObject());
            return 1;
        }
        catch (ChatTemplateException error)
        {
            Assert.InRange(error.Line, 1, template.Length + 1);
            return 0;
        }
        catch (Exception other)
        {
            Assert.Fail($"{other} for {template}");
            return 0;
        }
    }

    private static string Mutate(string original, Random random)
    {
        var text = new StringBuilder(original);
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var at = random.Next(text.Length + 1);
            switch (random.Next(4))
            {
                case 0:
                    text.Insert(at, _pieces[random.Next(_pieces.Length)]);
                    break;
                case 1:
                    text.Remove(at, Math.Min(random.Next(1, 8), text.Length - at));
                    break;
                case 2 when at < text.Length:
                    text[at] = (char)random.Next(1, 128);
                    break;
                default:
                    var from = random.Next(text.Length + 1);
                    text.Insert(at, text.ToString(from, Math.Min(random.Next(1, 40), text.Length - from)));
                    break;
            }
        }
        return text.ToString();
    }
}
