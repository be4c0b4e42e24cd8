using System.Globalization;
using System.Text;
using LlavaSharp.IO;

namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>Values as JSON, written as Python's <c>json.dumps</c> does (the filter <c>tojson</c> of the original's library).</summary>
internal sealed class JsonText(RenderContext context)
{
    private readonly StringBuilder _text = new();

    /// <summary>What one level of indentation is; null: all on one line.</summary>
    public string? Indentation { get; init; }

    /// <summary>What stands between elements.</summary>
    public string ItemSeparator { get; init; } = ", ";

    /// <summary>What stands between key and value.</summary>
    public string KeySeparator { get; init; } = ": ";

    /// <summary>Whether keys are written in the order of their texts.</summary>
    public bool SortKeys { get; init; }

    /// <summary>Whether all but ASCII is escaped.</summary>
    public bool AsciiOnly { get; init; }

    public string Write(object? value)
    {
        Write(value, 0);
        return _text.ToString();
    }

    private void Write(object? value, int level)
    {
        context.Step();
        switch (value)
        {
            case ListValue list:
                WriteItems('[', ']', list.Items.Count, level, i => Write(list.Items[i], level + 1));
                break;
            case MappingValue mapping:
                WriteMapping(mapping, level);
                break;
            case string text:
                WriteString(text);
                break;
            default:
                Append(Scalar(value));
                break;
        }
    }

    private void WriteMapping(MappingValue mapping, int level)
    {
        var items = mapping.Items.Select(item => (Key: item.Key as string ?? Scalar(item.Key), item.Value)).ToList();
        if (SortKeys)
            items.Sort((a, b) => CodePoints.Compare(a.Key, b.Key));
        WriteItems('{', '}', items.Count, level, i =>
        {
            WriteString(items[i].Key);
            Append(KeySeparator);
            Write(items[i].Value, level + 1);
        });
    }

    private void WriteItems(char open, char close, int count, int level, Action<int> write)
    {
        context.Enter();
        Append(open.ToString());
        for (var i = 0; i < count; i++)
        {
            if (i > 0)
                Append(ItemSeparator);
            BreakLine(level + 1);
            write(i);
        }
        if (count > 0)
            BreakLine(level);
        Append(close.ToString());
        context.Leave();
    }

    private void BreakLine(int level)
    {
        if (Indentation is null)
            return;
        Append("\n");
        for (var i = 0; i < level; i++)
            Append(Indentation);
    }

    private string Scalar(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => double.IsNaN(number) ? "NaN" : double.IsInfinity(number) ? number > 0 ? "Infinity" : "-Infinity" : PythonRepresentation.Number(number),
        _ => throw context.Error($"{ValueRules.Describe(value)} cannot be written as JSON."),
    };

    private void WriteString(string text)
    {
        context.Characters(text.Length + 2);
        PythonJson.AppendQuoted(_text, text, AsciiOnly);
    }

    private void Append(string text)
    {
        context.Characters(text.Length);
        _text.Append(text);
    }
}
