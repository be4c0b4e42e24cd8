namespace LlavaSharp.Serving.Web;

/// <summary>Measures an answer while its frames come.</summary>
internal sealed class AnswerMeter(TimeProvider clock)
{
    // its time stamps, as looking at the time of day is for the records
    private readonly long _start = clock.GetTimestamp();
    private long _firstFrame;
    private long _lastFrame;
    private int _frames;
    private TimeSpan? _toFirstText;

    /// <summary>A frame came.</summary>
    public void Count(bool hasText)
    {
        _lastFrame = clock.GetTimestamp();
        if (_frames++ == 0)
            _firstFrame = _lastFrame;
        if (hasText)
            _toFirstText ??= clock.GetElapsedTime(_start, _lastFrame);
    }

    /// <summary>How it stands.</summary>
    public WebStatistics Read()
    {
        var tokens = Math.Max(0, _frames - 1);   // the last frame brings no token
        var time = clock.GetElapsedTime(_firstFrame, _lastFrame);
        return new(tokens, _toFirstText, clock.GetElapsedTime(_start), tokens > 1 && time > TimeSpan.Zero ? (tokens - 1) / time.TotalSeconds : null);
    }
}
