namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>Reads the text and the blocks of a template.</summary>
internal sealed class StatementParser
{
    private static readonly string[] _known = ["if", "for", "set", "macro", "break", "continue", "generation", "raw"];

    private readonly TokenStream _tokens;
    private readonly ExpressionParser _expressions;
    private int _loops;

    private StatementParser(TokenStream tokens) => (_tokens, _expressions) = (tokens, new ExpressionParser(tokens));

    /// <summary>Reads a template.</summary>
    /// <exception cref="ChatTemplateException">It is malformed, or uses something that is not read here.</exception>
    public static IReadOnlyList<Statement> Read(string source, ChatTemplateLimits limits)
    {
        var parser = new StatementParser(new TokenStream(TemplateLexer.Read(source, limits), limits));
        var body = parser.ReadBody();
        return parser._tokens.Current.Kind == TemplateTokenKind.End ? body : throw parser._tokens.Error($"the block '{parser._tokens.Following.Text}' belongs to none that is open.");
    }

    // up to the end, or up to a block that begins with one of these words (which is not passed)
    private List<Statement> ReadBody(params ReadOnlySpan<string> ends)
    {
        _tokens.Enter();
        var body = new List<Statement>();
        while (_tokens.Current.Kind != TemplateTokenKind.End)
        {
            var token = _tokens.Current;
            if (token.Kind == TemplateTokenKind.BlockBegin && IsEnd(_tokens.Following, ends))
                break;
            _tokens.Take();
            switch (token.Kind)
            {
                case TemplateTokenKind.Text:
                    body.Add(new TextStatement(token.Text, token.Line));
                    break;
                case TemplateTokenKind.PrintBegin:
                    body.Add(new PrintStatement(_expressions.ReadTuple(), token.Line));
                    _tokens.Expect(TemplateTokenKind.PrintEnd, "'}}'");
                    break;
                default:
                    ReadBlock(token.Line, body);
                    break;
            }
        }
        _tokens.Leave();
        return body;
    }

    // words that end or divide blocks stop every body: one that does not belong is told by whoever reads on
    private static bool IsEnd(TemplateToken word, ReadOnlySpan<string> ends) =>
        word.Kind == TemplateTokenKind.Name && (ends.Contains(word.Text) || word.Text is "elif" or "else" || word.Text.StartsWith("end", StringComparison.Ordinal));

    private void ReadBlock(int line, List<Statement> body)
    {
        var word = _tokens.Expect(TemplateTokenKind.Name, "the word of a block");
        switch (word.Text)
        {
            case "if":
                body.Add(ReadIf(line));
                break;
            case "for":
                body.Add(ReadFor(line));
                break;
            case "set":
                body.Add(ReadSet(line));
                break;
            case "macro":
                body.Add(ReadMacro(line));
                break;
            case "break" or "continue":
                if (_loops == 0)
                    throw new ChatTemplateException($"'{word.Text}' stands outside of a loop.", line);
                body.Add(word.Text == "break" ? new BreakStatement(line) : new ContinueStatement(line));
                EndBlock();
                break;
            case "generation":
                // marks the assistant's part for training; it writes what is inside
                EndBlock();
                body.AddRange(ReadBody("endgeneration"));
                Close("generation", line);
                break;
            default:
                throw new ChatTemplateException($"blocks of the kind {word.Describe()} are not read; {string.Join(", ", _known)} are.", line);
        }
    }

    private IfStatement ReadIf(int line)
    {
        var branches = new List<(Expression, IReadOnlyList<Statement>)>();
        do
        {
            var condition = _expressions.ReadTuple();
            EndBlock();
            branches.Add((condition, ReadBody("endif")));
        }
        while (TryTakeBlock("elif"));
        IReadOnlyList<Statement> otherwise = [];
        if (TryTakeBlock("else"))
        {
            EndBlock();
            otherwise = ReadBody("endif");
        }
        Close("if", line);
        return new IfStatement(branches, otherwise, line);
    }

    private ForStatement ReadFor(int line)
    {
        var targets = ReadTargets();
        _tokens.Expect("in");
        var items = _expressions.ReadTuple(withConditions: false);
        var condition = _tokens.TryTake("if") ? _expressions.Read() : null;
        if (_tokens.Current.Is("recursive"))
            throw _tokens.Error("loops that call themselves ('recursive') are not read.");
        EndBlock();
        _loops++;
        var body = ReadBody("endfor");
        _loops--;
        IReadOnlyList<Statement> otherwise = [];
        if (TryTakeBlock("else"))
        {
            EndBlock();
            otherwise = ReadBody("endfor");
        }
        Close("for", line);
        return new ForStatement(targets, items, condition, body, otherwise, line);
    }

    private Statement ReadSet(int line)
    {
        if (_tokens.Current.Kind == TemplateTokenKind.Name && _tokens.Following.Is("."))
        {
            var name = _tokens.Take().Text;
            _tokens.Take();
            var attribute = _tokens.Expect(TemplateTokenKind.Name, "the name of an attribute").Text;
            _tokens.Expect("=");
            var given = _expressions.ReadTuple();
            EndBlock();
            return new SetAttributeStatement(name, attribute, given, line);
        }
        var targets = ReadTargets();
        if (_tokens.TryTake("="))
        {
            var value = _expressions.ReadTuple();
            EndBlock();
            return new SetStatement(targets, value, line);
        }
        if (targets.Count > 1)
            throw _tokens.Unexpected("'='");
        EndBlock();
        var body = ReadBody("endset");
        Close("set", line);
        return new SetBlockStatement(targets[0], body, line);
    }

    private MacroStatement ReadMacro(int line)
    {
        var name = _tokens.Expect(TemplateTokenKind.Name, "the macro's name").Text;
        _tokens.Expect("(");
        var parameters = new List<(string, Expression?)>();
        while (!_tokens.Current.Is(")"))
        {
            var parameter = _tokens.Expect(TemplateTokenKind.Name, "the name of a parameter").Text;
            parameters.Add((parameter, _tokens.TryTake("=") ? _expressions.Read() : null));
            if (!_tokens.TryTake(","))
                break;
        }
        _tokens.Expect(")");
        EndBlock();
        var loops = _loops;
        _loops = 0;
        var body = ReadBody("endmacro");
        _loops = loops;
        Close("macro", line);
        return new MacroStatement(name, parameters, body, line);
    }

    private List<string> ReadTargets()
    {
        var parenthesis = _tokens.TryTake("(");
        var targets = new List<string>();
        do
            targets.Add(_tokens.Expect(TemplateTokenKind.Name, "the name of a variable").Text);
        while (_tokens.TryTake(","));
        if (parenthesis)
            _tokens.Expect(")");
        return targets;
    }

    private bool TryTakeBlock(string word)
    {
        if (_tokens.Current.Kind != TemplateTokenKind.BlockBegin || !_tokens.Following.Is(word))
            return false;
        _tokens.Take();
        _tokens.Take();
        return true;
    }

    private void Close(string word, int line)
    {
        if (!TryTakeBlock($"end{word}"))
            throw new ChatTemplateException(
                $"the block '{word}' has no end: {(_tokens.Current.Kind == TemplateTokenKind.End ? "the template ends" : $"'{_tokens.Following.Text}' stands on line {_tokens.Current.Line}")} where 'end{word}' should.", line);
        // Jinja lets a macro's end repeat its name
        if (word == "macro" && _tokens.Current.Kind == TemplateTokenKind.Name)
            _tokens.Take();
        EndBlock();
    }

    private void EndBlock() => _tokens.Expect(TemplateTokenKind.BlockEnd, "'%}'");
}
