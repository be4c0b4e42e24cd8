namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>A piece of a template that is carried out.</summary>
/// <param name="Line">Its line in the template.</param>
internal abstract record Statement(int Line);

internal sealed record TextStatement(string Text, int Line) : Statement(Line);

/// <summary><c>{{ value }}</c></summary>
internal sealed record PrintStatement(Expression Value, int Line) : Statement(Line);

internal sealed record IfStatement(IReadOnlyList<(Expression Condition, IReadOnlyList<Statement> Body)> Branches, IReadOnlyList<Statement> Else, int Line) : Statement(Line);

/// <summary><c>{% for targets in items if condition %}</c></summary>
internal sealed record ForStatement(
    IReadOnlyList<string> Targets, Expression Items, Expression? Condition, IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Else, int Line) : Statement(Line);

/// <summary><c>{% set targets = value %}</c></summary>
internal sealed record SetStatement(IReadOnlyList<string> Targets, Expression Value, int Line) : Statement(Line);

/// <summary><c>{% set namespace.attribute = value %}</c></summary>
internal sealed record SetAttributeStatement(string Namespace, string Attribute, Expression Value, int Line) : Statement(Line);

/// <summary><c>{% set target %}body{% endset %}</c></summary>
internal sealed record SetBlockStatement(string Target, IReadOnlyList<Statement> Body, int Line) : Statement(Line);

internal sealed record MacroStatement(string Name, IReadOnlyList<(string Name, Expression? Default)> Parameters, IReadOnlyList<Statement> Body, int Line) : Statement(Line);

internal sealed record BreakStatement(int Line) : Statement(Line);

internal sealed record ContinueStatement(int Line) : Statement(Line);
