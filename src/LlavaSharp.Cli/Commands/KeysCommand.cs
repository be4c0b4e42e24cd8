using System.CommandLine;
using LlavaSharp.Serving.Security;

namespace LlavaSharp.Cli.Commands;

/// <summary><c>llava keys</c>: the API keys of <c>llava serve</c>.</summary>
internal static class KeysCommand
{
    public static Command Create()
    {
        var file = new Option<string>("--file") { Description = "The file of the keys' hashes.", Required = true, HelpName = "FILE", Recursive = true };
        var command = new Command("keys", "Make, list and revoke API keys of llava serve.") { file };
        var newName = new Argument<string>("name") { Description = "A name for the key." };
        var create = new Command("create", "Make a key and print it; the file gets its hash.") { newName };
        create.SetAction(parsed =>
        {
            Console.Out.WriteLine(ApiKeyFile.Read(parsed.GetValue(file)!, mayBeMissing: true).Create(parsed.GetValue(newName)!));
            return CommandRunner.Done;
        });
        var list = new Command("list", "Print the names of the keys.");
        list.SetAction(parsed =>
        {
            foreach (var name in ApiKeyFile.Read(parsed.GetValue(file)!).Names)
                Console.Out.WriteLine(name);
            return CommandRunner.Done;
        });
        var oldName = new Argument<string>("name") { Description = "The key's name." };
        var revoke = new Command("revoke", "Remove a key; running servers notice within seconds.") { oldName };
        revoke.SetAction(parsed =>
        {
            ApiKeyFile.Read(parsed.GetValue(file)!).Revoke(parsed.GetValue(oldName)!);
            return CommandRunner.Done;
        });
        foreach (var verb in new[] { create, list, revoke })
            command.Subcommands.Add(verb);
        return command;
    }
}
