using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using LlavaSharp.IO;

namespace LlavaSharp.Serving.Security;

/// <summary>
/// A file of API keys: a name and the SHA-256 of a key in each line. The keys themselves stand nowhere. They are 32 random bytes, so a plain hash cannot be guessed back.
/// </summary>
public sealed class ApiKeyFile
{
    private const string Prefix = "sk-llava-";
    private const int RandomBytes = 32;
    private const int MostNameLength = 64;

    private readonly string _path;
    private readonly List<(string Name, string Hash)> _keys;

    private ApiKeyFile(string path, List<(string Name, string Hash)> keys) => (_path, _keys) = (path, keys);

    /// <summary>The names of the keys, in the order of the file.</summary>
    public IReadOnlyList<string> Names => [.. _keys.Select(key => key.Name)];

    internal IReadOnlyList<(string Name, string Hash)> Keys => _keys;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mayBeMissing">Whether a file that does not exist counts as one without keys.</param>
    /// <exception cref="ServingException">It cannot be read, or a line is malformed.</exception>
    public static ApiKeyFile Read(string path, bool mayBeMissing = false)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (mayBeMissing && !File.Exists(path))
            return new(path, []);
        try
        {
            var keys = new List<(string Name, string Hash)>();
            var number = 0;
            foreach (var text in File.ReadLines(path))
            {
                number++;
                var line = text.Trim();
                if (line.Length == 0 || line.StartsWith('#'))
                    continue;
                if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [var name, { Length: 2 * SHA256.HashSizeInBytes } hash] || !hash.All(char.IsAsciiHexDigit))
                    throw new ServingException($"Line {number} of '{path}' is no key: a name and 64 hexadecimal digits (llava keys create makes such lines).");
                if (keys.Any(key => key.Name == name))
                    throw new ServingException($"Line {number} of '{path}': the name '{name}' comes twice. Remove one (llava keys revoke).");
                keys.Add((name, hash.ToLowerInvariant()));
            }
            return new(path, keys);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ServingException($"The keys cannot be read from '{path}': {exception.Message} (--api-key-file)", exception);
        }
    }

    /// <summary>Makes a key, and writes its hash into the file.</summary>
    /// <param name="name">A name for it: letters, digits, dots, hyphens and underscores.</param>
    /// <returns>The key; it cannot be had again.</returns>
    /// <exception cref="ServingException">The name is malformed or taken.</exception>
    /// <exception cref="LlavaException">The file cannot be written.</exception>
    public string Create(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length is 0 or > MostNameLength || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
            throw new ServingException($"'{name}' is no name for a key: 1 to {MostNameLength} letters, digits, dots, hyphens and underscores.");
        if (_keys.Any(key => key.Name == name))
            throw new ServingException($"There is a key '{name}' already. Choose another name, or revoke it first (llava keys revoke).");
        var made = Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(RandomBytes));
        _keys.Add((name, Hash(made)));
        Write();
        return made;
    }

    /// <summary>Removes a key from the file; servers notice within seconds.</summary>
    /// <exception cref="ServingException">There is none of this name.</exception>
    /// <exception cref="LlavaException">The file cannot be written.</exception>
    public void Revoke(string name)
    {
        if (_keys.RemoveAll(key => key.Name == name) == 0)
            throw new ServingException($"There is no key '{name}' in '{_path}'. There are: {string.Join(", ", Names)}.");
        Write();
    }

    internal static string Hash(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    private void Write() => AtomicFile.WriteBytes(_path, Encoding.UTF8.GetBytes(string.Concat(_keys.Select(key => $"{key.Name} {key.Hash}\n"))));
}
