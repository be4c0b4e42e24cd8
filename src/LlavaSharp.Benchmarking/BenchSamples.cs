namespace LlavaSharp.Benchmarking;

/// <summary>One measurement of both sides, taken by turns so that a drift of the machine falls on both.</summary>
/// <param name="ours">Measures LlavaSharp; seconds.</param>
/// <param name="peer">Measures the other side; null: there is none.</param>
internal sealed class BenchSamples(Func<double> ours, Func<double>? peer)
{
    private readonly List<double> _ours = [];
    private readonly List<double> _peer = [];

    /// <summary>The median, in seconds.</summary>
    public double Ours => Timing.Median(_ours);

    /// <summary>The other side's median; null when there is none.</summary>
    public double? Peer => _peer.Count == 0 ? null : Timing.Median(_peer);

    /// <summary>Measures each side once.</summary>
    /// <param name="oursFirst">Which side begins.</param>
    /// <param name="keep">Whether it counts; what only warms up does not.</param>
    public void Take(bool oursFirst, bool keep)
    {
        if (!oursFirst)
            TakePeer(keep);
        var seconds = ours();
        if (keep)
            _ours.Add(seconds);
        if (oursFirst)
            TakePeer(keep);
    }

    private void TakePeer(bool keep)
    {
        if (peer is null)
            return;
        var seconds = peer();
        if (keep)
            _peer.Add(seconds);
    }
}
