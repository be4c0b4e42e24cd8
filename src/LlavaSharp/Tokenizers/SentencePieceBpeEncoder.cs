namespace LlavaSharp.Tokenizers;

/// <summary>
/// Byte-pair encoding as SentencePiece does it: of all neighbours whose joined text is a piece, the pair with the highest score is joined first,
/// the leftmost among equals. A priority queue keeps this at O(n log n).
/// </summary>
internal sealed class SentencePieceBpeEncoder(SentencePieceModel model) : SentencePieceEncoder(model)
{
    protected override void EncodeNormalized(string text, List<int> ids)
    {
        var symbols = Split(text);
        var lookup = Model.Ordinary;
        var queue = new PriorityQueue<(int Left, int Right, int Length), ulong>();
        Dictionary<string, int>? splits = Model.HasUnusedPieces ? [] : null;

        void Offer(int left, int right)
        {
            if (left < 0 || right < 0 || symbols[left].Frozen || symbols[right].Frozen)
                return;
            var length = symbols[left].Length + symbols[right].Length;
            if (length > Model.LongestPiece || !lookup.TryGetValue(text.AsSpan(symbols[left].Start, length), out var id))
                return;
            queue.Enqueue((left, right, length), Priority(Model.Pieces[id].Score, left));
            // an unused piece may be a step on the way to a longer one, but is cut again where it remains
            if (splits is not null && Model.Pieces[id].Type == SentencePieceType.Unused)
                splits[Model.Pieces[id].Text] = symbols[left].Length;
        }

        for (var i = 1; i < symbols.Length; i++)
            Offer(i - 1, i);
        while (queue.TryDequeue(out var pair, out _))
        {
            ref var left = ref symbols[pair.Left];
            ref var right = ref symbols[pair.Right];
            if (left.Length == 0 || right.Length == 0 || left.Length + right.Length != pair.Length)
                continue; // one of the two has been joined with another since
            left.Length = pair.Length;
            left.Next = right.Next;
            if (right.Next >= 0)
                symbols[right.Next].Previous = pair.Left;
            right.Length = 0;
            Offer(left.Previous, pair.Left);
            Offer(pair.Left, left.Next);
        }

        var unknown = false;
        for (var i = 0; i >= 0; i = symbols[i].Next)
            Emit(text, symbols[i].Start, symbols[i].Length, splits, ids, ref unknown);
    }

    private void Emit(string text, int start, int length, Dictionary<string, int>? splits, List<int> ids, ref bool unknown)
    {
        var lookup = Model.Ordinary;
        var pending = new Stack<(int Start, int Length)>();
        pending.Push((start, length));
        while (pending.TryPop(out var part))
        {
            var surface = text.AsSpan(part.Start, part.Length);
            if (!lookup.TryGetValue(surface, out var id))
            {
                AddUnknown(surface, ids, ref unknown);
                continue;
            }
            if (splits is not null && Model.Pieces[id].Type == SentencePieceType.Unused && splits.TryGetValue(Model.Pieces[id].Text, out var left))
            {
                pending.Push((part.Start + left, part.Length - left));
                pending.Push((part.Start, left));
                continue;
            }
            ids.Add(id);
            unknown = false;
        }
    }

    private Symbol[] Split(string text)
    {
        var symbols = new List<Symbol>(text.Length);
        for (var i = 0; i < text.Length;)
        {
            var whole = Model.UserDefined.IsEmpty ? null : Model.UserDefined.LongestAt(text, i);
            var length = whole?.Length ?? TextUtilities.CodePointLength(text, i);
            symbols.Add(new Symbol { Start = i, Length = length, Previous = symbols.Count - 1, Next = symbols.Count + 1, Frozen = whole is not null });
            i += length;
        }
        var array = symbols.ToArray();
        array[^1].Next = -1;
        return array;
    }

    // the queue takes the smallest first: the score's bits in descending order, then the position
    private static ulong Priority(float score, int left)
    {
        var bits = BitConverter.SingleToUInt32Bits(score + 0f); // + 0 turns -0 into 0
        var ascending = (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
        return ((ulong)~ascending << 32) | (uint)left;
    }

    private struct Symbol
    {
        public int Start;
        public int Length;
        public int Previous;
        public int Next;
        public bool Frozen;
    }
}
