namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>The pieces of a template, one after the other.</summary>
internal sealed class TokenStream(IReadOnlyList<TemplateToken> tokens, ChatTemplateLimits limits)
{
    private int _position;
    private int _nesting;

    public ChatTemplateLimits Limits { get; } = limits;

    public TemplateToken Current => tokens[_position];

    public TemplateToken Following => tokens[Math.Min(_position + 1, tokens.Count - 1)];

    /// <summary>The current piece, which is passed.</summary>
    public TemplateToken Take()
    {
        var token = Current;
        if (_position < tokens.Count - 1)
            _position++;
        return token;
    }

    /// <summary>Passes an operator or word if it is the current piece.</summary>
    public bool TryTake(string text)
    {
        if (!Current.Is(text))
            return false;
        Take();
        return true;
    }

    public void Expect(string text)
    {
        if (!TryTake(text))
            throw Unexpected($"'{text}'");
    }

    public TemplateToken Expect(TemplateTokenKind kind, string what) => Current.Kind == kind ? Take() : throw Unexpected(what);

    public ChatTemplateException Unexpected(string wanted) => Error($"{Current.Describe()} stands where {wanted} should.");

    public ChatTemplateException Error(string message) => new(message, Current.Line);

    /// <summary>Goes one level deeper; <see cref="Leave"/> comes back.</summary>
    public void Enter()
    {
        // a level of parentheses takes a dozen frames of the stack, one of values only two
        if (++_nesting > Limits.Nesting / 4)
            throw Error($"parentheses or blocks are nested more than {Limits.Nesting / 4} deep.");
    }

    public void Leave() => _nesting--;

    /// <summary>Refuses a chain such as <c>a + b + c</c> that has become too long to compute.</summary>
    public T Checked<T>(T expression, int innerDepth)
        where T : Expression => innerDepth < Limits.Nesting / 2
            ? expression with { Depth = innerDepth + 1 }
            : throw Error($"an expression has more than {Limits.Nesting / 2} parts in a row.");
}
