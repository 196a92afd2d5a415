using System.Buffers;
using System.Runtime.InteropServices;
using Lamina.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>Reads a directory's entries, a buffer at a time. See getdents64(2).</summary>
internal sealed unsafe class DirectoryReader : IDisposable
{
    private const int BufferSize = 32 * 1024;
    private const int LengthOffset = 16;
    private const int TypeOffset = 18;
    private const int NameOffset = 19;

    private readonly SafeFileHandle _directory;
    private byte[]? _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
    private int _position;
    private int _length;

    public DirectoryReader(SafeFileHandle directory)
    {
        _directory = directory;
        if (LibC.lseek(directory, 0, LibC.SEEK_SET) < 0)
            throw LinuxException.Last("rewind", directory);
    }

    /// <summary>The next entry but for <c>.</c> and <c>..</c>; false at the end.</summary>
    public bool TryRead(out DirectoryEntry entry)
    {
        ObjectDisposedException.ThrowIf(_buffer is null, this);
        while (true)
        {
            if (_position == _length && !Fill())
            {
                entry = default;
                return false;
            }
            // struct linux_dirent64: inode u64, offset u64, record length u16, type u8, name with NUL.
            ReadOnlySpan<byte> record = _buffer.AsSpan(_position, _length - _position);
            record = record[..MemoryMarshal.Read<ushort>(record[LengthOffset..])];
            _position += record.Length;

            var name = record[NameOffset..];
            name = name[..name.IndexOf((byte)0)];
            if (name.SequenceEqual("."u8) || name.SequenceEqual(".."u8))
                continue;
            entry = new DirectoryEntry(PathEncoding.Decode(name), MemoryMarshal.Read<ulong>(record), Kind(record[TypeOffset]));
            return true;
        }
    }

    public void Dispose()
    {
        if (_buffer is null)
            return;
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = null;
    }

    private bool Fill()
    {
        fixed (byte* pointer = _buffer)
        {
            var read = LibC.getdents64(_directory, pointer, BufferSize);
            if (read < 0)
                throw LinuxException.Last("getdents64", _directory);
            _position = 0;
            _length = (int)read;
            return read > 0;
        }
    }

    private static FileKind Kind(byte type) => type switch
    {
        1 => FileKind.Fifo,
        2 => FileKind.CharacterDevice,
        4 => FileKind.Directory,
        6 => FileKind.BlockDevice,
        8 => FileKind.Regular,
        10 => FileKind.SymbolicLink,
        12 => FileKind.Socket,
        _ => FileKind.Unknown,
    };
}
