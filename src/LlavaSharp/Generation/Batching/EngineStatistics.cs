namespace LlavaSharp.Generation.Batching;

/// <summary>What a <see cref="BatchingEngine"/> has to do at one moment, and what it has done.</summary>
/// <param name="Running">Requests that are being answered.</param>
/// <param name="Waiting">Requests that wait.</param>
/// <param name="PagesUsed">Pages of the cache of keys and values that are in use.</param>
/// <param name="Pages">All of its pages.</param>
/// <param name="Steps">Steps so far.</param>
/// <param name="PromptPositions">Positions of prompts computed so far.</param>
/// <param name="ReusedPositions">Positions of prompts so far that were held from other requests.</param>
/// <param name="GeneratedTokens">Tokens generated so far.</param>
/// <param name="Preemptions">How often a request had to give its pages to others and begin anew.</param>
/// <param name="SavedPictures">Pictures so far whose features were held.</param>
public sealed record EngineStatistics(
    int Running, int Waiting, int PagesUsed, int Pages, long Steps, long PromptPositions, long ReusedPositions, long GeneratedTokens, long Preemptions, long SavedPictures);
