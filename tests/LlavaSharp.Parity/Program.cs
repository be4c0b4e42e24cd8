namespace LlavaSharp.Parity;

/// <summary><c>LlavaSharp.Parity ROOT [AREA...] [--models DIR]</c>: checks every case under ROOT; exit 1 when anything failed, 2 for wrong usage.</summary>
public static class Program
{
    private const string ModelsFlag = "--models";

    public static int Main(string[] arguments)
    {
        string? models = null;
        var names = new List<string>();
        for (var i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] == ModelsFlag && i + 1 < arguments.Length)
                models = arguments[++i];
            else if (arguments[i].StartsWith(ModelsFlag + "=", StringComparison.Ordinal))
                models = arguments[i][(ModelsFlag.Length + 1)..];
            else if (arguments[i].StartsWith('-'))
                return Usage();
            else
                names.Add(arguments[i]);
        }
        if (names.Count == 0 || !Directory.Exists(names[0]))
            return Usage();
        return Run(names[0], names[1..], Console.Out, models) == 0 ? 0 : 1;
    }

    /// <summary>Checks the named areas, or all that the goldens' README lists, and returns the number of failures; an area without a folder is none.</summary>
    public static int Run(string root, IReadOnlyList<string> names, TextWriter output, string? models = null)
    {
        int passed = 0, failed = 0;
        var notBuilt = ParityAreas.NotBuilt.Where(name => Directory.Exists(Path.Combine(root, name)) && (names.Count == 0 || names.Contains(name)));
        foreach (var unknown in names.Where(name => !ParityAreas.Knows(name)).Concat(notBuilt).Distinct())
        {
            failed++;
            output.WriteLine($"{unknown}: FAILED no check knows this area");
        }
        foreach (var area in ParityAreas.All.Where(area => names.Count == 0 || names.Contains(area.Name)))
        {
            if (!Directory.Exists(Path.Combine(root, area.Name)))
                continue;
            var run = new AreaRun(root, area.Name, output, models);
            Check(area, run);
            run.Finish();
            passed += run.Passed;
            failed += run.Failed;
        }
        output.WriteLine($"{passed} passed, {failed} failed");
        return failed;
    }

    // what goes wrong outside of a case (an unreadable golden file) must not keep the other areas from being checked
    private static void Check(IParityArea area, AreaRun run)
    {
        try
        {
            area.Check(run);
        }
        catch (Exception exception)
        {
            run.Case("files", _ => throw exception);
        }
    }

    private static int Usage()
    {
        Console.Error.WriteLine("usage: LlavaSharp.Parity ROOT [AREA...] [--models DIR]    (ROOT: a folder of goldens; DIR: the weights of real-llm, ROOT/../models when absent)");
        return 2;
    }
}
