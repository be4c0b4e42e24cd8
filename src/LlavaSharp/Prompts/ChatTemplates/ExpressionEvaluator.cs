namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>Computes expressions.</summary>
internal sealed class ExpressionEvaluator(RenderContext context)
{
    public object? Evaluate(Expression expression, Scope scope)
    {
        context.Line = expression.Line;
        context.Step();
        context.Enter();
        var value = Compute(expression, scope);
        context.Leave();
        context.Line = expression.Line;
        return value;
    }

    public bool IsTrue(Expression expression, Scope scope) => ValueRules.IsTrue(Evaluate(expression, scope));

    private object? Compute(Expression expression, Scope scope)
    {
        switch (expression)
        {
            case Literal literal:
                return literal.Value;
            case NameExpression name:
                return scope.Get(name.Name);
            case AttributeExpression attribute:
                return Operators.Attribute(context, Evaluate(attribute.Target, scope), attribute.Name);
            case IndexExpression index:
                return Operators.Index(context, Evaluate(index.Target, scope), Evaluate(index.Index, scope));
            case SliceExpression slice:
                return Operators.Slice(context, Evaluate(slice.Target, scope), OrNull(slice.Start, scope), OrNull(slice.Stop, scope), OrNull(slice.Step, scope));
            case CallExpression call:
                return Call(call, scope);
            case FilterExpression filter:
                return Filters.Apply(filter.Name, Arguments($"'{filter.Name}'", filter.Arguments, scope, filter.Target));
            case TestExpression test:
                return ValueTests.Holds(test.Name, Arguments($"'{test.Name}'", test.Arguments, scope, test.Target)) != test.Negated;
            case NotExpression not:
                return !IsTrue(not.Operand, scope);
            case SignExpression sign:
                return sign.Negative ? Operators.Negate(context, Evaluate(sign.Operand, scope)) : Operators.Arithmetic(context, "+", 0L, Evaluate(sign.Operand, scope));
            case ArithmeticExpression arithmetic:
                return Operators.Arithmetic(context, arithmetic.Operator, Evaluate(arithmetic.Left, scope), Evaluate(arithmetic.Right, scope));
            case ConcatenationExpression concatenation:
                return Operators.Join(context, [.. concatenation.Parts.Select(part => ValueRules.ToText(context, Evaluate(part, scope)))]);
            case ComparisonExpression comparison:
                return Compare(comparison, scope);
            case LogicExpression logic:
                var left = Evaluate(logic.Left, scope);
                return ValueRules.IsTrue(left) == logic.IsAnd ? Evaluate(logic.Right, scope) : left;
            case ConditionalExpression conditional:
                return IsTrue(conditional.Condition, scope) ? Evaluate(conditional.Then, scope)
                    : conditional.Else is { } otherwise ? Evaluate(otherwise, scope)
                    : new UndefinedValue("the value of an inline if without 'else'");
            case ListLiteral list:
                return new ListValue([.. list.Items.Select(item => Evaluate(item, scope))], list.IsTuple);
            case MappingLiteral mapping:
                return Mapping(mapping, scope);
            default:
                throw new ArgumentOutOfRangeException(nameof(expression), expression, "This is no expression.");
        }
    }

    private object? OrNull(Expression? expression, Scope scope) => expression is null ? null : Evaluate(expression, scope);

    private object? Call(CallExpression call, Scope scope)
    {
        var callee = Evaluate(call.Callee, scope);
        if (callee is not FunctionValue function)
            throw context.Error($"{ValueRules.Describe(callee)} cannot be called.");
        var arguments = Arguments($"'{function.Name}'", call.Arguments, scope);
        context.Line = call.Line;
        return function.Call(arguments);
    }

    private CallArguments Arguments(string callee, ArgumentList list, Scope scope, Expression? first = null)
    {
        var positional = new List<object?>(list.Positional.Count + 1);
        if (first is not null)
            positional.Add(Evaluate(first, scope));
        foreach (var argument in list.Positional)
            positional.Add(Evaluate(argument, scope));
        var named = new List<KeyValuePair<string, object?>>(list.Named.Count);
        foreach (var (name, value) in list.Named)
            named.Add(new(name, Evaluate(value, scope)));
        return new CallArguments(context, callee, positional, named);
    }

    private object Compare(ComparisonExpression comparison, Scope scope)
    {
        var left = Evaluate(comparison.First, scope);
        foreach (var (sign, operand) in comparison.Rest)
        {
            var right = Evaluate(operand, scope);
            if (!Operators.Compare(context, sign, left, right))
                return false;
            left = right;
        }
        return true;
    }

    private MappingValue Mapping(MappingLiteral literal, Scope scope)
    {
        var mapping = new MappingValue();
        foreach (var (key, value) in literal.Items)
            mapping.Set(context, Evaluate(key, scope), Evaluate(value, scope));
        return mapping;
    }
}
