namespace LlavaSharp.Prompts;

/// <summary>How a conversation is written as one text; the names are those of the original, but for the last.</summary>
public enum SeparatorStyle
{
    /// <summary><c>SINGLE</c>: <c>role: text</c>, one separator after everything.</summary>
    Single = 1,

    /// <summary><c>TWO</c>: as <see cref="Single"/>, the second separator after every odd message.</summary>
    Two = 2,

    /// <summary><c>MPT</c>: role and text without a colon, one separator after everything.</summary>
    Mpt = 3,

    /// <summary><c>PLAIN</c>: texts and separators alone.</summary>
    Plain = 4,

    /// <summary><c>LLAMA_2</c>: <c>[INST] text [/INST] answer</c>, the system text inside the first message.</summary>
    Llama2 = 5,

    /// <summary><c>CHAT_TEMPLATE</c>: as the model's own chat template says (ours; the original has none).</summary>
    ChatTemplate = 6,
}
