using System.Runtime.CompilerServices;
using System.Text.Json;
using LlavaSharp.Prompts;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Generation.Constraints;

/// <summary>
/// Holds answers to JSON: of a schema, any object, or calls of tools. Every token that does not lead to such an answer is ruled out before one is chosen, so that an answer
/// that ends by itself is valid, and one that is cut off is the beginning of a valid one.
/// </summary>
/// <remarks>One object may serve many answers at once, from any thread; what was computed for one is there for the next. Equal ones are held and given out again.</remarks>
public sealed class JsonConstraint : ITokenConstraint
{
    private const int LongestSchema = 1 << 20;
    private const int MostHeld = 16;                 // by tokenizer
    private const long MostSetBytes = 8 << 20;

    private static readonly ConditionalWeakTable<TokenTrie, LeastRecentlyUsed<string, Held>> _known = [];

    private readonly Lock _lock = new();
    private readonly Automaton _automaton;
    private readonly TokenTrie _trie;
    private long _setBytes;

    private JsonConstraint(TokenTrie trie, Automaton automaton) => (_trie, _automaton) = (trie, automaton);

    /// <summary>Answers that satisfy a JSON schema.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="schema">The schema.</param>
    /// <param name="options">How it is held to.</param>
    /// <exception cref="JsonSchemaException">A part of the schema is not supported, malformed or too large, or nothing satisfies it.</exception>
    /// <exception cref="TokenizerException">The vocabulary cannot write JSON token by token.</exception>
    public static JsonConstraint ForSchema(Tokenizer tokenizer, JsonElement schema, JsonConstraintOptions? options = null)
    {
        var text = schema.ValueKind == JsonValueKind.Undefined ? throw new JsonSchemaException("#", "there is no schema.") : schema.GetRawText();
        RequireLength(text.Length);
        return Create(tokenizer, "schema " + text, options, grammar => new SchemaCompiler(new SchemaReader(schema.Clone()), grammar).Compile());
    }

    /// <summary>Answers that are one JSON object, whatever is in it.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="options">How it is held to.</param>
    /// <exception cref="TokenizerException">The vocabulary cannot write JSON token by token.</exception>
    public static JsonConstraint ForAnyObject(Tokenizer tokenizer, JsonConstraintOptions? options = null) => Create(tokenizer, "object", options, grammar => grammar.AnyObject());

    /// <summary>Answers that are calls of tools, or (<see cref="ToolChoice.Auto"/>) texts in which calls may begin, whose arguments satisfy the tools' schemas.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="tools">What may be called.</param>
    /// <param name="choice">Whether the answer is a text or calls; not <see cref="ToolChoice.None"/>.</param>
    /// <param name="many">Whether there may be several calls, up to 16; a named tool is called once.</param>
    /// <param name="format">How calls are written.</param>
    /// <param name="options">How it is held to.</param>
    /// <exception cref="JsonSchemaException">As for <see cref="ForSchema"/>.</exception>
    /// <exception cref="PromptException">There are no tools, two of one name, or none of the name that is wanted.</exception>
    /// <exception cref="TokenizerException">The vocabulary cannot write JSON token by token.</exception>
    public static JsonConstraint ForToolCalls(
        Tokenizer tokenizer, IReadOnlyList<ToolDefinition> tools, ToolChoice choice, bool many = true, ToolCallFormat? format = null, JsonConstraintOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(tools);
        ArgumentNullException.ThrowIfNull(choice);
        if (choice == ToolChoice.None)
            throw new ArgumentException("Where no tool may be called there is nothing to hold an answer to.", nameof(choice));
        ToolDefinition.Validate(tools);
        if (choice.Name is { } name)
            tools = [tools.FirstOrDefault(tool => tool.Name == name) ?? throw new PromptException($"There is no tool '{name}'. There are: {string.Join(", ", tools.Select(tool => tool.Name))}.")];
        format ??= ToolCallFormat.Default;
        var (mayBeText, several) = (choice == ToolChoice.Auto, many && choice.Name is null);
        var key = $"tools {mayBeText} {several} {format} " + string.Join('\n', tools.Select(tool => $"{tool.Name} {tool.Parameters?.GetRawText()}"));
        RequireLength(key.Length);
        ToolCallGrammar? calls = null;
        return Create(tokenizer, key, options, grammar => (calls = new(grammar, format)).Add(tools, mayBeText, several), automaton => calls!.RequireCalls(automaton));
    }

    /// <inheritdoc/>
    public ITokenConstraintState Begin() => new JsonConstraintState(this, _automaton.Start);

    /// <summary>The tokens that may come next; without any where the vocabulary cannot go on.</summary>
    internal TokenSet Allowed(AutomatonState state)
    {
        lock (_lock)
        {
            if (state.Allowed is { } known)
                return known;
            if (_automaton.BeginToken(_setBytes > MostSetBytes))
                _setBytes = 0;
            var allowed = state.Allowed = _trie.Allowed(_automaton, state);
            _setBytes += allowed.Size;
            return allowed;
        }
    }

    /// <summary>The state behind a token; null where it may not come.</summary>
    internal AutomatonState? Next(AutomatonState state, int id)
    {
        if (_trie.Bytes(id) is not { } bytes)
            return null;
        lock (_lock)
        {
            _automaton.BeginToken(false);
            foreach (var value in bytes)
            {
                if (_automaton.Next(state, value) is not { } next)
                    return null;
                state = next;
            }
            return state;
        }
    }

    private static JsonConstraint Create(Tokenizer tokenizer, string key, JsonConstraintOptions? options, Func<JsonGrammar, int> add, Action<Automaton>? check = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        options ??= new();
        options.Validate();
        var trie = TokenTrie.Of(tokenizer);
        var held = _known.GetValue(trie, _ => new(MostHeld));
        key = $"{options} {key}";
        lock (held)
            if (held.TryGet(key, out var known))
                return known.Constraint;
        var builder = new AutomatonBuilder(options.MaxInstructions);
        var grammar = new JsonGrammar(builder, options.AllowSpaces);
        var value = add(grammar);
        // models that write a space between words begin their answer with one, which is not part of the text
        var answer = builder.AddRule();
        builder.SetRule(answer, builder.Split(builder.Call(value, AutomatonBuilder.Return), builder.Byte(' ', builder.Call(value, AutomatonBuilder.Return))));
        var automaton = new Automaton(builder, answer, options.MaxDepth);
        check?.Invoke(automaton);
        var constraint = new JsonConstraint(trie, automaton);
        lock (held)
            if (!held.TryGet(key, out _))
                held.Add(key, new(constraint), 1);
        return constraint;
    }

    private static void RequireLength(int length)
    {
        if (length > LongestSchema)
            throw new JsonSchemaException("#", $"the schema has {length} characters; at most {LongestSchema} are taken.");
    }

    private sealed record Held(JsonConstraint Constraint) : IDisposable
    {
        public void Dispose()
        {
        }
    }
}
