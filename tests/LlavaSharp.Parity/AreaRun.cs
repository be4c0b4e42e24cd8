using System.Text.Json;

namespace LlavaSharp.Parity;

/// <summary>The state of one area's check: reads golden files, remembers which were read, prints one line a case.</summary>
public sealed class AreaRun(string root, string area, TextWriter output, string? models = null)
{
    private readonly HashSet<string> _touched = new(StringComparer.Ordinal);

    public string Root { get; } = Path.GetFullPath(root);

    public string Folder { get; } = Path.Combine(Path.GetFullPath(root), area);

    /// <summary>Where the weights lie that the goldens do not hold.</summary>
    public string Models { get; } = Path.GetFullPath(models ?? Path.Combine(root, "..", "models"));

    public int Passed { get; private set; }

    public int Failed { get; private set; }

    /// <summary>Whether the area's folder holds this file or folder (copies may hold fewer).</summary>
    public bool Has(string relative) => File.Exists(Path.Combine(Folder, relative)) || Directory.Exists(Path.Combine(Folder, relative));

    /// <summary>The full path of a golden file, which counts as known from now on.</summary>
    public string Use(string relative)
    {
        var path = Path.Combine(Folder, relative);
        _touched.Add(Path.GetFullPath(path));
        return path;
    }

    /// <summary>All files below a folder of the area count as known (inputs such as checkpoints).</summary>
    public void UseAll(string relative)
    {
        var path = Path.Combine(Folder, relative);
        if (Directory.Exists(path))
            foreach (var file in Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories))
                _touched.Add(Path.GetFullPath(file));
    }

    /// <summary>A JSON file of one value.</summary>
    public JsonElement Json(string relative) => JsonDocument.Parse(File.ReadAllBytes(Use(relative))).RootElement;

    /// <summary>The rows of a JSONL file with their line numbers, from 1; lines end at line feeds only.</summary>
    public IEnumerable<(int Line, JsonElement Row)> Rows(string relative)
    {
        var line = 0;
        foreach (var text in File.ReadAllText(Use(relative)).Split('\n'))
        {
            line++;
            if (text.Length > 0)
                yield return (line, JsonDocument.Parse(text).RootElement);
        }
    }

    /// <summary>Runs one case; an exception of any kind is a failure of that case.</summary>
    public void Case(string name, Action<Comparison> check)
    {
        var comparison = new Comparison();
        try
        {
            check(comparison);
        }
        catch (Exception exception)
        {
            comparison.Fail($"{exception.GetType().Name}: {exception.Message.ReplaceLineEndings(" ")}");
        }
        if (comparison.Failure is { } failure)
        {
            Failed++;
            output.WriteLine($"{area}/{name}: FAILED {failure}");
        }
        else
        {
            Passed++;
            output.WriteLine($"{area}/{name}: ok");
        }
    }

    /// <summary>Every file that no check has touched counts as failed, never as skipped.</summary>
    public void Finish()
    {
        foreach (var file in Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            if (Path.GetFileName(file) != "README.md" && !_touched.Contains(Path.GetFullPath(file)))
                Case(Path.GetRelativePath(Folder, file), c => c.Fail("no check knows this file"));
    }
}
