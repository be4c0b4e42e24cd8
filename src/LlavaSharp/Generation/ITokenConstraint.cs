namespace LlavaSharp.Generation;

/// <summary>Says which tokens an answer may be made of, such as only those that spell JSON of a schema. One object may serve many answers at once.</summary>
public interface ITokenConstraint
{
    /// <summary>Begins an answer.</summary>
    ITokenConstraintState Begin();
}
