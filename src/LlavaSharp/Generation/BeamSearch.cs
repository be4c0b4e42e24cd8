namespace LlavaSharp.Generation;

/// <summary>
/// The bookkeeping of beam search for one prompt, as transformers 4.37.2 does it (no early stopping): it takes log-probabilities and says
/// which beam continues which, and by which token. The caller runs the model and reorders its caches.
/// </summary>
/// <remarks>
/// Loop: run the model for every beam, <see cref="Step"/>, reorder by <see cref="SourceBeams"/>, feed <see cref="NextTokens"/>, until
/// <see cref="IsDone"/>; then <see cref="Finish"/>. At the first step all beams are equal, so one run repeated will do. Not safe for concurrent use.
/// </remarks>
public sealed class BeamSearch
{
    private const double Worst = 1e9;

    private readonly int _vocabulary;
    private readonly int[] _endIds;
    private readonly int _maxNewTokens;
    private readonly double _lengthPenalty;
    private readonly int[] _startIds;
    private readonly bool _countsPrevious;
    private readonly LogitsProcessor? _processor;
    private readonly GenerationRandom? _random;
    private readonly float[] _scores;
    private readonly float[] _newScores;
    private readonly int[] _sources;
    private readonly int[] _tokens;
    private readonly List<int[]> _sourceHistory = [];
    private readonly List<int[]> _tokenHistory = [];
    private readonly List<BeamHypothesis> _hypotheses = [];
    private readonly BeamCandidates _candidates;
    private double _worstScore = Worst;
    private bool _done;

    /// <summary>Starts a search.</summary>
    /// <param name="settings">Beams, token limit, repetition penalty, and sampling when the temperature is above 0.</param>
    /// <param name="vocabulary">The number of log-probabilities of a beam.</param>
    /// <param name="endIds">The ids that end a text; may be empty.</param>
    /// <param name="lengthPenalty">The exponent of the length; above 1 favours long texts.</param>
    /// <param name="startIds">Ids in front of the generated ones that the repetition penalty counts (in the original the start token).</param>
    /// <exception cref="GenerationException">A setting is out of range, or the vocabulary is too small for the beams.</exception>
    public BeamSearch(GenerationSettings settings, int vocabulary, IEnumerable<int> endIds, double lengthPenalty = 1, IEnumerable<int>? startIds = null)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(endIds);
        settings.Validate();
        _endIds = [.. endIds];
        var wanted = Math.Max(2, 1 + _endIds.Length);
        if (vocabulary < wanted)
            throw new GenerationException($"Beam search with {_endIds.Length} end tokens needs a vocabulary of at least {wanted} tokens, not {vocabulary}.");
        if (!double.IsFinite(lengthPenalty))
            throw new GenerationException($"The length penalty is {lengthPenalty}. Give a finite number (1: the mean log-probability).");
        Beams = settings.NumBeams;
        (_vocabulary, _maxNewTokens, _lengthPenalty, _startIds) = (vocabulary, settings.MaxNewTokens, lengthPenalty, [.. startIds ?? []]);
        if (settings.DoSample)
        {
            // Every beam must offer enough tokens for the candidates to be distinct.
            _processor = new LogitsProcessor(settings, wanted);
            _random = new GenerationRandom(settings.Seed);
        }
        else if (settings.RepetitionPenalty != 1)
            _processor = new LogitsProcessor(settings);
        _countsPrevious = settings.RepetitionPenalty != 1;
        _scores = new float[Beams];
        _newScores = new float[Beams];
        _sources = new int[Beams];
        _tokens = new int[Beams];
        _candidates = new BeamCandidates(wanted * Beams);
        // All beams are equal at first: without chance only one may be continued, or all would choose the same.
        if (!settings.DoSample)
            _scores.AsSpan(1).Fill(-(float)Worst);
    }

    /// <summary>The number of beams.</summary>
    public int Beams { get; }

    /// <summary>How many steps were made: the number of ids of every unfinished beam.</summary>
    public int Length => _tokenHistory.Count;

    /// <summary>Whether nothing better can come, or the token limit is reached.</summary>
    public bool IsDone => _done || Length >= _maxNewTokens;

    /// <summary>After a step: the beam that each new beam continues.</summary>
    public ReadOnlySpan<int> SourceBeams => _sources;

    /// <summary>After a step: the token that each new beam gains.</summary>
    public ReadOnlySpan<int> NextTokens => _tokens;

    /// <summary>The log-probability of each unfinished beam.</summary>
    public ReadOnlySpan<float> Scores => _scores;

    /// <summary>Takes the model's answer for every beam and chooses the next beams.</summary>
    /// <param name="logProbabilities">Log-softmax of the logits, [beams, vocabulary], beam after beam; used as work space.</param>
    /// <exception cref="GenerationException">A value is not finite, the size is wrong, or the search is over.</exception>
    public void Step(Span<float> logProbabilities)
    {
        if (IsDone)
            throw new GenerationException("The beam search is over: take its result with Finish.");
        if (logProbabilities.Length != Beams * _vocabulary)
            throw new GenerationException($"Beam search needs {Beams} x {_vocabulary} log-probabilities, not {logProbabilities.Length}.");
        Process(logProbabilities);
        if (_random is null)
            _candidates.TakeLargest(logProbabilities, _scores, _vocabulary);
        else
            _candidates.Draw(logProbabilities, _scores, _vocabulary, _random);
        Choose();
        _sourceHistory.Add([.. _sources]);
        _tokenHistory.Add([.. _tokens]);
        _newScores.CopyTo(_scores, 0);
        _done = _hypotheses.Count >= Beams && _worstScore >= _candidates.Score(0) / Math.Pow(Length, _lengthPenalty);
    }

    /// <summary>The best text found; unfinished beams compete when the search did not end by itself. Before the first step: the empty text.</summary>
    public BeamHypothesis Finish()
    {
        if (Length == 0)
            return new BeamHypothesis([], 0, 0, HasEnded: false);
        var hypotheses = new List<BeamHypothesis>(_hypotheses);
        var worst = _worstScore;
        if (!_done)
            for (var beam = 0; beam < Beams; beam++)
                Add(hypotheses, ref worst, Path(Length, beam), _scores[beam], ended: false);
        var best = hypotheses[0];
        // Of equal scores the original takes the one found last.
        foreach (var hypothesis in hypotheses)
            if (hypothesis.Score >= best.Score)
                best = hypothesis;
        return best;
    }

    /// <summary>Turns one row of logits into log-probabilities (log-softmax), in place.</summary>
    /// <exception cref="GenerationException">A logit is not finite.</exception>
    public static void LogSoftmax(Span<float> logits)
    {
        LogitsProcessor.RequireFinite(logits);
        var largest = logits[Sampler.Greedy(logits)];
        double sum = 0;
        foreach (var logit in logits)
            sum += PortableMath.Exp(logit - largest);
        var logSum = (float)(largest + Math.Log(sum));
        for (var i = 0; i < logits.Length; i++)
            logits[i] -= logSum;
    }

    private void Process(Span<float> logProbabilities)
    {
        for (var beam = 0; beam < Beams; beam++)
        {
            var row = logProbabilities.Slice(beam * _vocabulary, _vocabulary);
            if (_processor is null)
                LogitsProcessor.RequireFinite(row);
            else if (_random is null)
                _processor.Penalize(row, PreviousIds(beam));
            else
                _processor.Apply(row, PreviousIds(beam));
        }
    }

    private int[] PreviousIds(int beam) => _countsPrevious ? [.. _startIds, .. Path(Length, beam)] : [];

    private void Choose()
    {
        var chosen = 0;
        for (var rank = 0; rank < _candidates.Count && chosen < Beams; rank++)
        {
            int source = _candidates.Index(rank) / _vocabulary, token = _candidates.Index(rank) % _vocabulary;
            var score = _candidates.Score(rank);
            if (Array.IndexOf(_endIds, token) >= 0)
            {
                // An end among the lesser half of the candidates would not be a beam either.
                if (rank < Beams)
                    Add(_hypotheses, ref _worstScore, [.. Path(Length, source), token], score, ended: true);
                continue;
            }
            (_sources[chosen], _tokens[chosen], _newScores[chosen]) = (source, token, score);
            chosen++;
        }
        if (chosen < Beams)
            throw new GenerationException($"Only {chosen} of {Beams} beams can be continued: the vocabulary is too small, or sampling keeps too few tokens. Use fewer beams.");
    }

    private void Add(List<BeamHypothesis> hypotheses, ref double worst, int[] ids, float sum, bool ended)
    {
        var score = sum / Math.Pow(ids.Length, _lengthPenalty);
        if (hypotheses.Count >= Beams && score <= worst)
            return;
        hypotheses.Add(new BeamHypothesis(ids, score, sum, ended));
        if (hypotheses.Count <= Beams)
        {
            worst = Math.Min(score, worst);
            return;
        }
        var lowest = 0;
        for (var i = 1; i < hypotheses.Count; i++)
            if (hypotheses[i].Score < hypotheses[lowest].Score)
                lowest = i;
        hypotheses.RemoveAt(lowest);
        worst = hypotheses.Min(hypothesis => hypothesis.Score);
    }

    // The ids of a beam, followed back through the steps.
    private int[] Path(int length, int beam)
    {
        var ids = new int[length];
        for (var step = length - 1; step >= 0; step--)
        {
            ids[step] = _tokenHistory[step][beam];
            beam = _sourceHistory[step][beam];
        }
        return ids;
    }
}
