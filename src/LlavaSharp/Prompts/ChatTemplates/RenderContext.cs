using System.Globalization;
using System.Runtime.CompilerServices;

namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>What one rendering has used up, and where it stands: every operation reports here, and every error comes from here.</summary>
internal sealed class RenderContext(ChatTemplateOptions options)
{
    private readonly ChatTemplateLimits _limits = options.Limits;
    private long _steps;
    private long _characters;
    private int _depth;

    public TimeProvider TimeProvider => options.TimeProvider;

    /// <summary>The line of the template that is being carried out.</summary>
    public int Line { get; set; } = 1;

    public ChatTemplateException Error(string message) => new(message, Line);

    /// <summary>Counts expressions that are computed, or elements that are made or looked at.</summary>
    public void Step(long count = 1)
    {
        _steps += count;
        if (_steps > _limits.Steps)
            throw Error(Say($"it takes more than {_limits.Steps} steps. Is there a loop in it that does not end soon?"));
    }

    /// <summary>Counts characters that are read or written, before they are.</summary>
    public void Characters(long count)
    {
        _characters += count;
        if (_characters > _limits.Characters)
            throw Error(Say($"its texts have more than {_limits.Characters} characters together."));
    }

    /// <summary>Counts the search for a text in another, which can take the product of their lengths.</summary>
    public void Search(string text, string wanted) => Characters(text.Length * (1L + (wanted.Length / 64)));

    /// <summary>Checks the length of the output.</summary>
    public void Output(int length)
    {
        if (length > _limits.OutputLength)
            throw Error(Say($"the prompt has more than {_limits.OutputLength} characters."));
    }

    /// <summary>Goes one level deeper; <see cref="Leave"/> comes back.</summary>
    public void Enter()
    {
        if (++_depth > _limits.Nesting || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw Error(Say($"calls, blocks or values are nested more than {Math.Min(_depth - 1, _limits.Nesting)} deep."));
    }

    public void Leave() => _depth--;

    private static string Say(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
