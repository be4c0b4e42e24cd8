using System.Globalization;

namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>Reads expressions with Jinja's precedence: inline if, or, and, not, comparisons, + and -, ~, * and /, signs, filters and tests.</summary>
internal sealed class ExpressionParser(TokenStream tokens)
{
    // words that cannot begin the argument of a test
    private static readonly string[] _words = ["and", "or", "not", "if", "else", "in", "is"];
    private static readonly string[] _comparisons = ["==", "!=", "<", "<=", ">", ">="];

    /// <summary>An expression; an inline if may be one.</summary>
    public Expression Read()
    {
        tokens.Enter();
        var value = ReadOr();
        while (tokens.Current.Is("if"))
        {
            var line = tokens.Take().Line;
            var condition = ReadOr();
            var otherwise = tokens.TryTake("else") ? Read() : null;
            value = Nest(new ConditionalExpression(condition, value, otherwise, line), condition, value, otherwise);
        }
        tokens.Leave();
        return value;
    }

    /// <summary>An expression, or several with commas between them: a tuple.</summary>
    /// <param name="withConditions">Whether an inline if may stand there; behind <c>in</c> of a loop it may not.</param>
    public Expression ReadTuple(bool withConditions = true)
    {
        var first = withConditions ? Read() : ReadWithoutCondition();
        if (!tokens.Current.Is(","))
            return first;
        var items = new List<Expression> { first };
        while (tokens.TryTake(",") && tokens.Current.Kind is not (TemplateTokenKind.BlockEnd or TemplateTokenKind.PrintEnd))
            items.Add(withConditions ? Read() : ReadWithoutCondition());
        return Nest(new ListLiteral(items, true, first.Line), [.. items]);
    }

    /// <summary>An expression that an <c>if</c> may follow.</summary>
    public Expression ReadWithoutCondition()
    {
        tokens.Enter();
        var value = ReadOr();
        tokens.Leave();
        return value;
    }

    private Expression ReadOr()
    {
        var left = ReadAnd();
        while (tokens.Current.Is("or"))
        {
            var line = tokens.Take().Line;
            var right = ReadAnd();
            left = Nest(new LogicExpression(false, left, right, line), left, right);
        }
        return left;
    }

    private Expression ReadAnd()
    {
        var left = ReadNot();
        while (tokens.Current.Is("and"))
        {
            var line = tokens.Take().Line;
            var right = ReadNot();
            left = Nest(new LogicExpression(true, left, right, line), left, right);
        }
        return left;
    }

    private Expression ReadNot()
    {
        if (!tokens.Current.Is("not"))
            return ReadComparison();
        tokens.Enter();
        var line = tokens.Take().Line;
        var operand = ReadNot();
        tokens.Leave();
        return Nest(new NotExpression(operand, line), operand);
    }

    private Expression ReadComparison()
    {
        var first = ReadSum();
        var rest = new List<(string, Expression)>();
        var line = tokens.Current.Line;
        while (TakeComparison() is { } comparison)
            rest.Add((comparison, ReadSum()));
        return rest.Count == 0 ? first : Nest(new ComparisonExpression(first, rest, line), [first, .. rest.Select(part => part.Item2)]);
    }

    private string? TakeComparison()
    {
        if (tokens.Current.Kind == TemplateTokenKind.Operator && _comparisons.Contains(tokens.Current.Text))
            return tokens.Take().Text;
        if (tokens.TryTake("in"))
            return "in";
        if (!tokens.Current.Is("not") || !tokens.Following.Is("in"))
            return null;
        tokens.Take();
        tokens.Take();
        return "not in";
    }

    private Expression ReadSum()
    {
        var left = ReadConcatenation();
        while (tokens.Current.Is("+") || tokens.Current.Is("-"))
        {
            var sign = tokens.Take();
            var right = ReadConcatenation();
            left = Nest(new ArithmeticExpression(sign.Text, left, right, sign.Line), left, right);
        }
        return left;
    }

    private Expression ReadConcatenation()
    {
        var first = ReadProduct();
        if (!tokens.Current.Is("~"))
            return first;
        var parts = new List<Expression> { first };
        while (tokens.TryTake("~"))
            parts.Add(ReadProduct());
        return Nest(new ConcatenationExpression(parts, first.Line), [.. parts]);
    }

    private Expression ReadProduct()
    {
        var left = ReadSigned(withFilters: true);
        while (tokens.Current.Kind == TemplateTokenKind.Operator && tokens.Current.Text is "*" or "/" or "//" or "%" or "**")
        {
            var sign = tokens.Take();
            if (sign.Text == "**")
                throw new ChatTemplateException("powers ('**') are not read.", sign.Line);
            var right = ReadSigned(withFilters: true);
            left = Nest(new ArithmeticExpression(sign.Text, left, right, sign.Line), left, right);
        }
        return left;
    }

    private Expression ReadSigned(bool withFilters)
    {
        Expression value;
        if (tokens.Current.Is("-") || tokens.Current.Is("+"))
        {
            tokens.Enter();
            var sign = tokens.Take();
            var operand = ReadSigned(withFilters: false);
            tokens.Leave();
            value = Nest(new SignExpression(sign.Text == "-", operand, sign.Line), operand);
        }
        else
        {
            value = ReadPrimary();
        }
        value = ReadPostfix(value);
        return withFilters ? ReadFilters(value) : value;
    }

    private Expression ReadPrimary()
    {
        var token = tokens.Take();
        switch (token.Kind)
        {
            case TemplateTokenKind.Name:
                return ReadName(token);
            case TemplateTokenKind.String:
                // texts side by side are one, as in Python
                var texts = new List<string> { token.Text };
                while (tokens.Current.Kind == TemplateTokenKind.String)
                    texts.Add(tokens.Take().Text);
                return new Literal(string.Concat(texts), token.Line);
            case TemplateTokenKind.Integer:
                return long.TryParse(token.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var whole)
                    ? new Literal(whole, token.Line)
                    : throw new ChatTemplateException($"the number {token.Describe()} is too large.", token.Line);
            case TemplateTokenKind.Float:
                return new Literal(double.Parse(token.Text, CultureInfo.InvariantCulture), token.Line);
            case TemplateTokenKind.Operator when token.Text == "(":
                return ReadParentheses(token.Line);
            case TemplateTokenKind.Operator when token.Text == "[":
                return ReadList(token.Line);
            case TemplateTokenKind.Operator when token.Text == "{":
                return ReadMapping(token.Line);
            default:
                throw new ChatTemplateException($"{token.Describe()} stands where a value should.", token.Line);
        }
    }

    private static Expression ReadName(TemplateToken token) => token.Text switch
    {
        "true" or "True" => new Literal(true, token.Line),
        "false" or "False" => new Literal(false, token.Line),
        "none" or "None" => new Literal(null, token.Line),
        _ when _words.Contains(token.Text) => throw new ChatTemplateException($"{token.Describe()} stands where a value should.", token.Line),
        _ => new NameExpression(token.Text, token.Line),
    };

    private Expression ReadParentheses(int line)
    {
        if (tokens.TryTake(")"))
            return new ListLiteral([], true, line);
        var first = Read();
        if (tokens.TryTake(")"))
            return first;
        var items = new List<Expression> { first };
        while (tokens.TryTake(",") && !tokens.Current.Is(")"))
            items.Add(Read());
        tokens.Expect(")");
        return Nest(new ListLiteral(items, true, line), [.. items]);
    }

    private Expression ReadList(int line)
    {
        var items = new List<Expression>();
        while (!tokens.Current.Is("]"))
        {
            items.Add(Read());
            if (!tokens.TryTake(","))
                break;
        }
        tokens.Expect("]");
        return Nest(new ListLiteral(items, false, line), [.. items]);
    }

    private Expression ReadMapping(int line)
    {
        var items = new List<(Expression Key, Expression Value)>();
        while (!tokens.Current.Is("}"))
        {
            var key = Read();
            tokens.Expect(":");
            items.Add((key, Read()));
            if (!tokens.TryTake(","))
                break;
        }
        tokens.Expect("}");
        return Nest(new MappingLiteral(items, line), [.. items.SelectMany(item => new[] { item.Key, item.Value })]);
    }

    private Expression ReadPostfix(Expression value)
    {
        while (true)
        {
            if (tokens.Current.Is("."))
                value = ReadAttribute(value);
            else if (tokens.Current.Is("["))
                value = ReadIndex(value);
            else if (tokens.Current.Is("("))
                value = ReadCall(value);
            else
                return value;
        }
    }

    private Expression ReadAttribute(Expression target)
    {
        var line = tokens.Take().Line;
        if (tokens.Current.Kind == TemplateTokenKind.Integer)
        {
            var index = ReadPrimary();
            return Nest(new IndexExpression(target, index, line), target, index);
        }
        return Nest(new AttributeExpression(target, tokens.Expect(TemplateTokenKind.Name, "the name of an attribute").Text, line), target);
    }

    private Expression ReadIndex(Expression target)
    {
        var line = tokens.Take().Line;
        Expression? start = null, stop = null, step = null;
        if (!tokens.Current.Is(":"))
        {
            start = Read();
            if (tokens.TryTake("]"))
                return Nest(new IndexExpression(target, start, line), target, start);
        }
        tokens.Expect(":");
        if (!tokens.Current.Is(":") && !tokens.Current.Is("]"))
            stop = Read();
        if (tokens.TryTake(":") && !tokens.Current.Is("]"))
            step = Read();
        tokens.Expect("]");
        return Nest(new SliceExpression(target, start, stop, step, line), target, start, stop, step);
    }

    private Expression ReadCall(Expression callee)
    {
        var line = tokens.Current.Line;
        var arguments = ReadArguments();
        return tokens.Checked(new CallExpression(callee, arguments, line), Math.Max(callee.Depth, arguments.Depth));
    }

    private ArgumentList ReadArguments()
    {
        tokens.Expect("(");
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        while (!tokens.Current.Is(")"))
        {
            if (tokens.Current.Is("*") || tokens.Current.Is("**"))
                throw tokens.Error("arguments that are unpacked ('*', '**') are not read.");
            if (tokens.Current.Kind == TemplateTokenKind.Name && tokens.Following.Is("="))
            {
                var name = tokens.Take().Text;
                tokens.Take();
                named.Add((name, Read()));
            }
            else
            {
                if (named.Count > 0)
                    throw tokens.Error("an argument without a name follows one with a name.");
                positional.Add(Read());
            }
            if (!tokens.TryTake(","))
                break;
        }
        tokens.Expect(")");
        return new ArgumentList(positional, named);
    }

    private Expression ReadFilters(Expression value)
    {
        while (true)
        {
            if (tokens.Current.Is("|"))
                value = ReadFilter(value);
            else if (tokens.Current.Is("is"))
                value = ReadTest(value);
            else if (tokens.Current.Is("("))
                value = ReadCall(value);
            else
                return value;
        }
    }

    private Expression ReadFilter(Expression target)
    {
        var line = tokens.Take().Line;
        var name = tokens.Expect(TemplateTokenKind.Name, "the name of a filter").Text;
        var arguments = tokens.Current.Is("(") ? ReadArguments() : ArgumentList.Empty;
        return tokens.Checked(new FilterExpression(target, name, arguments, line), Math.Max(target.Depth, arguments.Depth));
    }

    private Expression ReadTest(Expression target)
    {
        var line = tokens.Take().Line;
        var negated = tokens.TryTake("not");
        var name = tokens.Expect(TemplateTokenKind.Name, "the name of a test").Text;
        var arguments = ArgumentList.Empty;
        if (tokens.Current.Is("("))
        {
            arguments = ReadArguments();
        }
        else if (BeginsArgument(tokens.Current))
        {
            tokens.Enter();
            arguments = new ArgumentList([ReadPostfix(ReadPrimary())], []);
            tokens.Leave();
        }
        return tokens.Checked(new TestExpression(target, name, arguments, negated, line), Math.Max(target.Depth, arguments.Depth));
    }

    private static bool BeginsArgument(TemplateToken token) =>
        token.Kind is TemplateTokenKind.String or TemplateTokenKind.Integer or TemplateTokenKind.Float
        || (token.Kind == TemplateTokenKind.Name && !_words.Contains(token.Text))
        || token.Is("[") || token.Is("{");

    private T Nest<T>(T expression, params ReadOnlySpan<Expression?> parts)
        where T : Expression
    {
        var depth = 0;
        foreach (var part in parts)
            depth = Math.Max(depth, part?.Depth ?? 0);
        return tokens.Checked(expression, depth);
    }
}
