using System.CommandLine;
using System.CommandLine.Parsing;

namespace LlavaSharp.Cli;

/// <summary>What is wrong with a line of arguments, in words for people instead of the parser's.</summary>
internal static class UsageMessages
{
    /// <summary>The verbs that lead to a command, each with a space in front: what stands between <c>llava</c> and <c>--help</c>.</summary>
    public static string Verb(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{Verb(parent)} {command.Name}" : "";

    /// <summary>The first error.</summary>
    public static string Describe(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        if (parsed.UnmatchedTokens.Count > 0)
        {
            var token = parsed.UnmatchedTokens[0];
            if (token.StartsWith('-') && token.Length > 1)
                return new UnknownNameException("flag", token.Split('=')[0], [.. command.Options.Select(option => option.Name)]).Message;
            if (command.Subcommands.Count > 0)
                return new UnknownNameException("verb", token, [.. command.Subcommands.Select(verb => verb.Name)]).Message;
            return $"'{token}' is not understood: it belongs to no flag. A text with spaces needs quotes.";
        }
        var error = parsed.Errors[0];
        if (error.SymbolResult is OptionResult { Option: var option, Tokens: [var value] } && error.Message.StartsWith("Cannot parse", StringComparison.Ordinal))
            return $"{option.Name} is '{value.Value}': give {Wanted(option.ValueType)}.";
        return error.Message;
    }

    private static string Wanted(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type.IsEnum)
            return "one of " + string.Join(", ", Enum.GetNames(type));
        if (type == typeof(ulong))
            return "a whole number of 0 or more";
        return type == typeof(double) ? "a number" : type == typeof(bool) ? "true or false" : "a whole number";
    }
}
