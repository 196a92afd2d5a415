using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using Lamina.Linux;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Storage.Pools.Images;

/// <summary>
/// Gives a copied Btrfs another identity, in its superblocks alone, as <c>btrfstune -m</c> does. That tool also commits a transaction, after which
/// the kernel refuses the log of what was flushed last (EIO): a copy of a volume whose host has crashed could not be mounted any more.
/// </summary>
/// <remarks>
/// The kernel (5.0+) tells filesystems apart by the identity in the superblock, while all other blocks carry the one that they were written
/// with; which one that is, the superblock says too. See btrfs-dev-docs, on-disk format.
/// </remarks>
internal static class BtrfsIdentity
{
    private const int Size = 4096;
    private const int IdentityOffset = 32;
    private const int AddressOffset = 48;
    private const int MagicOffset = 64;
    private const int IncompatibleOffset = 188;
    private const int ChecksumTypeOffset = 196;
    private const int MetadataIdentityOffset = 571;
    private const int IdentityLength = 16;
    private const ulong Magic = 0x4D5F53665248425F;
    private const ulong HasMetadataIdentity = 1UL << 10;

    // The first is the one that counts; the others are there if the device is large enough.
    private static readonly long[] s_places = [64L << 10, 64L << 20, 256L << 30];

    /// <summary>Changes it in all superblocks of a copy that is not mounted: a file, or a device.</summary>
    /// <exception cref="StorageException"><see cref="StorageError.DataLoss"/>: the first superblock is damaged.</exception>
    internal static void Renew(SafeFileHandle image)
    {
        var identity = RandomNumberGenerator.GetBytes(IdentityLength);
        var length = Files.Stat(image) is { Kind: FileKind.BlockDevice } ? BlockDevice.GetSize(image) : Files.Stat(image).Size;
        foreach (var place in s_places.Where(place => place + Size <= length))
        {
            var block = new byte[Size];
            Files.Read(image, place, block);
            if (IsWhole(block, place))
                Files.WriteAll(image, place, Renewed(block, identity));
            else if (place == s_places[0])
                throw new StorageException(StorageError.DataLoss, $"the btrfs in {Files.CurrentPath(image)} is damaged: its superblock is not whole, or not of the checksum that Lamina makes (crc32c)");
        }
    }

    private static byte[] Renewed(byte[] block, byte[] identity)
    {
        var flags = BinaryPrimitives.ReadUInt64LittleEndian(block.AsSpan(IncompatibleOffset));
        if ((flags & HasMetadataIdentity) == 0)
        {
            block.AsSpan(IdentityOffset, IdentityLength).CopyTo(block.AsSpan(MetadataIdentityOffset));
            BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(IncompatibleOffset), flags | HasMetadataIdentity);
        }
        identity.CopyTo(block.AsSpan(IdentityOffset));
        BinaryPrimitives.WriteUInt32LittleEndian(block, Checksum(block));
        return block;
    }

    private static bool IsWhole(byte[] block, long place) =>
        BinaryPrimitives.ReadUInt64LittleEndian(block.AsSpan(MagicOffset)) == Magic
        && BinaryPrimitives.ReadInt64LittleEndian(block.AsSpan(AddressOffset)) == place
        && BinaryPrimitives.ReadUInt16LittleEndian(block.AsSpan(ChecksumTypeOffset)) == 0
        && BinaryPrimitives.ReadUInt32LittleEndian(block) == Checksum(block);

    private static uint Checksum(ReadOnlySpan<byte> block)
    {
        var crc = uint.MaxValue;
        foreach (var value in block[IdentityOffset..])
            crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }
}
