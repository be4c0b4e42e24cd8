namespace LlavaSharp.Data.Synth;

/// <summary>What a question is about; scores are kept by these.</summary>
public enum SynthQuestionType
{
    /// <summary>"What color is the star?": "red".</summary>
    Color,

    /// <summary>"What shape is the yellow object?": "square".</summary>
    Shape,

    /// <summary>"How many objects are there?": "three".</summary>
    CountAll,

    /// <summary>"How many red objects are there?": "two"; "zero" when there is none.</summary>
    CountColor,

    /// <summary>"How many circles are there?": "two"; "zero" when there is none.</summary>
    CountShape,

    /// <summary>"Is there a red circle?": "yes" or "no".</summary>
    Presence,

    /// <summary>"Where is the red circle?": "top left".</summary>
    Place,

    /// <summary>"Is the red circle big or small?": "big".</summary>
    Size,

    /// <summary>"Is the red circle left or right of the blue square?": "left".</summary>
    RelationHorizontal,

    /// <summary>"Is the red circle above or below the blue square?": "above".</summary>
    RelationVertical,

    /// <summary>"Describe the image.": every object with size, colour, shape and place, sorted from left to right.</summary>
    Describe,

    /// <summary>A question of another type (not presence, not a count) about an object that is not there: "There is no red circle."</summary>
    Refusal,

    /// <summary>A picture, a question or a greeting from outside the world: a sentence that says what the model can do.</summary>
    OutOfWorld,
}
