namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>The kinds of pieces that a template is cut into.</summary>
internal enum TemplateTokenKind
{
    /// <summary>Text between tags, after white space was taken off.</summary>
    Text,

    /// <summary><c>{{</c></summary>
    PrintBegin,

    /// <summary><c>}}</c></summary>
    PrintEnd,

    /// <summary><c>{%</c></summary>
    BlockBegin,

    /// <summary><c>%}</c></summary>
    BlockEnd,

    /// <summary>A name or a word of the language.</summary>
    Name,

    /// <summary>A quoted text, its escapes resolved.</summary>
    String,

    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>A number with a fraction or an exponent.</summary>
    Float,

    /// <summary>An operator or a bracket.</summary>
    Operator,

    /// <summary>The end of the template.</summary>
    End,
}

/// <summary>A piece of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Its text.</param>
/// <param name="Line">The line on which it begins, from 1.</param>
internal readonly record struct TemplateToken(TemplateTokenKind Kind, string Text, int Line)
{
    public bool Is(string text) => Kind is TemplateTokenKind.Operator or TemplateTokenKind.Name && Text == text;

    /// <summary>The piece as messages show it.</summary>
    public string Describe() => Kind switch
    {
        TemplateTokenKind.End => "the end of the template",
        TemplateTokenKind.Text => "text",
        TemplateTokenKind.PrintBegin => "'{{'",
        TemplateTokenKind.PrintEnd => "'}}'",
        TemplateTokenKind.BlockBegin => "'{%'",
        TemplateTokenKind.BlockEnd => "'%}'",
        TemplateTokenKind.String => "a text in quotes",
        _ => $"'{(Text.Length > 40 ? Text[..40] + "..." : Text)}'",
    };
}
