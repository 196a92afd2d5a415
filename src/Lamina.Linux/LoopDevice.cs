using System.Globalization;
using System.Text;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>A file as a block device. See loop(4).</summary>
public sealed unsafe class LoopDevice : IDisposable
{
    // struct loop_config: backing descriptor u32, block size u32, struct loop_info64, room.
    private const int ConfigSize = 304;
    private const int SectorSizeOffset = 4;
    private const int InfoOffset = 8;

    // struct loop_info64: device, inode, represented device, offset, limit (u64 each), number, two for ciphers, flags (u32 each), name.
    private const int InfoSize = 232;
    private const int FlagsOffset = 52;
    private const int NameOffset = 56;
    private const int MaxNameBytes = 63;

    private const uint LO_FLAGS_READ_ONLY = 1;
    private const uint LO_FLAGS_AUTOCLEAR = 4;
    private const uint LO_FLAGS_DIRECT_IO = 16;

    // Between "this one is free" and its use others may take it.
    private const int MaxAttempts = 64;

    private static readonly Ioctl s_getFree = new("LOOP_CTL_GET_FREE", 0x4c82);
    private static readonly Ioctl s_configure = new("LOOP_CONFIGURE", 0x4c0a);
    private static readonly Ioctl s_clear = new("LOOP_CLR_FD", 0x4c01);
    private static readonly Ioctl s_getStatus = new("LOOP_GET_STATUS64", 0x4c05);
    private static readonly Ioctl s_setStatus = new("LOOP_SET_STATUS64", 0x4c04);
    private static readonly Ioctl s_setCapacity = new("LOOP_SET_CAPACITY", 0x4c07);

    private LoopDevice(int number, SafeFileHandle handle)
    {
        Number = number;
        Handle = handle;
    }

    /// <summary>N of /dev/loopN.</summary>
    public int Number { get; }

    /// <summary>/dev/loopN.</summary>
    public string Path => DevicePath(Number);

    /// <summary>The open device.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Makes a loop device of a file.</summary>
    /// <param name="backing">The file, open for writing unless <paramref name="readOnly"/>. It may be closed afterwards.</param>
    /// <param name="name">For people only, cut at 63 bytes; the kernel knows the file itself.</param>
    /// <param name="direct">Past the page cache to the file, where its filesystem can; then every flush is the file's own.</param>
    /// <param name="readOnly">Whether it can't be written.</param>
    /// <param name="autoClear">Detach when nobody has it open any more: neither this object nor a mount.</param>
    /// <param name="sectorSize">
    /// In bytes; 0: what suits the file, 512 as a rule, but 4096 with direct I/O to a file of XFS that shares blocks. Where direct I/O can't be
    /// done in such sectors the device does without it.
    /// </param>
    /// <exception cref="LinuxException">
    /// EBUSY when others kept taking the free ones; EBADF for a backing handle that is not open for it.
    /// </exception>
    public static LoopDevice Attach(SafeFileHandle backing, string name, bool direct, bool readOnly, bool autoClear, int sectorSize = 0)
    {
        using var control = Files.Open("/dev/loop-control", OpenFlags.ReadWrite);
        var config = stackalloc byte[ConfigSize];
        new Span<byte>(config, ConfigSize).Clear();
        var addedReference = false;
        try
        {
            backing.DangerousAddRef(ref addedReference);
            *(uint*)config = (uint)backing.DangerousGetHandle();
            *(uint*)(config + SectorSizeOffset) = (uint)sectorSize;
            *(uint*)(config + InfoOffset + FlagsOffset) =
                (readOnly ? LO_FLAGS_READ_ONLY : 0) | (autoClear ? LO_FLAGS_AUTOCLEAR : 0) | (direct ? LO_FLAGS_DIRECT_IO : 0);
            Encoding.UTF8.GetEncoder().Convert(
                name, new Span<byte>(config + InfoOffset + NameOffset, MaxNameBytes), flush: true, out _, out _, out _);

            for (var attempt = 1; ; attempt++)
            {
                var number = s_getFree.Call(control, 0);
                var handle = Files.Open(DevicePath(number), readOnly ? OpenFlags.ReadOnly : OpenFlags.ReadWrite);
                var errno = s_configure.Try(handle, config);
                if (errno == Errno.None)
                    return new LoopDevice(number, handle);
                handle.Dispose();
                if (errno != Errno.EBUSY || attempt == MaxAttempts)
                    throw new LinuxException($"{s_configure.Name} {DevicePath(number)} on {name}", errno);
            }
        }
        finally
        {
            if (addedReference)
                backing.DangerousRelease();
        }
    }

    /// <summary>Opens a loop device that is there already. It need not be in use.</summary>
    /// <exception cref="LinuxException">ENOENT.</exception>
    public static LoopDevice Open(int number, bool readOnly) =>
        new(number, Files.Open(DevicePath(number), readOnly ? OpenFlags.ReadOnly : OpenFlags.ReadWrite));

    /// <summary>Whether it has a file. A device that was detached while we had it open has none any more.</summary>
    public bool IsAttached
    {
        get
        {
            var info = stackalloc byte[InfoSize];
            return s_getStatus.Try(Handle, info) switch
            {
                Errno.None => true,
                Errno.ENXIO => false,
                var errno => throw new LinuxException($"{s_getStatus.Name} {Path}", errno),
            };
        }
    }

    /// <summary>Says whether it is detached when nobody has it open any more.</summary>
    /// <exception cref="LinuxException">ENXIO when it is not in use.</exception>
    public void SetAutoClear(bool autoClear)
    {
        var info = stackalloc byte[InfoSize];
        s_getStatus.Call(Handle, info);
        var flags = (uint*)(info + FlagsOffset);
        *flags = autoClear ? *flags | LO_FLAGS_AUTOCLEAR : *flags & ~LO_FLAGS_AUTOCLEAR;
        s_setStatus.Call(Handle, info);
    }

    /// <summary>Takes over the length that the file has now.</summary>
    public void SetCapacity() => s_setCapacity.Call(Handle, 0);

    /// <summary>Writes to the file what is not there yet, and lets go of it. While others have the device open, or it is mounted, that happens when they close it.</summary>
    /// <exception cref="LinuxException">ENXIO when it is not in use.</exception>
    public void Detach()
    {
        // Only the last close of a device flushes it. Whoever wrote and closed while we, or a scan of all devices, had it open too has not: once
        // the device is told to go, the kernel takes none of that any more.
        try
        {
            Files.FlushData(Handle);
        }
        catch (LinuxException e) when (e.Errno is Errno.EIO or Errno.ENOSPC or Errno.EDQUOT or Errno.ENXIO)
        {
            // As at a close: what the disk does not take is lost for whoever did not flush it.
        }
        s_clear.Call(Handle, 0);
    }

    /// <summary>Closes the device. That detaches it only if it was attached to be cleared by itself, and nobody else has it open.</summary>
    public void Dispose() => Handle.Dispose();

    /// <summary>All loop devices in use on this machine.</summary>
    public static IReadOnlyList<LoopStatus> List()
    {
        List<LoopStatus> found = [];
        using var blocks = Files.OpenDirectory("/sys/block");
        foreach (var entry in Files.Enumerate(blocks))
        {
            if (TryGetNumber(entry.Name, out var number) && TryGetStatus(number, blocks) is { } status)
                found.Add(status);
        }
        return found;
    }

    /// <summary>
    /// The files behind all loop devices in use, by the kernel's names for them. No device is opened for it, and no file is looked at: whatever hangs, this does not.
    /// </summary>
    public static IReadOnlyList<string> ListBackingFiles()
    {
        List<string> found = [];
        using var blocks = Files.OpenDirectory("/sys/block");
        foreach (var entry in Files.Enumerate(blocks))
        {
            if (TryGetNumber(entry.Name, out var number) && ReadAttribute(blocks, number, "backing_file") is { } file)
                found.Add(file);
        }
        return found;
    }

    /// <summary>The loop devices over a file; of ours there is one at most.</summary>
    /// <param name="device">As <see cref="FileStatus.Device"/>.</param>
    /// <param name="inode">As <see cref="FileStatus.Inode"/>.</param>
    public static IReadOnlyList<LoopStatus> ListByBacking(ulong device, ulong inode) =>
        [.. List().Where(loop => loop.BackingDevice == device && loop.BackingInode == inode)];

    private static bool TryGetNumber(string name, out int number)
    {
        number = 0;
        return name.StartsWith("loop", StringComparison.Ordinal) && int.TryParse(name.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private static LoopStatus? TryGetStatus(int number, SafeFileHandle blocks)
    {
        // The file's path stands in sysfs only, and only while the device is in use: no need to open those that aren't.
        if (ReadAttribute(blocks, number, "backing_file") is not { } file)
            return null;
        try
        {
            using var handle = Files.Open(DevicePath(number), OpenFlags.ReadOnly | OpenFlags.NonBlock);
            var info = stackalloc byte[InfoSize];
            if (s_getStatus.Try(handle, info) is var errno and not Errno.None)
                return errno == Errno.ENXIO ? null : throw new LinuxException($"{s_getStatus.Name} {DevicePath(number)}", errno);
            var flags = *(uint*)(info + FlagsOffset);
            return new LoopStatus
            {
                Number = number,
                Path = DevicePath(number),
                BackingFile = file,
                BackingDevice = *(ulong*)info,
                BackingInode = *(ulong*)(info + 8),
                Offset = *(ulong*)(info + 24),
                SizeLimit = *(ulong*)(info + 32),
                IsReadOnly = (flags & LO_FLAGS_READ_ONLY) != 0,
                AutoClear = (flags & LO_FLAGS_AUTOCLEAR) != 0,
                IsDirect = (flags & LO_FLAGS_DIRECT_IO) != 0,
            };
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ENXIO)
        {
            return null;
        }
    }

    private static string? ReadAttribute(SafeFileHandle blocks, int number, string attribute)
    {
        try
        {
            var content = Files.TryReadAllAt(blocks, string.Create(CultureInfo.InvariantCulture, $"loop{number}/loop/{attribute}"));
            return content is null ? null : PathEncoding.Decode(content.AsSpan().TrimEnd((byte)'\n'));
        }
        catch (LinuxException e) when (e.Errno is Errno.ENODEV or Errno.ENXIO)
        {
            // Detached while we were reading.
            return null;
        }
    }

    private static string DevicePath(int number) => string.Create(CultureInfo.InvariantCulture, $"/dev/loop{number}");
}
