using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;
using Interceptor.Testing;

namespace Interceptor.Tests.Architecture;

/// <summary>The dependency table of docs/architecture.md, checked against the built assemblies and the project files.</summary>
public sealed class LayerTests
{
    private static readonly Dictionary<string, string[]> AllowedReferences = new()
    {
        ["Packets"] = [],
        ["Interop"] = [],
        ["Tcp"] = ["Packets"],
        ["Filters"] = ["Packets", "Interop"],
        ["Capture"] = ["Packets", "Filters", "Interop"],
        ["Checkpoint"] = ["Packets", "Tcp", "Interop"],
        ["Replay"] = ["Packets", "Interop", "Tcp", "Filters", "Capture", "Checkpoint"],
        ["Cli"] = ["Packets", "Interop", "Tcp", "Filters", "Capture", "Checkpoint", "Replay"],
    };

    public static TheoryData<string> Layers => [.. AllowedReferences.Keys];

    [Theory]
    [MemberData(nameof(Layers))]
    public void An_assembly_references_only_what_its_layer_may(string layer)
    {
        using var stream = File.OpenRead(AssemblyPath(layer));
        using var image = new PEReader(stream);
        MetadataReader reader = image.GetMetadataReader();
        IEnumerable<string> ours = reader.AssemblyReferences
            .Select(handle => reader.GetString(reader.GetAssemblyReference(handle).Name))
            .Where(name => name.StartsWith("Interceptor.", StringComparison.Ordinal))
            .Select(name => name["Interceptor.".Length..]);
        Assert.Empty(ours.Except(AllowedReferences[layer]));
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public void A_project_file_references_only_what_its_layer_may(string layer)
    {
        XDocument project = XDocument.Load(Path.Combine(ProjectPaths.Root, layer, $"{layer}.csproj"));
        IEnumerable<string> ours = project.Descendants("ProjectReference")
            .Select(element => Path.GetFileNameWithoutExtension(element.Attribute("Include")!.Value));
        Assert.Empty(ours.Except(AllowedReferences[layer]));
    }

    [Theory]
    [MemberData(nameof(Layers))]
    public void Only_Interop_has_native_imports_and_unsafe_code(string layer)
    {
        using var stream = File.OpenRead(AssemblyPath(layer));
        using var image = new PEReader(stream);
        MetadataReader reader = image.GetMetadataReader();
        bool imports = reader.MethodDefinitions.Any(handle =>
            (reader.GetMethodDefinition(handle).Attributes & MethodAttributes.PinvokeImpl) != 0);
        bool isUnverifiable = reader.GetModuleDefinition().GetCustomAttributes()
            .Any(handle => AttributeName(reader, handle) == "UnverifiableCodeAttribute");
        bool isInterop = layer == "Interop";
        Assert.Equal(isInterop, imports);
        Assert.Equal(isInterop, isUnverifiable);
    }

    [Fact]
    public void Every_folder_of_the_house_is_in_the_table()
    {
        IEnumerable<string> projects = Directory.EnumerateFiles(ProjectPaths.Root, "*.csproj", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(ProjectPaths.Root, path))
            .Where(path => path.Count(c => c == Path.DirectorySeparatorChar) == 1)
            .Select(Path.GetFileNameWithoutExtension)!;
        Assert.Equal(AllowedReferences.Keys.Order(), projects.Order());
    }

    private static string AssemblyPath(string layer) =>
        Path.Combine(AppContext.BaseDirectory, layer == "Cli" ? "interceptor.dll" : $"Interceptor.{layer}.dll");

    private static string AttributeName(MetadataReader reader, CustomAttributeHandle handle)
    {
        EntityHandle constructor = reader.GetCustomAttribute(handle).Constructor;
        if (constructor.Kind != HandleKind.MemberReference)
        {
            return "";
        }

        EntityHandle parent = reader.GetMemberReference((MemberReferenceHandle)constructor).Parent;
        return parent.Kind == HandleKind.TypeReference ? reader.GetString(reader.GetTypeReference((TypeReferenceHandle)parent).Name) : "";
    }
}
