using System.CommandLine;
using System.CommandLine.Parsing;

namespace LlavaSharp.Cli.Commands;

/// <summary>Flags as the original's trainer reads them: names with underscores, truth values as text or as a bare flag.</summary>
internal static class TrainFlags
{
    /// <summary>A flag that is true when it stands alone, and else says true/false, yes/no or 1/0.</summary>
    public static Option<bool> Truth(string name, string description, bool otherwise = false) => new(name)
    {
        Description = description,
        Arity = ArgumentArity.ZeroOrOne,
        DefaultValueFactory = _ => otherwise,
        CustomParser = Parse,
    };

    /// <summary>A flag with a value.</summary>
    public static Option<T> Value<T>(string name, string description, T otherwise) => otherwise is null
        ? new(name) { Description = description, HelpName = HelpName<T>() }
        : new(name) { Description = description, HelpName = HelpName<T>(), DefaultValueFactory = _ => otherwise };

    /// <summary>A flag that must be given.</summary>
    public static Option<string> Required(string name, string description) => new(name) { Description = description, HelpName = HelpName<string>(), Required = true };

    private static string HelpName<T>()
    {
        var type = Nullable.GetUnderlyingType(typeof(T)) ?? typeof(T);
        return type == typeof(string) ? "TEXT" : type == typeof(double) ? "X" : "N";
    }

    private static bool Parse(ArgumentResult result)
    {
        if (result.Tokens.Count == 0)
            return true;
        switch (result.Tokens[0].Value.ToLowerInvariant())
        {
            case "true" or "yes" or "t" or "y" or "1":
                return true;
            case "false" or "no" or "f" or "n" or "0":
                return false;
            default:
                result.AddError($"'{result.Tokens[0].Value}' is no truth value: write True or False.");
                return false;
        }
    }
}
