namespace LlavaSharp.Prompts;

/// <summary>The fixed texts of the templates. They are part of the prompt format: models were trained with them, to the character.</summary>
internal static class TemplateTexts
{
    /// <summary>The system text of v0, llava_v0 and llava_v1.</summary>
    public const string Human =
        "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, and " +
        "polite answers to the human's questions.";

    /// <summary>The system text of v1.</summary>
    public const string User =
        "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and " +
        "polite answers to the user's questions.";

    /// <summary>The system text of llama_2.</summary>
    public const string Llama2 =
        "You are a helpful, respectful and honest assistant. Always answer as helpfully as possible, while being safe.  Your " +
        "answers should not include any harmful, unethical, racist, sexist, toxic, dangerous, or illegal content. Please ensure " +
        "that your responses are socially unbiased and positive in nature.\n\nIf a question does not make any sense, or is not " +
        "factually coherent, explain why instead of answering something not correct. If you don't know the answer to a question, " +
        "please don't share false information.";

    /// <summary>The system text of llava_llama_2.</summary>
    public const string LlavaLlama2 =
        "You are a helpful language and vision assistant. You are able to understand the visual content that the user provides, " +
        "and assist the user with a variety of tasks using natural language.";

    /// <summary>The system text of the templates with mmtag: the missing space after the full stop is the original's.</summary>
    public const string MultimodalTag =
        "A chat between a curious user and an artificial intelligence assistant. The assistant is able to understand the visual " +
        "content that the user provides, and assist the user with a variety of tasks using natural language.The visual content " +
        "will be provided with the following format: <Image>visual content</Image>.";

    /// <summary>The system text of chatml_direct.</summary>
    public const string Direct =
        "<|im_start|>system\nAnswer the questions.";

    /// <summary>The system text of mpt.</summary>
    public const string Mpt =
        "<|im_start|>system\nA conversation between a user and an LLM-based AI assistant. The assistant gives helpful and honest " +
        "answers.";

    /// <summary>The example question that v0 begins with.</summary>
    public const string ExampleQuestion =
        "What are the key differences between renewable and non-renewable energy sources?";

    /// <summary>The example answer that v0 begins with.</summary>
    public const string ExampleAnswer =
        "Renewable energy sources are those that can be replenished naturally in a relatively short amount of time, such as " +
        "solar, wind, hydro, geothermal, and biomass. Non-renewable energy sources, on the other hand, are finite and will " +
        "eventually be depleted, such as coal, oil, and natural gas. Here are some key differences between renewable and " +
        "non-renewable energy sources:\n" +
        "1. Availability: Renewable energy sources are virtually inexhaustible, while non-renewable energy sources are finite " +
        "and will eventually run out.\n" +
        "2. Environmental impact: Renewable energy sources have a much lower environmental impact than non-renewable sources, " +
        "which can lead to air and water pollution, greenhouse gas emissions, and other negative effects.\n" +
        "3. Cost: Renewable energy sources can be more expensive to initially set up, but they typically have lower operational " +
        "costs than non-renewable sources.\n" +
        "4. Reliability: Renewable energy sources are often more reliable and can be used in more remote locations than " +
        "non-renewable sources.\n" +
        "5. Flexibility: Renewable energy sources are often more flexible and can be adapted to different situations and needs, " +
        "while non-renewable sources are more rigid and inflexible.\n" +
        "6. Sustainability: Renewable energy sources are more sustainable over the long term, while non-renewable sources are " +
        "not, and their depletion can lead to economic and social instability.\n";
}
