#!/bin/sh
# Starts mito with the libraries that stand beside it, whatever the system has.
self=$0
while [ -h "$self" ]; do
  target=$(readlink "$self")
  case $target in /*) self=$target ;; *) self=${self%/*}/$target ;; esac
done
case $self in */*) here=${self%/*} ;; *) here=. ;; esac
here=$(cd "$here/.." && pwd -P) || exit 1
libraries=$here/lib/mito
# How mito starts itself again (mito dev, mito manager).
MITO_LAUNCHER=$here/bin/mito
export MITO_LAUNCHER
exec "$libraries/@LOADER@" --library-path "$libraries" --argv0 mito "$libraries/mito" "$@"
