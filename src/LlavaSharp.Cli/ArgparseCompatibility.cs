using System.CommandLine;
using System.Text.RegularExpressions;

namespace LlavaSharp.Cli;

/// <summary>
/// Rewrites arguments so that scripts for the original keep working: Python's argparse accepts any unambiguous beginning of a long
/// flag, and takes the last of a repeated one. Hyphen and underscore are alike here, since the original uses both.
/// </summary>
internal static partial class ArgparseCompatibility
{
    /// <summary>The arguments with every long flag written as the command declares it.</summary>
    /// <exception cref="UsageException">The beginning of a flag fits several.</exception>
    public static string[] Normalize(RootCommand root, IReadOnlyList<string> arguments)
    {
        var scope = new Scope(root);
        var groups = new List<(Option? Option, List<string> Tokens)>();
        var verbs = true;
        for (var i = 0; i < arguments.Count; i++)
        {
            var token = arguments[i];
            if (token == "--")
            {
                groups.Add((null, [.. arguments.Skip(i)]));
                break;
            }
            if (scope.Find(token, out var written) is { } option)
            {
                List<string> tokens = [written];
                // The next tokens belong to the flag as long as it still wants one: they are values, whatever they look like.
                for (var wanted = written.Contains('=') ? 0 : option.Arity.MinimumNumberOfValues; wanted > 0 && i + 1 < arguments.Count && !IsKnown(arguments[i + 1]); wanted--)
                    tokens.Add(arguments[++i]);
                groups.Add((option, tokens));
                continue;
            }
            if (verbs && !token.StartsWith('-'))
            {
                if (scope.Command.Subcommands.FirstOrDefault(command => command.Name == token || command.Aliases.Contains(token)) is { } verb)
                    scope = new Scope(verb, scope);
                else
                    verbs = false; // an argument: verbs cannot follow
            }
            groups.Add((null, [token]));
        }
        return [.. groups.Where((group, index) => !IsOverridden(group.Option, index)).SelectMany(group => group.Tokens)];

        bool IsKnown(string token) => token == "--" || scope.Find(token, out _) is not null;

        bool IsOverridden(Option? option, int index) =>
            option is { Arity: { MinimumNumberOfValues: 1, MaximumNumberOfValues: 1 } } && groups.Skip(index + 1).Any(later => later.Option == option);
    }

    [GeneratedRegex("^--[A-Za-z][A-Za-z0-9_-]*(=|$)")]
    private static partial Regex LongFlag();

    /// <summary>The flags that may be written at one place: those of the command and the recursive ones of the commands above.</summary>
    private sealed class Scope
    {
        private readonly List<(string Key, string Name, Option Option)> _flags = [];

        public Scope(Command command, Scope? parent = null)
        {
            Command = command;
            foreach (var option in command.Options)
                foreach (var name in option.Aliases.Prepend(option.Name))
                    _flags.Add((Key(name), name, option));
            if (parent is not null)
                _flags.AddRange(parent._flags.Where(flag => flag.Option.Recursive));
        }

        public Command Command { get; }

        /// <summary>The flag that a token means, and the token as the command declares it; null when it is none.</summary>
        public Option? Find(string token, out string written)
        {
            written = token;
            foreach (var flag in _flags)
                if (flag.Name == token)
                    return flag.Option;
            if (!LongFlag().IsMatch(token))
                return null;
            var equals = token.IndexOf('=');
            var (name, value) = equals < 0 ? (token, "") : (token[..equals], token[equals..]);
            var key = Key(name);
            var matches = _flags.Where(flag => flag.Key == key).ToList();
            if (matches.Count == 0)
                matches = [.. _flags.Where(flag => flag.Key.StartsWith(key, StringComparison.Ordinal))];
            if (matches.Select(flag => flag.Option).Distinct().Count() > 1)
                throw new UsageException($"ambiguous option: {name} could match {string.Join(", ", matches.Select(flag => flag.Name).Distinct())}.", Command);
            if (matches.Count == 0)
                return null;
            written = matches[0].Name + value;
            return matches[0].Option;
        }

        private static string Key(string name) => name.Replace('_', '-');
    }
}
