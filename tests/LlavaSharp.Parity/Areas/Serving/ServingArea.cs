namespace LlavaSharp.Parity.Areas.Serving;

/// <summary>Our servers and clients in the places of the original's, on the wire.</summary>
public sealed class ServingArea : IParityArea
{
    /// <inheritdoc/>
    public string Name => "serving";

    /// <inheritdoc/>
    public void Check(AreaRun run)
    {
        ControllerCases.Check(run);
        WorkerCases.Check(run);
        SglangCases.Check(run);
        WebCases.Check(run);
    }
}
