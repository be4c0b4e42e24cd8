using System.Text;
using System.Text.Json;
using LlavaSharp.Prompts;

namespace LlavaSharp.Generation.Constraints;

/// <summary>Answers that are calls of tools, or a text in which calls may begin, as instructions.</summary>
/// <param name="grammar">The parts of JSON.</param>
/// <param name="format">How calls are written.</param>
internal sealed class ToolCallGrammar(JsonGrammar grammar, ToolCallFormat format)
{
    private const int MostCalls = 16;

    private static readonly JsonElement _object = JsonDocument.Parse("""{"type":"object"}""").RootElement;
    private static readonly JsonElement _nothing = JsonDocument.Parse("""{"type":"object","properties":{}}""").RootElement;

    private readonly List<(ToolDefinition Tool, int Place)> _calls = [];

    private AutomatonBuilder Builder => grammar.Builder;

    /// <summary>Checks that each tool can be called at all.</summary>
    /// <exception cref="JsonSchemaException">Nothing satisfies the schema of one.</exception>
    public void RequireCalls(Automaton automaton)
    {
        foreach (var (tool, place) in _calls)
            if (!automaton.Ends(place))
                throw new JsonSchemaException($"the tool '{tool.Name}'", new JsonSchemaException("#", "no object satisfies the schema, or only ones that are nested too deep. Describe the arguments as an object."));
    }

    /// <summary>The rule of an answer.</summary>
    /// <param name="tools">What may be called.</param>
    /// <param name="mayBeText">Whether the answer may be a text, also in front of calls.</param>
    /// <param name="many">Whether several calls may follow each other.</param>
    public int Add(IReadOnlyList<ToolDefinition> tools, bool mayBeText, bool many)
    {
        var call = Builder.AddRule();
        foreach (var tool in tools)
            _calls.Add((tool, Call(tool, AutomatonBuilder.Return)));
        Builder.SetRule(call, Builder.Split(_calls.Select(known => known.Place)));
        var inside = AutomatonBuilder.Never;   // behind the opening mark
        for (var count = 0; count < (many ? MostCalls : 1); count++)
        {
            var next = count == 0 ? AutomatonBuilder.Return : Builder.Split(AutomatonBuilder.Return, LineEnd(Builder.Literal(format.Opening, inside)));
            inside = LineEnd(Builder.Call(call, LineEnd(Builder.Literal(format.Closing, next))));
        }
        var rule = Builder.AddRule();
        Builder.SetRule(rule, mayBeText ? Text(inside) : Builder.Literal(format.Opening, inside));
        return rule;
    }

    private int Call(ToolDefinition tool, int next)
    {
        try
        {
            var root = tool.Parameters ?? _nothing;
            var arguments = new SchemaCompiler(new SchemaReader(root), grammar).Compile(new SchemaPlace(_object, "#object"));
            var end = grammar.Space(Builder.Byte('}', next));
            var behindName = Builder.Byte(',', grammar.Space(Builder.Literal("\"arguments\":", grammar.Space(Builder.Call(arguments, end, nests: true)))));
            return Builder.Open('{', grammar.Space(Builder.Literal("\"name\":", grammar.Space(Builder.Literal(JsonGrammar.Write(tool.Name), behindName)))));
        }
        catch (JsonSchemaException exception)
        {
            throw new JsonSchemaException($"the tool '{tool.Name}'", exception);
        }
    }

    private int LineEnd(int next) => Builder.Split(Builder.Byte('\n', next), next);

    // any bytes; as soon as the opening mark is complete, a call. A place for each part of the mark that may be its beginning
    private int Text(int behindMark)
    {
        var mark = Encoding.UTF8.GetBytes(format.Opening);
        var places = mark.Select(_ => Builder.AddPlace()).ToArray();
        for (var length = 0; length < mark.Length; length++)
        {
            var sets = new SortedDictionary<int, ByteSet>();
            for (var value = 0; value < 256; value++)
            {
                var reached = Reached(mark, length, (byte)value);
                sets[reached] = sets.GetValueOrDefault(reached) | ByteSet.Of((byte)value);
            }
            Builder.SetPlace(places[length], Builder.Split([AutomatonBuilder.Return, .. sets.Select(pair => Builder.Byte(pair.Value, pair.Key == mark.Length ? behindMark : places[pair.Key]))]));
        }
        return places[0];
    }

    // the longest beginning of the mark that the text ends in, behind one more byte
    private static int Reached(byte[] mark, int length, byte value)
    {
        byte[] text = [.. mark.AsSpan(0, length), value];
        var reached = text.Length;
        while (!text.AsSpan(text.Length - reached).SequenceEqual(mark.AsSpan(0, reached)))
            reached--;
        return reached;
    }
}
