using System.Runtime.InteropServices;

namespace LlavaSharp.Generation;

/// <summary>
/// Guesses the next ids by looking for the last few of them earlier in the sequence (prompt-lookup decoding, Saxena 2023). Answers repeat names, lists and what
/// they were asked, and a guess costs no model. How many ids are proposed follows how many were right lately.
/// </summary>
/// <remarks>Knows ids only: whoever proposes checks them. Not safe for concurrent use.</remarks>
internal sealed class PromptLookup
{
    /// <summary>The most ids that are proposed at once. With the one before them they are eight tokens, for which the kernels of few tokens are made.</summary>
    public const int MostProposals = 7;

    private const int FirstProposals = 3;
    private const int LongestPause = 32;
    private const int NoToken = -1;
    private static readonly int[] s_lengths = [3, 2];   // of what is looked for; one id alone is found everywhere

    private readonly List<int> _ids = [];
    private int _limit = FirstProposals;
    private int _pause;
    private int _wait;

    /// <summary>Begins with the ids of a prompt; negative ones (pictures) are never found and never proposed.</summary>
    public PromptLookup(IEnumerable<int> prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        foreach (var id in prompt)
            if (id >= 0 || _ids.Count == 0 || _ids[^1] >= 0)
                _ids.Add(id >= 0 ? id : NoToken);   // a picture's positions are one gap
    }

    /// <summary>The id that came next.</summary>
    public void Append(int id) => _ids.Add(id);

    /// <summary>What may come next; empty where nothing is found, and for a while after guesses that were wrong.</summary>
    /// <param name="most">The most ids that are of use.</param>
    public int[] Propose(int most)
    {
        if (_wait > 0)
        {
            _wait--;
            return [];
        }
        var count = Math.Min(most, _limit);
        return count <= 0 ? [] : [.. Following(count)];
    }

    /// <summary>Says how many of the proposed ids were right.</summary>
    public void Report(int proposed, int right)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(right, proposed);
        if (proposed == 0)
            return;
        if (right == 0)
        {
            _pause = Math.Min(LongestPause, 2 * _pause + 1);
            (_wait, _limit) = (_pause, Math.Max(1, _limit / 2));
            return;
        }
        _pause = 0;
        _limit = right == proposed ? Math.Min(MostProposals, 2 * _limit + 1) : Math.Max(1, right);
    }

    private List<int> Following(int count)
    {
        var proposed = new List<int>(count);
        var ids = CollectionsMarshal.AsSpan(_ids);
        foreach (var length in s_lengths)
        {
            if (ids.Length <= length)
                continue;
            var last = ids[^length..];
            if (last.Contains(NoToken))
                continue;
            var at = ids[..^1].LastIndexOf(last);
            if (at < 0)
                continue;
            for (var next = at + length; proposed.Count < count; next++)
            {
                // behind the last id the guess itself goes on: what repeats is repeated
                var id = next < ids.Length ? ids[next] : proposed[next - ids.Length];
                if (id == NoToken)
                    break;
                proposed.Add(id);
            }
            if (proposed.Count > 0)
                break;
        }
        return proposed;
    }
}
