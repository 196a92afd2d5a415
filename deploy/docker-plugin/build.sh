#!/usr/bin/env bash
# Makes the directory of a managed Docker plugin: config.json, and a root directory with the program, what it is linked with, and .NET.
#   deploy/docker-plugin/build.sh DIRECTORY [PROGRAM'S DIRECTORY]
#   docker plugin create lamina-plugin DIRECTORY && docker plugin enable lamina-plugin
# Without the second argument the program is published anew, with .NET in it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${1:?the directory to make}
program=${2:-}
root=$target/rootfs
lamina=$root/usr/local/lib/lamina

[ ! -e "$target" ] || [ -z "$(ls -A "$target")" ] || { echo "$target is not empty" >&2; exit 1; }
mkdir -p "$lamina" "$root"/{tmp,etc,proc,sys,dev,run/docker/plugins,var/lib,mnt/lamina,usr/sbin,sbin,bin}
cp "$here/config.json" "$target/"
if [ -n "$program" ]; then
    cp -a "$program/." "$lamina/"
    dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
    mkdir -p "$root/usr/share/dotnet"
    cp -aL "$dotnet/host" "$root/usr/share/dotnet/"
    mkdir -p "$root/usr/share/dotnet/shared"
    cp -aL "$dotnet"/shared/Microsoft.{NETCore,AspNetCore}.App "$root/usr/share/dotnet/shared/"
else
    dotnet publish "$here/../../src/Lamina" --configuration Release --self-contained --output "$lamina" --nologo --verbosity quiet
fi

# With the libraries of everything that is linked.
{ find "$root" -type f \( -name '*.so' -o -perm -u+x \) -exec ldd {} + 2>/dev/null || true; } | sed -n 's|.*=> \(/[^ ]*\) (.*|\1|p; s|^\s*\(/[^ ]*\) (.*|\1|p' | sort -u |
    while read -r library; do [ ! -f "$library" ] || cp -L --parents "$library" "$root"; done
# .NET loads this one by name, for hashes.
for library in $(ldconfig -p | awk '/lib(ssl|crypto)\.so\.[0-9]/ { print $NF }'); do cp -L --parents "$library" "$root"; done
# The tools of volumes with a filesystem of their own, as far as they are here.
for tool in mkfs.ext4 e2fsck tune2fs mkfs.xfs xfs_admin xfs_db mkfs.btrfs btrfstune; do
    path=$(PATH=$PATH:/usr/sbin:/sbin command -v "$tool") || continue
    cp -L "$path" "$root/usr/sbin/$tool"
    { ldd "$path" 2>/dev/null || true; } | { grep -o '/[^ )]*' || true; } | while read -r library; do cp -L --parents "$library" "$root"; done
done
echo "$target"
