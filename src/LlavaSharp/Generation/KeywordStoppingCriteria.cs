using LlavaSharp.Tokenizers;

namespace LlavaSharp.Generation;

/// <summary>The original's test whether an answer has reached a keyword. It looks at the last ids alone, so an answer "stopped" may be so no longer one id later.</summary>
public sealed class KeywordStoppingCriteria
{
    private readonly string[] _keywords;
    private readonly int[][] _keywordIds;
    private readonly int _longest;
    private readonly Tokenizer _tokenizer;
    private readonly int _promptLength;

    /// <summary>Encodes the keywords; a beginning token in front of other ids is dropped.</summary>
    /// <param name="keywords">The texts that end an answer.</param>
    /// <param name="tokenizer">The tokenizer of the ids.</param>
    /// <param name="promptLength">The number of ids of the prompt that the ids asked about begin with.</param>
    public KeywordStoppingCriteria(IEnumerable<string> keywords, Tokenizer tokenizer, int promptLength)
    {
        ArgumentNullException.ThrowIfNull(keywords);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentOutOfRangeException.ThrowIfNegative(promptLength);
        (_keywords, _tokenizer, _promptLength) = ([.. keywords], tokenizer, promptLength);
        _keywordIds = new int[_keywords.Length][];
        for (var i = 0; i < _keywords.Length; i++)
        {
            var ids = tokenizer.Encode(_keywords[i]);
            _keywordIds[i] = ids.Length > 1 && ids[0] == tokenizer.BeginningOfSequenceId ? ids[1..] : ids;
            _longest = Math.Max(_longest, _keywordIds[i].Length);
        }
    }

    /// <summary>The ids of every keyword, as they are compared.</summary>
    public IReadOnlyList<IReadOnlyList<int>> KeywordIds => _keywordIds;

    /// <summary>Whether one row of ids (prompt and answer) has reached a keyword.</summary>
    /// <exception cref="TokenizerException">An id is outside the vocabulary.</exception>
    public bool ShouldStop(ReadOnlySpan<int> ids)
    {
        foreach (var keyword in _keywordIds)
            if (Tail(ids, keyword.Length).SequenceEqual(keyword))
                return true;
        var text = _tokenizer.Decode(Tail(ids, Math.Min(ids.Length - _promptLength, _longest)).ToArray(), skipSpecialTokens: true);
        foreach (var keyword in _keywords)
            if (text.Contains(keyword, StringComparison.Ordinal))
                return true;
        return false;
    }

    /// <summary>Whether every row of a batch has reached a keyword.</summary>
    /// <exception cref="TokenizerException">An id is outside the vocabulary.</exception>
    public bool ShouldStop(IEnumerable<int[]> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        return rows.All(row => ShouldStop(row.AsSpan()));
    }

    // The original's slice [-length:]: zero takes the whole row, a negative length everything from that place on.
    private static ReadOnlySpan<int> Tail(ReadOnlySpan<int> ids, int length) => length switch
    {
        < 0 => ids[Math.Min(-length, ids.Length)..],
        0 => ids,
        _ => ids[Math.Max(0, ids.Length - length)..],
    };
}
