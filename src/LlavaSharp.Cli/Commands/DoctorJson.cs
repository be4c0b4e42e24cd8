using System.Text.Json;
using System.Text.Json.Serialization;
using LlavaSharp.Native;

namespace LlavaSharp.Cli.Commands;

/// <summary>The JSON form of the machine report; generated when the project is built, so that starting is fast.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(MachineReport))]
internal sealed partial class DoctorJson : JsonSerializerContext;
