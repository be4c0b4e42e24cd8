using LlavaSharp.Checkpoints;

namespace LlavaSharp.Models;

/// <summary>The language models that are known: a new one is a file beside this one, and a line here.</summary>
public static class LanguageModels
{
    private static readonly Dictionary<ModelFamily, Func<LlavaConfig, WeightScope, CausalLanguageModel>> Known = new()
    {
        [ModelFamily.Llama] = (config, weights) => new Llama(config, weights),
        [ModelFamily.Mistral] = (config, weights) => new Llama(config, weights),
        [ModelFamily.Mpt] = (config, weights) => new Mpt(config, weights),
    };

    /// <summary>Builds the language model of the config's family.</summary>
    public static CausalLanguageModel Create(LlavaConfig config, WeightScope weights) => Known[config.Family](config, weights);
}
