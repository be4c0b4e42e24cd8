namespace LlavaSharp.Checkpoints;

/// <summary>The language model behind a checkpoint.</summary>
public enum ModelFamily
{
    /// <summary>LLaMA, Vicuna, Yi: <c>LlavaLlamaForCausalLM</c>.</summary>
    Llama,

    /// <summary>Mistral: <c>LlavaMistralForCausalLM</c>, with a sliding window.</summary>
    Mistral,

    /// <summary>MPT: <c>LlavaMptForCausalLM</c>, with ALiBi.</summary>
    Mpt,
}
