using LlavaSharp.Imaging;

namespace LlavaSharp.Training;

/// <summary>Conversations through the one prompt path and the one picture path, as samples.</summary>
public sealed class ConversationData : ITrainingData
{
    private readonly IConversationSource _source;
    private readonly ConversationEncoder _encoder;
    private readonly Func<Image, PixelValues>? _preprocess;
    private readonly PixelValues? _blank;

    /// <summary>Joins a source with the steps that make samples of it.</summary>
    /// <param name="source">The conversations.</param>
    /// <param name="encoder">Makes ids and labels.</param>
    /// <param name="preprocess">Makes pixel values; null for a run without a vision tower.</param>
    /// <param name="imageSize">The side of the tower's pictures, for the view of zeros that text-only samples get.</param>
    public ConversationData(IConversationSource source, ConversationEncoder encoder, Func<Image, PixelValues>? preprocess = null, int imageSize = 0)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(encoder);
        (_source, _encoder, _preprocess) = (source, encoder, preprocess);
        if (preprocess is not null)
            _blank = new PixelValues(new float[3 * imageSize * imageSize], 1, imageSize, imageSize, (imageSize, imageSize), HasTileAxis: false);
    }

    /// <inheritdoc/>
    public long? Count => _source.Count;

    /// <inheritdoc/>
    public int EstimateLength(long index) => _source.EstimateLength(index);

    /// <inheritdoc/>
    /// <exception cref="TrainingException">The sample has a picture, but the run has no vision tower, or its turns cannot be written in the template.</exception>
    public TrainingSample Get(long index, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var sample = _source.Get(index);
        if (sample.Image is not null && _preprocess is null)
            throw new TrainingException($"Sample {index} has a picture, but the run has no vision tower. Name one with --vision_tower, or give text alone.");
        try
        {
            return new TrainingSample(_encoder.Encode(sample), sample.Image is null ? _blank : _preprocess!(sample.Image));
        }
        catch (TrainingException exception)
        {
            throw new TrainingException($"Sample {index}: {exception.Message}", innerException: exception);
        }
    }
}
