using System.Text;

namespace LlavaSharp.Tokenizers;

/// <summary>Unigram language model segmentation: the cut with the highest sum of scores (Viterbi).</summary>
internal sealed class SentencePieceUnigramEncoder : SentencePieceEncoder
{
    // the penalty of SentencePiece for a character that no piece covers, below the lowest score
    private const float UnknownPenalty = 10;

    private readonly Dictionary<(int Node, char Next), int> _edges = [];
    private readonly Dictionary<int, int> _pieceOfNode = [];
    private readonly float _unknownScore;
    private readonly float _highest;

    public SentencePieceUnigramEncoder(SentencePieceModel model)
        : base(model)
    {
        double lowest = 0;
        var any = false;
        var nodes = 1;
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            var (text, score, type) = model.Pieces[id];
            if (type == SentencePieceType.Normal)
            {
                lowest = any ? Math.Min(lowest, score) : score;
                _highest = any ? Math.Max(_highest, score) : score;
                any = true;
            }
            if (type is not (SentencePieceType.Normal or SentencePieceType.UserDefined))
                continue;
            var node = 0;
            foreach (var c in text)
            {
                if (!_edges.TryGetValue((node, c), out var next))
                    _edges[(node, c)] = next = nodes++;
                node = next;
            }
            _pieceOfNode[node] = id;
        }
        _unknownScore = (float)lowest - UnknownPenalty;
    }

    protected override void EncodeNormalized(string text, List<int> ids)
    {
        // sums are rounded to single precision at every step, as SentencePiece does: it decides between equal cuts
        var best = new float[text.Length + 1];
        var from = new int[text.Length + 1];
        var piece = new int[text.Length + 1];
        Array.Fill(best, float.NegativeInfinity);
        best[0] = 0;
        for (var i = 0; i < text.Length;)
        {
            var step = TextUtilities.CodePointLength(text, i);
            var covered = false;
            var node = 0;
            for (var end = i; end < text.Length && _edges.TryGetValue((node, text[end]), out node); end++)
            {
                if (!_pieceOfNode.TryGetValue(node, out var id))
                    continue;
                covered |= end + 1 - i == step;
                var score = Model.Pieces[id].Type == SentencePieceType.UserDefined ? (double)(Encoding.UTF8.GetByteCount(text.AsSpan(i, end + 1 - i)) * _highest) - 0.1 : Model.Pieces[id].Score;
                Relax(i, end + 1, score, id);
            }
            if (!covered)
                Relax(i, i + step, _unknownScore, -1);
            i += step;
        }

        var cuts = new List<int>();
        for (var end = text.Length; end > 0; end = from[end])
            cuts.Add(end);
        var unknown = false;
        for (var i = cuts.Count - 1; i >= 0; i--)
        {
            var end = cuts[i];
            if (piece[end] < 0)
            {
                AddUnknown(text.AsSpan(from[end], end - from[end]), ids, ref unknown);
                continue;
            }
            ids.Add(piece[end]);
            unknown = false;
        }

        void Relax(int start, int end, double score, int id)
        {
            var sum = score + best[start];
            if (float.IsFinite(best[end]) && sum <= best[end])
                return;
            best[end] = (float)Math.Clamp(sum, float.MinValue, float.MaxValue);
            from[end] = start;
            piece[end] = id;
        }
    }
}
