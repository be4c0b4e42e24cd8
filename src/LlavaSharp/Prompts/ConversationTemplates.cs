using LlavaSharp.Checkpoints;

namespace LlavaSharp.Prompts;

/// <summary>The original's conversation templates by name, and which one belongs to which model.</summary>
public static class ConversationTemplates
{
    /// <summary>The template that training and the evaluation scripts use.</summary>
    public const string DefaultName = "vicuna_v1";

    /// <summary>The name that stands for the chat template in a language model's own files; <see cref="Get"/> does not know it, a loaded model does.</summary>
    public const string ChatTemplateName = "chat_template";

    private static readonly string[] HumanRoles = ["Human", "Assistant"];
    private static readonly string[] UserRoles = ["USER", "ASSISTANT"];
    private static readonly string[] ChatMlRoles = ["<|im_start|>user\n", "<|im_start|>assistant\n"];
    private static readonly string[] NoRoles = ["", ""];

    // The order is the original's.
    private static readonly (string Name, Func<Conversation> Create)[] Templates =
    [
        ("default", Vicuna0),
        ("v0", Vicuna0),
        ("v1", () => Two(TemplateTexts.User, "v1")),
        ("vicuna_v1", () => Two(TemplateTexts.User, "v1")),
        ("llama_2", () => Llama2(TemplateTexts.Llama2, "<s>")),
        ("mistral_instruct", () => Llama2("", "")),
        ("chatml_direct", () => ChatMl(TemplateTexts.Direct)),
        ("mistral_direct", () => ChatMl(TemplateTexts.Direct)),
        ("plain", Plain),
        ("v0_plain", Plain),
        ("llava_v0", () => Single(TemplateTexts.Human, "Unknown")),
        ("v0_mmtag", () => Single(TemplateTexts.MultimodalTag, "v0_mmtag")),
        ("llava_v1", () => Two(TemplateTexts.Human, "v1")),
        ("v1_mmtag", () => Two(TemplateTexts.MultimodalTag, "v1_mmtag")),
        ("llava_llama_2", () => Llama2(TemplateTexts.LlavaLlama2, "<s>")),
        ("mpt", () => ChatMl(TemplateTexts.Mpt)),
    ];

    /// <summary>All names, in the original's order.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Templates.Select(template => template.Name)];

    /// <summary>A new conversation of the default template.</summary>
    public static Conversation Default => Get(DefaultName);

    /// <summary>A new conversation of a template.</summary>
    /// <exception cref="UnknownNameException">There is no template of this name; the message names the nearest.</exception>
    public static Conversation Get(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        foreach (var template in Templates)
            if (template.Name == name)
                return template.Create();
        throw new UnknownNameException("conversation template", name, Names);
    }

    /// <summary>Checks a name before a model is loaded.</summary>
    /// <exception cref="UnknownNameException">It is neither a template's nor <see cref="ChatTemplateName"/>.</exception>
    public static void CheckName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name != ChatTemplateName && !Names.Contains(name))
            throw new UnknownNameException("conversation template", name, [.. Names, ChatTemplateName]);
    }

    /// <summary>The template that goes with a model: the one its config names; for a plain language model its own chat template, where its files hold one; else the one that its name gives (<see cref="InferName"/>).</summary>
    /// <param name="config">The model's config; null for what has none, such as an adapter or a GGUF file.</param>
    /// <param name="modelName">The model's name.</param>
    /// <param name="hasChatTemplate">Whether its files hold a chat template.</param>
    public static string NameFor(LlavaConfig? config, string modelName, bool hasChatTemplate)
    {
        if (config?.ConversationTemplate is { } stated)
            return stated;
        // for a LLaVA the original's templates hold
        if (hasChatTemplate && config?.MmVisionTower is null)
            return ChatTemplateName;
        var inferred = InferName(modelName);
        // the rules' last resort is for models from before 1.5, which the Hugging Face layout never had
        return config is { IsHuggingFace: true } && inferred == "llava_v0" ? "llava_v1" : inferred;
    }

    /// <summary>The template that the original's one-question and terminal programs take for a model's name.</summary>
    public static string InferName(string modelName)
    {
        ArgumentNullException.ThrowIfNull(modelName);
        var name = modelName.ToLowerInvariant();
        return Has(name, "llama-2") ? "llava_llama_2"
            : Has(name, "mistral") ? "mistral_instruct"
            : Has(name, "v1.6-34b") ? "chatml_direct"
            : Has(name, "v1") ? "llava_v1"
            : Has(name, "mpt") ? "mpt"
            : "llava_v0";
    }

    /// <summary>
    /// The template that the original's web server takes for a model's name. Where it names a template that does not exist
    /// (Q20: <c>mistral_orca</c>, <c>mpt_text</c>), the nearest one that does is taken: <c>mistral_instruct</c>, <c>mpt</c>.
    /// </summary>
    public static string InferNameForWeb(string modelName)
    {
        ArgumentNullException.ThrowIfNull(modelName);
        var name = modelName.ToLowerInvariant();
        if (!Has(name, "llava"))
            return Has(modelName, "mpt") ? "mpt" : Has(modelName, "llama-2") ? "llama_2" : "vicuna_v1";
        if (Has(name, "llama-2"))
            return "llava_llama_2";
        if (Has(name, "mistral") || Has(name, "mixtral"))
            return Has(name, "hermes") && !Has(name, "orca") ? "chatml_direct" : "mistral_instruct";
        if (Has(name, "llava-v1.6-34b"))
            return "chatml_direct";
        if (!Has(name, "v1") && Has(name, "mpt"))
            return "mpt";
        var announced = Has(name, "mmtag") || (Has(name, "plain") && !Has(name, "finetune"));
        return Has(name, "v1")
            ? announced ? "v1_mmtag" : "llava_v1"
            : announced ? "v0_mmtag" : "llava_v0";
    }

    /// <summary>
    /// The template that two of the original's answer generators take instead of <paramref name="templateName"/>: with <c>_mmtag</c>
    /// for a model that has only been pretrained (its name contains <c>plain</c>, not <c>finetune</c>).
    /// </summary>
    public static string ForPretrainedModel(string modelName, string templateName)
    {
        ArgumentNullException.ThrowIfNull(modelName);
        ArgumentNullException.ThrowIfNull(templateName);
        var name = modelName.ToLowerInvariant();
        return Has(name, "plain") && !Has(name, "finetune") && !Has(templateName.ToLowerInvariant(), "mmtag") ? templateName + "_mmtag" : templateName;
    }

    private static bool Has(string name, string part) => name.Contains(part, StringComparison.Ordinal);

    private static Conversation Vicuna0()
    {
        var conversation = new Conversation(SeparatorStyle.Single, "###", HumanRoles) { System = TemplateTexts.Human, Offset = 2 };
        conversation.Append(HumanRoles[0], TemplateTexts.ExampleQuestion);
        conversation.Append(HumanRoles[1], TemplateTexts.ExampleAnswer);
        return conversation;
    }

    private static Conversation Single(string system, string version) =>
        new(SeparatorStyle.Single, "###", HumanRoles) { System = system, Version = version };

    private static Conversation Two(string system, string version) =>
        new(SeparatorStyle.Two, " ", UserRoles) { System = system, Separator2 = "</s>", Version = version };

    private static Conversation Llama2(string system, string separator) =>
        new(SeparatorStyle.Llama2, separator, UserRoles) { System = system, Separator2 = "</s>", Version = "llama_v2" };

    private static Conversation ChatMl(string system) =>
        new(SeparatorStyle.Mpt, "<|im_end|>", ChatMlRoles) { System = system, Version = "mpt" };

    private static Conversation Plain() => new(SeparatorStyle.Plain, "\n", NoRoles);
}
