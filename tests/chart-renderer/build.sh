#!/usr/bin/env bash
# Builds the renderer from Debian's packages alone, without the network:
#   tests/chart-renderer/build.sh TARGET
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS='' GOTOOLCHAIN=local GOCACHE="${GOCACHE:-${HOME:-/root}/.cache/go-build}"
cd "$here"
exec go build -o "$1" .
