using Lamina.Storage;

namespace Lamina.Csi.Requests;

/// <summary>The fields that a request must have. They are looked at before anything else: what is missing is missing, whether the volume exists or not.</summary>
internal static class Required
{
    /// <summary>A text that is not empty.</summary>
    internal static string Text(string value, string field) => value.Length > 0 ? value : throw Missing(field);

    /// <summary>A message that is there.</summary>
    internal static T Message<T>(T? value, string field)
        where T : class => value ?? throw Missing(field);

    internal static StorageException Missing(string field) => new(StorageError.InvalidArgument, $"the field {field} is missing");
}
