using LlavaSharp;
using LlavaSharp.Generation;
using LlavaSharp.Imaging;

// usage: DescribePicture PICTURE [QUESTION [MODEL]]; without MODEL (a folder or hub id) the model that comes with LlavaSharp answers
if (args.Length is 0 or > 3)
{
    Console.Error.WriteLine("usage: DescribePicture PICTURE [QUESTION [MODEL]]");
    return 2;
}
try
{
    var picture = await Image.LoadAsync(args[0]);
    var question = args.Length > 1 ? args[1] : "Describe the image.";
    using var model = await LlavaModel.LoadAsync(args.Length > 2 ? args[2] : null);
    await foreach (var piece in model.ChatAsync(question, picture, new GenerationOptions { Temperature = 0 }))
        Console.Write(piece);
    Console.WriteLine();
    return 0;
}
catch (LlavaException exception)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}
