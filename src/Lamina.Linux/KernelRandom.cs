using System.Buffers.Binary;
using Lamina.Linux.Interop;

namespace Lamina.Linux;

/// <summary>
/// Random bytes from the kernel, as good as any. .NET's own cryptographic ones come from OpenSSL, and loading that for a few names takes five
/// megabytes of memory. See getrandom(2).
/// </summary>
public static unsafe class KernelRandom
{
    /// <summary>So many random bytes.</summary>
    public static byte[] GetBytes(int count)
    {
        var bytes = new byte[count];
        fixed (byte* pointer = bytes)
        {
            for (var done = 0; done < count;)
            {
                var got = LibC.getrandom(pointer + done, (nuint)(count - done), 0);
                if (got >= 0)
                    done += (int)got;
                else if (!LibC.Interrupted(got))
                    throw LinuxException.Last("getrandom");
            }
        }
        return bytes;
    }

    /// <summary>So many random bits, at most 31, as a number.</summary>
    public static int GetBits(int count) => (int)(BinaryPrimitives.ReadUInt32LittleEndian(GetBytes(sizeof(uint))) >> (32 - count));
}
