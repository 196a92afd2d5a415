#!/usr/bin/env bash
# build.sh: makes the root directory of the guest that `make test-guest` boots, once, and prints where it is.
#
# It is a Debian 12 with the cloud kernel of its backports and the OpenZFS of the same place, built for that kernel: what a test
# host's own kernel may lack. It is kept under the cache folder of the user (XDG_CACHE_HOME or ~/.cache) in lamina/. Needs root, the network
# and 3 GB; takes ten minutes and more. Each step that is done is marked, so that a build which failed or was stopped goes on from there.
set -euo pipefail

release=bookworm
# To be raised with every change of what is built.
version=1

packages=(
    # What makes the modules.
    linux-headers-cloud-amd64 make gcc-12 libc6-dev python3-minimal
    # What the guest and the pools in it need.
    linux-image-cloud-amd64 udev iproute2 procps kmod zfsutils-linux
    xfsprogs btrfs-progs e2fsprogs util-linux quota
    # What .NET needs.
    libssl3 libstdc++6 zlib1g
)

cache=${XDG_CACHE_HOME:-$HOME/.cache}/lamina
guest=$cache/guest-$release-$version
partial=$guest.partial
root=$partial/root
log=$partial/build.log

say() { echo "$@" >&2; }
fail() { say "The guest could not be built: $*"; exit 1; }

main() {
    mkdir -p "$cache"
    exec 9> "$guest.lock"
    flock --nonblock 9 || { say "Another build of the guest is under way; waiting for it."; flock 9; }
    if [ ! -d "$guest" ]; then
        [ "$(id -u)" = 0 ] || fail "only root may make a Debian root directory"
        [ "$(dpkg --print-architecture)" = amd64 ] || fail "it is made for amd64 only"
        [ "$(df --output=avail -BM "$cache" | tail -1 | tr -dc 0-9)" -ge 3000 ] || fail "$cache has less than 3 GB free; XDG_CACHE_HOME can name another place"
        mkdir -p "$partial/done"
        say "Building the guest in $partial: once, ten minutes and more. What it says goes to ${log##*/} there."
        step debian "a Debian $release"
        step packages "its kernel and tools"
        step source "the source of OpenZFS"
        step configure "OpenZFS learns the kernel"
        step modules "OpenZFS's modules"
        step finish "the last touches"
        # It is there whole or not at all.
        mv -T "$partial" "$guest"
    fi
    echo "$guest/root"
}

# A step that has been done is not done again.
step() {
    [ ! -e "$partial/done/$1" ] || return 0
    local from=$SECONDS result
    say "  $2 ..."
    # Asked for by "if" or "||" it would not end at its first failure.
    set +e
    ( set -e; "make_$1" ) >> "$log" 2>&1 < /dev/null
    result=$?
    set -e
    if [ $result != 0 ]; then
        tail -20 "$log" >&2
        fail "\"$2\" failed. All of its output is in $log. Run it again to go on from this step, or remove $partial to begin anew."
    fi
    touch "$partial/done/$1"
    say "  $2: $((SECONDS - from)) s"
}

# With mounts and processes of its own: nothing of them is left on the host, however the build ends.
apart() { unshare --mount --pid --fork --kill-child --mount-proc "$@"; }

inside() {
    apart env --ignore-environment HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$root" "$@"
}

# The mirror is the one that this machine installs from.
mirror() {
    local site
    site=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL) $(COMPONENT)' 'Created-By: Packages' | awk '$2 == "Debian" && $3 == "Debian" && $4 == "main" { print $1; exit }')
    [ -n "$site" ] || { echo "apt of this machine knows no Debian mirror, or 'apt-get update' was never run"; return 1; }
    echo "${site%/}"
}

make_debian() {
    local site proxy=
    site=$(mirror) || { echo "$site"; return 1; }
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    [ -z "$proxy" ] || export http_proxy=$proxy
    # Half a Debian can't be gone on with.
    rm -rf "$root"
    apart debootstrap --variant=minbase --components=main,contrib --include=ca-certificates "$release" "$root" "$site"

    echo "deb $site $release-backports main contrib" > "$root/etc/apt/sources.list.d/backports.list"
    # How this machine talks to its mirror is how the guest must.
    apt-config dump Acquire > "$root/etc/apt/apt.conf.d/90host"
    # A root directory that a failed build leaves is made again: it need not outlive a power cut.
    echo force-unsafe-io > "$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
    # The documented way to say that no service is to be started.
    printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
    chmod +x "$root/usr/sbin/policy-rc.d"
}

make_packages() {
    inside apt-get update
    inside dpkg --configure -a
    inside apt-get install -y --no-install-recommends -t "$release-backports" "${packages[@]}"
}

make_source() {
    rm -rf "$root/build"
    mkdir -p "$root/build/package"
    inside sh -c 'cd /build && apt-get download zfs-dkms/'"$release-backports"
    # Unpacked aside, as what it brings besides the source is not wanted.
    dpkg-deb --extract "$root"/build/zfs-dkms_*.deb "$root/build/package"
    mv "$root"/build/package/usr/src/zfs-* "$root/build/zfs"
}

# Not to be skipped, nor taken from another kernel: modules that were guessed at panic.
make_configure() {
    inside sh -ec '
        cd /build/zfs
        CC=gcc-12 ./configure --with-config=kernel --with-linux="$(echo /usr/src/linux-headers-*-common)" --with-linux-obj="$(echo /usr/src/linux-headers-*-cloud-amd64)"'
}

make_modules() {
    inside sh -ec '
        make -C /build/zfs/module CC=gcc-12 -j"$(nproc)"
        kernel=$(ls /lib/modules)
        mkdir -p "/lib/modules/$kernel/extra"
        cp /build/zfs/module/spl.ko /build/zfs/module/zfs.ko "/lib/modules/$kernel/extra/"
        depmod "$kernel"
        modinfo -k "$kernel" zfs | head -3'
}

make_finish() {
    # What the guest's kernel starts: the rest is in the checkout, which need not be the one that built this.
    mkdir -p "$root/lamina" "$root/usr/share/dotnet" "$root/work" "$root/newroot"
    cat > "$root/sbin/guest-init" <<'INIT'
#!/bin/sh
mount -t virtiofs -o ro lamina /lamina && exec /lamina/tests/guest/init.sh
INIT
    chmod +x "$root/sbin/guest-init"
    inside apt-get clean
    rm -rf "$root/build" "$root"/boot/initrd* "$root"/var/lib/apt/lists/*
}

main
