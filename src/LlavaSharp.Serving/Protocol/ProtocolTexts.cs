namespace LlavaSharp.Serving.Protocol;

/// <summary>Texts that go over the wire as they stand in the original (<c>llava/constants.py</c>, <c>llava/utils.py</c>).</summary>
internal static class ProtocolTexts
{
    /// <summary>What a client is shown whenever no answer can be had.</summary>
    public const string ServerError = "**NETWORK ERROR DUE TO HIGH TRAFFIC. PLEASE REGENERATE OR REFRESH THIS PAGE.**";

    /// <summary>What the original's clients say they are.</summary>
    public const string UserAgent = "LLaVA Client";
}
