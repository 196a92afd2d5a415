using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;

namespace Lamina.Linux.Interop;

/// <summary>Hands a string to the kernel in <see cref="PathEncoding"/>, on the stack where it is short.</summary>
[CustomMarshaller(typeof(string), MarshalMode.ManagedToUnmanagedIn, typeof(ManagedToUnmanagedIn))]
internal static unsafe class PathMarshaller
{
    public ref struct ManagedToUnmanagedIn
    {
        private byte* _allocated;
        private byte* _value;

        public static int BufferSize => 384;

        public void FromManaged(string? value, Span<byte> buffer)
        {
            if (value is null)
                return;
            var size = PathEncoding.MaxByteCount(value);
            if (size > buffer.Length)
            {
                _allocated = (byte*)NativeMemory.Alloc((nuint)size);
                buffer = new Span<byte>(_allocated, size);
            }
            try
            {
                PathEncoding.Encode(value, buffer);
            }
            catch
            {
                Free();
                throw;
            }
            // The caller's buffer is on the stack or pinned by the generated code, so its address stays good for the call.
            _value = (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetReference(buffer));
        }

        public readonly byte* ToUnmanaged() => _value;

        public void Free()
        {
            NativeMemory.Free(_allocated);
            _allocated = null;
        }
    }
}
