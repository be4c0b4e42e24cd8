using System.Text.Json.Nodes;
using LlavaSharp.IO;

namespace LlavaSharp.Tests.IO;

public class PythonJsonTests
{
    [Fact]
    public void Dump_EveryKind_IsWrittenAsByPython()
    {
        var json = new JsonObject { ["text"] = "a\"\u00fc\n\u007f\U0001F600", ["n"] = 3, ["f"] = 9.0, ["g"] = 1e22, ["l"] = new JsonArray(true, null, 0.37), ["o"] = new JsonObject() };
        Assert.Equal("""{"text": "a\"\u00fc\n\u007f\ud83d\ude00", "n": 3, "f": 9.0, "g": 1e+22, "l": [true, null, 0.37], "o": {}}""", PythonJson.Dump(json));
        Assert.Equal("{\"text\":\"a\\\"\u00fc\\n\u007f\U0001F600\",\"n\":3,\"f\":9.0,\"g\":1e+22,\"l\":[true,null,0.37],\"o\":{}}", PythonJson.DumpCompact(json));
    }

    [Theory]
    [InlineData("[3,1.50,1E5,-0.0,12345678901234567890]", "[3, 1.5, 100000.0, -0.0, 12345678901234567890]")]
    [InlineData("null", "null")]
    public void Dump_ParsedNumbers_StayWholeOrFloat(string parsed, string wanted) => Assert.Equal(wanted, PythonJson.Dump(JsonNode.Parse(parsed)));
}
