namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>Something that has a value.</summary>
/// <param name="Line">Its line in the template.</param>
internal abstract record Expression(int Line)
{
    /// <summary>How many expressions stand inside each other here; chains such as <c>a + b + c</c> nest to the left.</summary>
    public int Depth { get; init; } = 1;
}

internal sealed record Literal(object? Value, int Line) : Expression(Line);

internal sealed record NameExpression(string Name, int Line) : Expression(Line);

internal sealed record ListLiteral(IReadOnlyList<Expression> Items, bool IsTuple, int Line) : Expression(Line);

internal sealed record MappingLiteral(IReadOnlyList<(Expression Key, Expression Value)> Items, int Line) : Expression(Line);

/// <summary><c>target.name</c></summary>
internal sealed record AttributeExpression(Expression Target, string Name, int Line) : Expression(Line);

/// <summary><c>target[index]</c></summary>
internal sealed record IndexExpression(Expression Target, Expression Index, int Line) : Expression(Line);

/// <summary><c>target[start:stop:step]</c></summary>
internal sealed record SliceExpression(Expression Target, Expression? Start, Expression? Stop, Expression? Step, int Line) : Expression(Line);

internal sealed record CallExpression(Expression Callee, ArgumentList Arguments, int Line) : Expression(Line);

/// <summary><c>target|name(arguments)</c></summary>
internal sealed record FilterExpression(Expression Target, string Name, ArgumentList Arguments, int Line) : Expression(Line);

/// <summary><c>target is name(arguments)</c></summary>
internal sealed record TestExpression(Expression Target, string Name, ArgumentList Arguments, bool Negated, int Line) : Expression(Line);

internal sealed record NotExpression(Expression Operand, int Line) : Expression(Line);

/// <summary>A sign in front: <c>-</c> or <c>+</c>.</summary>
internal sealed record SignExpression(bool Negative, Expression Operand, int Line) : Expression(Line);

/// <summary><c>+ - * / // %</c></summary>
internal sealed record ArithmeticExpression(string Operator, Expression Left, Expression Right, int Line) : Expression(Line);

/// <summary><c>a ~ b ~ c</c></summary>
internal sealed record ConcatenationExpression(IReadOnlyList<Expression> Parts, int Line) : Expression(Line);

/// <summary><c>a &lt; b &lt;= c</c>, <c>in</c> and <c>not in</c> included.</summary>
internal sealed record ComparisonExpression(Expression First, IReadOnlyList<(string Operator, Expression Operand)> Rest, int Line) : Expression(Line);

/// <summary><c>and</c> or <c>or</c>: the value of the operand that decides.</summary>
internal sealed record LogicExpression(bool IsAnd, Expression Left, Expression Right, int Line) : Expression(Line);

/// <summary><c>a if condition else b</c></summary>
internal sealed record ConditionalExpression(Expression Condition, Expression Then, Expression? Else, int Line) : Expression(Line);

/// <summary>What a call is given.</summary>
internal sealed record ArgumentList(IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named)
{
    public static ArgumentList Empty { get; } = new([], []);

    public int Depth => Positional.Concat(Named.Select(argument => argument.Value)).Select(value => value.Depth).DefaultIfEmpty().Max();
}
