namespace LlavaSharp.Quantization;

/// <summary>What is made of dense linear layers while they are loaded.</summary>
internal enum QuantizedForm
{
    /// <summary>They stay dense.</summary>
    None,

    /// <summary>NF4 with double quantisation, as bitsandbytes' 4 bits.</summary>
    NormalFloat4,

    /// <summary>LLM.int8, as bitsandbytes' 8 bits.</summary>
    OutlierInt8,
}
