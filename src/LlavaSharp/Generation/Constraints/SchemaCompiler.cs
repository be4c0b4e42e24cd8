using System.Text.Json;

namespace LlavaSharp.Generation.Constraints;

/// <summary>A schema as instructions of an automaton. Each part of the document becomes a rule once, so that it may refer to itself.</summary>
internal sealed class SchemaCompiler
{
    private readonly Dictionary<string, int> _rules = new(StringComparer.Ordinal);
    private readonly Queue<(SchemaPart Part, int Rule)> _open = new();
    private readonly SchemaReader _reader;
    private readonly JsonGrammar _grammar;
    private readonly AutomatonBuilder _builder;

    public SchemaCompiler(SchemaReader reader, JsonGrammar grammar) => (_reader, _grammar, _builder) = (reader, grammar, grammar.Builder);

    /// <summary>The rule of the whole document.</summary>
    /// <param name="also">What values must satisfy beside it; null: nothing.</param>
    /// <exception cref="JsonSchemaException">A part of the document is not supported or malformed, or it is too large.</exception>
    public int Compile(SchemaPlace? also = null)
    {
        var root = Rule(also is { } place ? _reader.Root.And(new([place])) : _reader.Root);
        // one after the other, not one inside the other: a document may be deep
        while (_open.TryDequeue(out var next))
            _builder.SetRule(next.Rule, _builder.Split(_reader.Flatten(next.Part).SelectMany(schema => Alternatives(schema, next.Part))));
        return root;
    }

    private int Rule(SchemaPart part)
    {
        part = _reader.Follow(part);
        if (part.Places.All(place => place.Element.ValueKind == JsonValueKind.True))
            return _grammar.AnyValue();
        if (_rules.TryGetValue(part.Key, out var rule))
            return rule;
        _rules.Add(part.Key, rule = _builder.AddRule());
        _open.Enqueue((part, rule));
        return rule;
    }

    private IEnumerable<int> Alternatives(FlatSchema schema, SchemaPart part)
    {
        const int end = AutomatonBuilder.Return;
        var pointer = part.Places.Count > 0 ? part.Places[0].Pointer : "#";
        if (schema.IsAny)
            return [_builder.Call(_grammar.AnyValue(), end)];
        if (schema.Values is { } values)
            return [_builder.AnyOf(values.Where(value => schema.Admits(value, pointer)).Select(JsonGrammar.Write).DistinctBy(Convert.ToBase64String), end)];
        var kinds = schema.Kinds;
        var targets = new List<int>();
        if ((kinds & JsonTypes.Null) != 0)
            targets.Add(_grammar.Null(end));
        if ((kinds & JsonTypes.Boolean) != 0)
            targets.Add(_grammar.Boolean(end));
        if ((kinds & JsonTypes.Number) != 0)
            targets.Add(Number(schema, isWhole: (kinds & JsonTypes.Fraction) == 0));
        if ((kinds & JsonTypes.String) != 0)
            targets.Add(Text(schema, pointer));
        if ((kinds & JsonTypes.Array) != 0)
            targets.Add(Array(schema));
        if ((kinds & JsonTypes.Object) != 0)
            targets.Add(Object(schema));
        return targets;
    }

    private int Number(FlatSchema schema, bool isWhole)
    {
        const int end = AutomatonBuilder.Return;
        if (schema.Minimum is not null || schema.Maximum is not null)
            return new NumberRange(_builder, isWhole).Add(schema.Minimum, schema.Maximum, end);
        return isWhole ? _grammar.Integer(end) : _grammar.Number(end);
    }

    private int Text(FlatSchema schema, string pointer)
    {
        const int end = AutomatonBuilder.Return;
        if (schema.Pattern is null)
            return schema is { MinLength: 0, MaxLength: null } ? _grammar.Text(end) : _grammar.Text(schema.MinLength, schema.MaxLength, end);
        if (schema.MinLength > 0 || schema.MaxLength is not null)
            throw new JsonSchemaException(pointer, "'pattern' together with 'minLength' or 'maxLength' is not supported. Say the length in the pattern, as in ^.{2,8}$.");
        return new PatternCompiler(_builder).Add(schema.Pattern, pointer, end);
    }

    private int Array(FlatSchema schema)
    {
        // items up to here are counted; those behind are all alike
        var counted = schema.MaxItems ?? Math.Max(schema.Prefix.Count, schema.MinItems);
        if (schema.MinItems > counted)
            return AutomatonBuilder.Never;
        var close = _builder.Byte(']', AutomatonBuilder.Return);
        var behind = _builder.AddPlace();
        _builder.SetPlace(behind, _grammar.Space(close));
        if (schema.MaxItems is null && schema.ItemAt(counted) is { } rest)
            _builder.SetPlace(behind, _builder.Split(_grammar.Space(close), _builder.Byte(',', _grammar.Space(Item(rest, behind)))));
        var first = counted == 0 && schema.MaxItems is null && schema.ItemAt(0) is { } only ? Item(only, behind) : AutomatonBuilder.Never;
        for (var index = counted - 1; index >= 0; index--)
        {
            // from the place behind the item to the place behind the one before
            first = schema.ItemAt(index) is { } part ? Item(part, behind) : AutomatonBuilder.Never;
            behind = _builder.Split(index >= schema.MinItems ? _grammar.Space(close) : AutomatonBuilder.Never, _builder.Byte(',', _grammar.Space(first)));
        }
        return _builder.Open('[', _grammar.Space(_builder.Split(schema.MinItems == 0 ? close : AutomatonBuilder.Never, first)));
    }

    private int Item(SchemaPart part, int next) => _builder.Call(Rule(part), next, nests: true);

    private int Object(FlatSchema schema)
    {
        var known = schema.ListsProperties || schema.Required.Count > 0;
        if (!known && (schema.Additional is null || Rule(schema.Additional) == _grammar.AnyValue()))
            return _builder.Call(_grammar.AnyObject(), AutomatonBuilder.Return);
        var required = schema.Required.ToHashSet(StringComparer.Ordinal);
        var members = new List<(string Name, SchemaPart Part, bool IsRequired)>();
        foreach (var (name, part) in schema.Properties)
            members.Add((name, part, required.Contains(name)));
        foreach (var name in schema.Required.Where(name => !schema.Properties.ContainsKey(name)))
            members.Add((name, schema.Additional ?? SchemaPart.Any, true));
        var close = _builder.Byte('}', AutomatonBuilder.Return);
        // places behind an opening bracket and behind a member, once all listed ones are passed
        var (empty, more) = (close, _builder.AddPlace());
        var other = schema.Additional is { } additional ? OtherMember(members.Select(member => member.Name), Rule(additional), more) : AutomatonBuilder.Never;
        _builder.SetPlace(more, _builder.Split(_grammar.Space(close), _builder.Byte(',', _grammar.Space(other))));
        empty = _builder.Split(close, other);
        for (var i = members.Count - 1; i >= 0; i--)
        {
            var (name, part, isRequired) = members[i];
            var member = _builder.Literal(JsonGrammar.Write(name), Value(Rule(part), more));
            empty = _builder.Split(member, isRequired ? AutomatonBuilder.Never : empty);
            more = _builder.Split(_builder.Byte(',', _grammar.Space(member)), isRequired ? AutomatonBuilder.Never : more);
        }
        return _builder.Open('{', _grammar.Space(empty));
    }

    private int Value(int rule, int next) => _builder.Byte(':', _grammar.Space(_builder.Call(rule, next, nests: true)));

    // names in plain characters only, so that none spells a listed one by escapes
    private int OtherMember(IEnumerable<string> listed, int rule, int next)
    {
        var value = Value(rule, next);
        var end = _builder.Byte('"', value);
        var free = _builder.AddPlace();
        _builder.SetPlace(free, _builder.Split(end, Utf8Ranges.Add(_builder, JsonGrammar.PlainCharacters, free)));
        int[][] names = [.. listed.Select(name => name.EnumerateRunes().Select(rune => rune.Value).ToArray())];
        return _builder.Byte('"', Unlisted(names, 0, end, free));
    }

    private int Unlisted(IReadOnlyList<int[]> names, int depth, int end, int free)
    {
        AutomatonBuilder.RequireStack();
        var targets = new List<int>();
        if (!names.Any(name => name.Length == depth))
            targets.Add(end);
        var going = names.Where(name => name.Length > depth).GroupBy(name => name[depth]).ToArray();
        foreach (var group in going)
            targets.Add(Utf8Ranges.Add(_builder, Utf8Ranges.Intersect([(group.Key, group.Key)], JsonGrammar.PlainCharacters), Unlisted([.. group], depth + 1, end, free)));
        targets.Add(Utf8Ranges.Add(_builder, Utf8Ranges.Intersect(Utf8Ranges.Complement(going.Select(group => (group.Key, group.Key))), JsonGrammar.PlainCharacters), free));
        return _builder.Split(targets);
    }
}
