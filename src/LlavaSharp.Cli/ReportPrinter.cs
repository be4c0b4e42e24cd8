using Spectre.Console;

namespace LlavaSharp.Cli;

/// <summary>Prints sections as tables in a terminal, and as plain lines without escape codes when redirected or when NO_COLOR is set.</summary>
internal sealed class ReportPrinter(TextWriter output, bool? plain = null)
{
    private readonly bool _plain = plain ?? IsPlain;

    /// <summary>Whether standard output must stay free of escape codes.</summary>
    public static bool IsPlain => Console.IsOutputRedirected || Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 } || Environment.GetEnvironmentVariable("TERM") == "dumb";

    public void Print(string title, IReadOnlyList<ReportSection> sections)
    {
        if (_plain)
            PrintPlain(sections);
        else
            PrintTables(title, sections);
    }

    private void PrintPlain(IReadOnlyList<ReportSection> sections)
    {
        var width = sections.Max(section => section.Rows.Where(row => row.Name.Length <= 24).Select(row => row.Name.Length).DefaultIfEmpty().Max());
        foreach (var section in sections)
        {
            output.WriteLine(section.Title);
            foreach (var (name, value) in section.Rows)
                output.WriteLine(value.Length == 0 ? $"  {name}" : $"  {name.PadRight(width)}  {value}");
        }
    }

    private void PrintTables(string title, IReadOnlyList<ReportSection> sections)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        foreach (var section in sections)
        {
            var table = new Table().RoundedBorder().HideHeaders().AddColumn(new TableColumn("").NoWrap()).AddColumn("");
            table.Title($"{title}: {section.Title}".EscapeMarkup());
            table.Expand();
            foreach (var (name, value) in section.Rows)
                table.AddRow(new Text(name, new Style(Color.Aqua)), new Text(value));
            console.Write(table);
        }
    }
}
