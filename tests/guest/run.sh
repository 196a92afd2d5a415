#!/usr/bin/env bash
# run.sh [PROGRAM [FILTER...]]...: runs test programs of this checkout in the guest that build.sh makes; its arguments are those of
# Lamina.TestRun. Without any, it runs what this host's kernel may not be able to: see `selection` below.
# With --shell COMMAND it runs that instead, for a look around.
# The last line is "N passed, N failed, N skipped". LAMINA_GUEST_TIMEOUT (as timeout(1) takes it) and LAMINA_GUEST_MEMORY may be set.
set -euo pipefail
cd "$(dirname "$0")/../.."

configuration=$(echo "${CONFIGURATION:-Release}" | tr A-Z a-z)
# Many times what a quiet machine needs.
limit=${LAMINA_GUEST_TIMEOUT:-3h}
memory=${LAMINA_GUEST_MEMORY:-3G}
# What has a real ZFS or project quotas beneath it, and not what a host can do as well: a command takes ten times as long here.
selection=(
    Lamina.Linux.Tests
    Lamina.Guest.Tests
    Lamina.Tests --filter-class '*Csi.Zfs*' '*ZfsCrashTests' '*Csi.CapacityTests' '*Csi.UsageTests'
    Lamina.Storage.Tests --filter-class '*ZfsPoolTests' '*ZfsTrashTests' '*ZfsFamilyTests' '*ZfsSpaceTests' '*ZfsInitTests' '*ZfsMovedPoolTests' '*ZfsRefusedRestoreTests' '*RealZfsCommandTests'
)

root=$(tests/guest/build.sh)
dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
server=
for place in /usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd; do
    [ ! -x $place ] || server=$place
done
[ -n "$server" ] || { echo "virtiofsd is missing: install the package virtiofsd, or on Debian 12 qemu-system-common"; exit 1; }

# On a disk, as the guest's is in it.
work=$(mktemp -d /var/tmp/lamina-guest.XXXXXX)
children=()
clean_up() {
    local child
    for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
    for child in "${children[@]}"; do wait "$child" 2>/dev/null || true; done
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$work/shared"

# In words that a shell reads again as they are.
{
    echo "export PATH=/usr/share/dotnet:\$PATH DOTNET_ROOT=/usr/share/dotnet DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1"
    # What a test needs has been built into the guest, so what is absent there is a failure and no reason to skip.
    echo "export CI=true"
    echo "export TESTRUN_EMULATED=1"
    # An emulated processor spends its time with the compiler, so that is not to compile what it has compiled already again, neither to count nor for speed.
    echo "export DOTNET_TieredPGO=0 DOTNET_TC_CallCounting=0"
    for name in LAMINA_SOAK LAMINA_SEED; do [ -z "${!name:-}" ] || printf 'export %s=%q\n' "$name" "${!name}"; done
    if [ "${1:-}" = --shell ]; then
        echo "$2"
    else
        [ $# -gt 0 ] || set -- "${selection[@]}"
        printf '%q ' dotnet "artifacts/bin/Lamina.TestRun/$configuration/Lamina.TestRun.dll" "$@"
        echo
    fi
} > "$work/shared/command"

# Serves a directory to the guest as a filesystem, through a socket. What is "ro" could not be written to by the guest if it tried:
# the server sees nothing but a read-only mount of it, in a mount namespace that ends with it.
devices=()
serve() {
    local tag=$1 directory=$2 access=$3
    setpriv --pdeathsig TERM unshare --mount sh -c '
        if [ "$4" = ro ]; then mount --bind -o ro "$3" "$3"; fi
        exec "$1" --socket-path="$2" -o "source=$3" -o sandbox=chroot -o cache=always -o xattr' \
        serve "$server" "$work/$tag.socket" "$directory" "$access" > "$work/$tag.log" 2>&1 < /dev/null &
    children+=($!)
    local tries=0
    until [ -S "$work/$tag.socket" ]; do
        if [ $((tries += 1)) -gt 300 ] || ! kill -0 $! 2>/dev/null; then
            cat "$work/$tag.log"
            echo "virtiofsd does not serve $directory"
            exit 1
        fi
        sleep 0.1
    done
    devices+=(-chardev "socket,id=$tag,path=$work/$tag.socket" -device "vhost-user-fs-pci,chardev=$tag,tag=$tag,queue-size=1024")
}
serve root "$root" ro
serve dotnet "$dotnet" ro
serve lamina "$PWD" ro
serve work "$work/shared" rw

# Sparse: it takes what the tests write. Nothing in it is wanted when qemu ends, so nothing of it is flushed.
truncate -s 16G "$work/disk"
kernel=("$root"/boot/vmlinuz-*)

# Emulated everywhere, as /dev/kvm may be there and yet not able to boot a kernel. A kernel of today panics at times with five-level page tables and 16-byte compares.
setpriv --pdeathsig TERM timeout --kill-after=10 "$limit" qemu-system-x86_64 -machine q35 -accel "tcg,thread=multi,tb-size=512" -cpu max,la57=off,cx16=off -smp "$(nproc)" -m "$memory" \
    -nodefaults -no-user-config -no-reboot -display none -monitor none -nic none \
    -object "memory-backend-memfd,id=memory,size=$memory,share=on" -numa node,memdev=memory \
    "${devices[@]}" \
    -drive "if=none,id=disk,file=$work/disk,format=raw,cache=unsafe,discard=unmap" -device virtio-blk-pci,drive=disk \
    -serial "file:$work/kernel.log" -serial stdio \
    -kernel "${kernel[-1]}" \
    -append "console=ttyS0 quiet rootfstype=virtiofs root=root ro init=/sbin/guest-init panic=-1 mitigations=off nokaslr tsc=reliable" < /dev/null &
qemu=$!
children+=($qemu)
ended=0
wait $qemu || ended=$?

if [ -s "$work/shared/exit-code" ]; then
    exit "$(cat "$work/shared/exit-code")"
fi
echo
tail -40 "$work/kernel.log"
if [ $ended = 124 ]; then
    echo "The guest had not ended after $limit: a test hangs, or LAMINA_GUEST_TIMEOUT should be more."
else
    echo "The guest ended before the tests did (qemu: $ended). The kernel's last words are above."
fi
echo "0 passed, 1 failed, 0 skipped"
exit 1
