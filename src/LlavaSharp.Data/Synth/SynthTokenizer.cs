using LlavaSharp.Data.Tokenizers;
using LlavaSharp.Prompts;
using LlavaSharp.Tokenizers;

namespace LlavaSharp.Data.Synth;

/// <summary>A small tokenizer for models of the synthetic world: its words, and those of the prompts around them, are few pieces each.</summary>
public static class SynthTokenizer
{
    private const int Rounds = 4;   // of a conversation: as often the names of the speakers stand in it

    // any other text is spelled in bytes; these characters at least have pieces of their own
    private static readonly string _characters = new([.. Enumerable.Range(33, 94).Select(code => (char)code)]);

    /// <summary>Trains the tokenizer and writes its files.</summary>
    /// <param name="folder">Where they go.</param>
    /// <param name="vocabulary">The number of pieces, 3 special and 256 byte pieces included.</param>
    /// <param name="seed">Of the conversations whose words are counted.</param>
    /// <param name="conversations">How many of them.</param>
    /// <returns>The tokenizer.</returns>
    /// <exception cref="LlavaException">The vocabulary is too small.</exception>
    public static Tokenizer TrainTo(string folder, int vocabulary, long seed = 0, int conversations = 20_000)
    {
        // legacy: a text behind an end token begins as one at the start does, so that rounds add up whatever the pieces are
        var options = new SentencePieceTrainerOptions { VocabularySize = vocabulary, Legacy = true };
        return SentencePieceTrainer.TrainTo(folder, Texts(seed, conversations), options);
    }

    private static IEnumerable<string> Texts(long seed, int conversations)
    {
        // each conversation stands in a prompt, so the prompts' own words count as often
        for (var i = 0; i < conversations; i++)
        {
            var template = ConversationTemplates.Get((i & 1) == 0 ? "vicuna_v1" : "llava_v1");
            yield return template.System;
            for (var round = 0; round < Rounds; round++)
                yield return $"{template.Roles[0]}: {template.Roles[1]}:";
        }
        foreach (var word in SynthTextCorpus.Words())
            yield return word;
        foreach (var text in SynthTextCorpus.TokenizerTexts(seed, conversations))
            yield return text;
        foreach (var character in _characters)
            yield return character.ToString();
    }
}
