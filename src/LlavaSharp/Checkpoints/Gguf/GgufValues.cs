namespace LlavaSharp.Checkpoints.Gguf;

/// <summary>The named values of a GGUF file by type, with errors that name the file and the value.</summary>
internal static class GgufValues
{
    /// <summary>A whole number, or null when there is none of that name.</summary>
    /// <exception cref="CheckpointException">It is of another type, or too large.</exception>
    public static int? Integer(this GgufFile file, string name) => file.Metadata.GetValueOrDefault(name) switch
    {
        null => null,
        ulong value and <= int.MaxValue => (int)value,
        long value and >= int.MinValue and <= int.MaxValue => (int)value,
        var other => throw Wrong(file, name, other, "a whole number of 32 bits"),
    };

    /// <summary>A number, or null when there is none of that name.</summary>
    /// <exception cref="CheckpointException">It is of another type.</exception>
    public static double? Number(this GgufFile file, string name) => file.Metadata.GetValueOrDefault(name) switch
    {
        null => null,
        double value => value,
        ulong value => value,
        long value => value,
        var other => throw Wrong(file, name, other, "a number"),
    };

    /// <summary>A value of this type, or the default when there is none of that name.</summary>
    /// <exception cref="CheckpointException">It is of another type.</exception>
    public static T? Find<T>(this GgufFile file, string name) => file.Metadata.GetValueOrDefault(name) switch
    {
        null => default,
        T value => value,
        var other => throw Wrong(file, name, other, typeof(T).Name),
    };

    /// <summary>Yes or no, or null when there is none of that name.</summary>
    /// <exception cref="CheckpointException">It is of another type.</exception>
    public static bool? Flag(this GgufFile file, string name) => file.Metadata.ContainsKey(name) ? file.Find<bool>(name) : null;

    /// <summary>A whole number that must be there.</summary>
    /// <exception cref="CheckpointException">It is missing, or of another type.</exception>
    public static int RequiredInteger(this GgufFile file, string name) =>
        file.Integer(name) ?? throw new CheckpointException($"'{file.File}' lacks the value '{name}'. Convert the model again.", file.File);

    private static CheckpointException Wrong(GgufFile file, string name, object value, string wanted) =>
        new($"The value '{name}' of '{file.File}' is {value}, not {wanted}.", file.File);
}
