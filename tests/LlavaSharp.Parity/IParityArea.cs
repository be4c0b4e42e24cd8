namespace LlavaSharp.Parity;

/// <summary>One folder of goldens: how its files are read, and what the product must make of them.</summary>
public interface IParityArea
{
    /// <summary>The folder's name below ROOT.</summary>
    string Name { get; }

    /// <summary>Checks every case; what is not touched by the end is reported as unknown.</summary>
    void Check(AreaRun run);
}
