using System.Text;
using LlavaSharp.Serving.Protocol;

namespace LlavaSharp.Serving.Tests;

public class ProtocolJsonTests
{
    // what the parser itself lets pass until the part is looked at
    [Theory]
    [InlineData("{\"a\":1,\"a\":2}")]
    [InlineData("{\"b\":[{\"a\":1,\"a\":2}]}")]
    [InlineData("{\"a\":\"\\ud800\"}")]
    [InlineData("{\"b\":[{\"\\udc00\":1}]}")]
    [InlineData("{\"b\":{\"\u00ff\":1}}")]
    [InlineData("{\"b\":[\"\u00e4\"]}")]
    public void Node_WrongDeepInside_IsRefusedAtOnce(string latin) =>
        Assert.Throws<ProtocolException>(() => ProtocolJson.Node(Encoding.Latin1.GetBytes(latin)));

    [Theory]
    [InlineData("{\"a\":\"\\ud83d\\ude00\",\"b\":[1e999]}")]
    [InlineData("null")]
    public void Node_Right_IsGiven(string text) => Assert.Equal(text == "null", ProtocolJson.Node(Encoding.UTF8.GetBytes(text)) is null);

    [Fact]
    public void Node_TooDeep_IsRefused() => Assert.Throws<ProtocolException>(() => ProtocolJson.Node(Encoding.UTF8.GetBytes(new string('[', 100_000))));
}
