#!/usr/bin/env bash
# base.sh: makes what stands for debian:bookworm-slim where there is no registry, once, and prints where its tar file is: a Debian with what
# deploy/image/Dockerfile installs, so that its build needs no network. Kept under the cache folder of the user, a minute's work with it.
set -euo pipefail

release=bookworm
# To be raised with every change of what is made.
version=1
dockerfile=$(dirname "${BASH_SOURCE[0]}")/../../deploy/image/Dockerfile
packages=$(sed -n 's/.*--no-install-recommends \(.*\) \\$/\1/p' "$dockerfile")

cache=${XDG_CACHE_HOME:-$HOME/.cache}/lamina
base=$cache/image-$release-$version-$(echo "$packages" | sha256sum | cut -c1-12).tar
mkdir -p "$cache"
exec 9> "$cache/image.lock"
flock 9
if [ ! -e "$base" ]; then
    root=$base.root
    rm -rf --one-file-system "$root" "$base.new"
    # The mirror, and the way to it, of this machine.
    site=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(COMPONENT)' 'Created-By: Packages' | awk '$2 == "Debian" && $3 == "main" { print $1; exit }')
    [ -n "$site" ] || { echo "apt of this machine knows no Debian mirror, or 'apt-get update' was never run" >&2; exit 1; }
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    [ -z "${proxy:-}" ] || export http_proxy=$proxy
    # With mounts and processes of its own: nothing of them is left on the host, however it ends.
    unshare --mount --pid --fork --kill-child --mount-proc \
        debootstrap --variant=minbase --include="${packages// /,}" "$release" "$root" "$site" > "$base.log" 2>&1 < /dev/null ||
        { tail -20 "$base.log" >&2; exit 1; }
    rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*
    tar -C "$root" --one-file-system -cf "$base.new" .
    rm -rf --one-file-system "$root" "$base.log"
    mv "$base.new" "$base"
fi
echo "$base"
