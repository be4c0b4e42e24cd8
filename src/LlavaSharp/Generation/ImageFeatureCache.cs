using LlavaSharp.Imaging;
using LlavaSharp.Models;
using static TorchSharp.torch;

namespace LlavaSharp.Generation;

/// <summary>
/// The features of pictures (after projector and merge of tiles) by the hash of what they were computed from, so that the next question about a picture
/// runs neither tower nor projector.
/// </summary>
/// <param name="capacity">The most bytes held; 0 holds nothing.</param>
/// <remarks>Runs on the model's thread. What it holds belongs to no dispose scope.</remarks>
internal sealed class ImageFeatureCache(long capacity) : IDisposable
{
    private readonly LeastRecentlyUsed<UInt128, Tensor> _held = new(capacity);

    /// <summary>How many pictures are held.</summary>
    public int Count => _held.Count;

    /// <summary>The bytes of their features.</summary>
    public long Bytes => _held.Bytes;

    /// <summary>The features of pictures; those that are not held are computed together, each of them once.</summary>
    /// <param name="pictures">The pictures.</param>
    /// <param name="hashes">The content hash of each.</param>
    /// <param name="encode">Computes the features of some pictures.</param>
    /// <returns>Per picture [features, C], of the caller's dispose scope; and how many pictures did not have to be computed.</returns>
    public (IReadOnlyList<Tensor> Features, int Saved) Encode(
        IReadOnlyList<PixelValues> pictures, IReadOnlyList<UInt128> hashes, Func<IReadOnlyList<PixelValues>, IReadOnlyList<Tensor>> encode)
    {
        using var scope = NewDisposeScope();
        var known = new Dictionary<UInt128, Tensor>();
        var missing = new List<int>();
        for (var i = 0; i < pictures.Count; i++)
        {
            if (_held.TryGet(hashes[i], out var features))
                known[hashes[i]] = features.alias();   // it lives on when the held tensor makes room for another
            else if (!missing.Exists(other => hashes[other] == hashes[i]))
                missing.Add(i);
        }
        var computed = encode([.. missing.Select(i => pictures[i])]);
        for (var i = 0; i < missing.Count; i++)
        {
            known[hashes[missing[i]]] = computed[i];
            Keep(hashes[missing[i]], computed[i], missing.Count > 1);
        }
        return ([.. hashes.Take(pictures.Count).Select(hash => known[hash].alias().MoveToOuterDisposeScope())], pictures.Count - missing.Count);
    }

    /// <summary>The features of a picture [features, C], of the caller's dispose scope; null when they are not held.</summary>
    public Tensor? Find(UInt128 hash) => _held.TryGet(hash, out var features) ? features.alias() : null;

    /// <inheritdoc/>
    public void Dispose() => _held.Dispose();

    /// <summary>Holds the features of a picture, which stay the caller's, too.</summary>
    /// <param name="hash">The picture's content hash.</param>
    /// <param name="features">[features, C].</param>
    /// <param name="shared">Whether they share memory with those of other pictures, which must not live as long as these do.</param>
    public void Keep(UInt128 hash, Tensor features, bool shared)
    {
        var bytes = features.numel() * features.element_size();
        if (_held.Holds(bytes) && !_held.TryGet(hash, out _))
            _held.Add(hash, (shared ? features.clone() : features.alias()).DetachFromDisposeScope(), bytes);
    }
}
