using System.Text;

namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>Carries out the blocks of a template and writes its text.</summary>
internal sealed class StatementRunner
{
    private readonly RenderContext _context;
    private readonly ExpressionEvaluator _expressions;
    private StringBuilder _output = new();

    public StatementRunner(RenderContext context) => (_context, _expressions) = (context, new ExpressionEvaluator(context));

    /// <summary>The text that a template writes.</summary>
    public string Render(IReadOnlyList<Statement> body, Scope scope)
    {
        Run(body, scope);
        return _output.ToString();
    }

    // what comes after a statement
    private enum Next
    {
        Statement,
        Round,
        AfterLoop,
    }

    private Next Run(IReadOnlyList<Statement> body, Scope scope)
    {
        _context.Enter();
        var next = Next.Statement;
        for (var i = 0; i < body.Count && next == Next.Statement; i++)
            next = Run(body[i], scope);
        _context.Leave();
        return next;
    }

    private Next Run(Statement statement, Scope scope)
    {
        _context.Line = statement.Line;
        _context.Step();
        switch (statement)
        {
            case TextStatement text:
                Write(text.Text);
                break;
            case PrintStatement print:
                Write(ValueRules.ToText(_context, _expressions.Evaluate(print.Value, scope)));
                break;
            case IfStatement branching:
                foreach (var (condition, body) in branching.Branches)
                    if (_expressions.IsTrue(condition, scope))
                        return Run(body, scope);
                return Run(branching.Else, scope);
            case ForStatement loop:
                return Loop(loop, scope);
            case SetStatement set:
                Assign(set.Targets, _expressions.Evaluate(set.Value, scope), scope);
                break;
            case SetAttributeStatement set:
                SetAttribute(set, scope);
                break;
            case SetBlockStatement set:
                scope.Set(set.Target, Capture(set.Body, new Scope(scope)));
                break;
            case MacroStatement macro:
                scope.Set(macro.Name, new FunctionValue(macro.Name, arguments => Call(macro, arguments, scope)));
                break;
            case BreakStatement:
                return Next.AfterLoop;
            case ContinueStatement:
                return Next.Round;
            default:
                throw new ArgumentOutOfRangeException(nameof(statement), statement, "This is no statement.");
        }
        return Next.Statement;
    }

    private Next Loop(ForStatement loop, Scope scope)
    {
        var items = ValueRules.Elements(_context, _expressions.Evaluate(loop.Items, scope), "a loop");
        if (loop.Condition is { } condition)
            items = Filter(loop, items, condition, scope);
        var finished = false;
        for (var i = 0; i < items.Count; i++)
        {
            // what a round sets ends with it
            var round = new Scope(scope);
            round.Set("loop", new LoopValue(items, i));
            Assign(loop.Targets, items[i], round);
            var next = Run(loop.Body, round);
            if (next == Next.AfterLoop)
                break;
            finished |= next == Next.Statement;
            _context.Line = loop.Line;
        }
        // as in Jinja: 'else' is for loops of which no round came to its end
        return finished ? Next.Statement : Run(loop.Else, scope);
    }

    private List<object?> Filter(ForStatement loop, IReadOnlyList<object?> items, Expression condition, Scope scope)
    {
        var chosen = new List<object?>();
        foreach (var item in items)
        {
            var trial = new Scope(scope);
            Assign(loop.Targets, item, trial);
            if (_expressions.IsTrue(condition, trial))
                chosen.Add(item);
        }
        return chosen;
    }

    private void Assign(IReadOnlyList<string> targets, object? value, Scope scope)
    {
        _context.Step();
        if (targets.Count == 1)
        {
            scope.Set(targets[0], value);
            return;
        }
        var parts = ValueRules.Elements(_context, value, "an assignment to several names");
        if (parts.Count != targets.Count)
            throw _context.Error($"{targets.Count} names cannot take {parts.Count} values.");
        for (var i = 0; i < targets.Count; i++)
            scope.Set(targets[i], parts[i]);
    }

    private void SetAttribute(SetAttributeStatement set, Scope scope)
    {
        var value = _expressions.Evaluate(set.Value, scope);
        if (scope.Get(set.Namespace) is not NamespaceValue space)
            throw _context.Error($"only a namespace can be given attributes; '{set.Namespace}' is {ValueRules.Describe(scope.Get(set.Namespace))}.");
        space.Attributes[set.Attribute] = value;
    }

    private string Call(MacroStatement macro, CallArguments arguments, Scope definition)
    {
        var scope = new Scope(definition);
        var bound = arguments.Bind(0, [.. macro.Parameters.Select(parameter => parameter.Name)]);
        for (var i = 0; i < macro.Parameters.Count; i++)
        {
            var (name, fallback) = macro.Parameters[i];
            scope.Set(name, bound.Has(i) ? bound[i] : fallback is null ? new UndefinedValue($"'{name}'") : _expressions.Evaluate(fallback, scope));
        }
        return Capture(macro.Body, scope);
    }

    private string Capture(IReadOnlyList<Statement> body, Scope scope)
    {
        var outside = _output;
        _output = new StringBuilder();
        Run(body, scope);
        var text = _output.ToString();
        _output = outside;
        return text;
    }

    private void Write(string text)
    {
        _context.Characters(text.Length);
        _context.Output(_output.Length + text.Length);
        _output.Append(text);
    }
}
