namespace LlavaSharp.Prompts.ChatTemplates;

/// <summary>A chat template that cannot be read, or cannot write this conversation; the message says what, and on which line of the template.</summary>
public sealed class ChatTemplateException : PromptException
{
    /// <summary>Creates the error; <paramref name="line"/> counts from 1.</summary>
    public ChatTemplateException(string message, int line, Exception? innerException = null)
        : base($"The chat template, line {line}: {message}", innerException: innerException) => Line = line;

    /// <summary>The line of the template, from 1.</summary>
    public int Line { get; }
}
