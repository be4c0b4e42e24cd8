namespace LlavaSharp.Generation;

/// <summary>The best (beam, token) pairs of one step, best first; the buffers are reused.</summary>
internal sealed class BeamCandidates(int capacity)
{
    private readonly float[] _scores = new float[capacity];
    private readonly int[] _indices = new int[capacity];
    private double[] _weights = [];

    /// <summary>How many were found.</summary>
    public int Count { get; private set; }

    /// <summary>The score of the candidate at a rank.</summary>
    public float Score(int rank) => _scores[rank];

    /// <summary>Beam times vocabulary plus token of the candidate at a rank.</summary>
    public int Index(int rank) => _indices[rank];

    /// <summary>Takes the largest sums of log-probability and beam score; of equal ones the smaller index first.</summary>
    public void TakeLargest(ReadOnlySpan<float> logProbabilities, ReadOnlySpan<float> beamScores, int vocabulary)
    {
        Count = 0;
        for (var beam = 0; beam < beamScores.Length; beam++)
        {
            var row = logProbabilities.Slice(beam * vocabulary, vocabulary);
            for (var token = 0; token < vocabulary; token++)
            {
                var score = row[token] + beamScores[beam];
                if (Count < capacity || score > _scores[Count - 1])
                    Insert(score, beam * vocabulary + token);
            }
        }
    }

    /// <summary>Draws distinct pairs, each with the probability of its sum, and orders them by it.</summary>
    public void Draw(ReadOnlySpan<float> logProbabilities, ReadOnlySpan<float> beamScores, int vocabulary, GenerationRandom random)
    {
        if (_weights.Length < logProbabilities.Length)
            _weights = new double[logProbabilities.Length];
        var largest = float.NegativeInfinity;
        for (var i = 0; i < logProbabilities.Length; i++)
            largest = Math.Max(largest, logProbabilities[i] + beamScores[i / vocabulary]);
        for (var i = 0; i < logProbabilities.Length; i++)
            _weights[i] = PortableMath.Exp(logProbabilities[i] + beamScores[i / vocabulary] - largest);
        Count = 0;
        for (var draw = 0; draw < capacity; draw++)
        {
            // Summed anew every time: subtracting what was drawn would leave rounding errors as large as the rest.
            double sum = 0;
            for (var i = 0; i < logProbabilities.Length; i++)
                sum += _weights[i];
            if (sum == 0)
                break;
            var left = random.NextDouble() * sum;
            var taken = -1;
            for (var i = 0; i < logProbabilities.Length; i++)
            {
                if (_weights[i] == 0)
                    continue;
                taken = i;
                left -= _weights[i];
                if (left < 0)
                    break;
            }
            _weights[taken] = 0;
            Insert(logProbabilities[taken] + beamScores[taken / vocabulary], taken);
        }
    }

    // Few candidates: insertion keeps them sorted, and most values fail the first comparison.
    private void Insert(float score, int index)
    {
        if (Count < capacity)
            Count++;
        var at = Count - 1;
        for (; at > 0 && score > _scores[at - 1]; at--)
            (_scores[at], _indices[at]) = (_scores[at - 1], _indices[at - 1]);
        (_scores[at], _indices[at]) = (score, index);
    }
}
