using System.Buffers.Binary;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Images;

/// <summary>What an image says that is in it.</summary>
internal static class ImageContent
{
    /// <summary>The blocks of our ext4 images.</summary>
    internal const long Ext4Unit = 4096;

    private const int SuperBlock = 1024;
    private const int Ext4Magic = 0xEF53;
    private const ulong BtrfsMagic = 0x4D5F53665248425F;
    private const uint XfsMagic = 0x58465342;

    /// <summary>Refuses an image in which the filesystem is not found that its record tells of. It is never made again.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.DataLoss"/>.</exception>
    internal static void Check(SafeFileHandle image, VolumeFileSystem? fileSystem, string what)
    {
        if (fileSystem is { } expected && !Holds(image, expected))
            throw new StorageException(StorageError.DataLoss, $"{what} should hold the filesystem {expected.Name()}, but there is none on its device; nothing was touched");
    }

    /// <summary>How large the ext4 in an image is, by its superblock.</summary>
    internal static long Ext4Size(SafeFileHandle image)
    {
        Span<byte> block = stackalloc byte[1024];
        Files.Read(image, SuperBlock, block);
        var low = BinaryPrimitives.ReadUInt32LittleEndian(block[4..]);
        var high = BinaryPrimitives.ReadUInt32LittleEndian(block[0x150..]);
        return (long)(((ulong)high << 32) | low) << (10 + BinaryPrimitives.ReadInt32LittleEndian(block[0x18..]));
    }

    private static bool Holds(SafeFileHandle image, VolumeFileSystem fileSystem)
    {
        Span<byte> magic = stackalloc byte[8];
        switch (fileSystem)
        {
            case VolumeFileSystem.Ext4:
                return Files.Read(image, SuperBlock + 0x38, magic) == 8 && BinaryPrimitives.ReadUInt16LittleEndian(magic) == Ext4Magic;
            case VolumeFileSystem.Xfs:
                return Files.Read(image, 0, magic) == 8 && BinaryPrimitives.ReadUInt32BigEndian(magic) == XfsMagic;
            default:
                return Files.Read(image, (64 << 10) + 0x40, magic) == 8 && BinaryPrimitives.ReadUInt64LittleEndian(magic) == BtrfsMagic;
        }
    }
}
