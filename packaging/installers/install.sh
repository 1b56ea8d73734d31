#!/bin/sh
# Installs @NAME@ @VERSION@ from its archive, whose SHA-256 stands below. Nothing outside the chosen folder changes.
# Usage: install.sh [FOLDER]
#   FOLDER  gets bin/, and share/ with manual pages and completions [default: $HOME/.local]
# SITEPUBLISH_FROM is the address or the folder that has the archives [default: the release's].
set -eu

version=@VERSION@
from=${SITEPUBLISH_FROM:-@REPOSITORY@/releases/download/v$version}
checksums='@CHECKSUMS@'

fail() {
    echo "error: $1" >&2
    exit 1
}

# What the archives call this machine.
target() {
    case $(uname -m) in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) fail "there is no @NAME@ for $(uname -m)" ;;
    esac
    case $(uname -s) in
    Darwin) echo "$machine-apple-darwin" ;;
    Linux)
        # Without glibc it is musl, and that program needs no library at all.
        if getconf GNU_LIBC_VERSION >/dev/null 2>&1; then echo "$machine-unknown-linux-gnu"; else echo "$machine-unknown-linux-musl"; fi
        ;;
    *) fail "there is no @NAME@ for $(uname -s); on Windows, use install.ps1" ;;
    esac
}

fetch() {
    case $1 in
    http://* | https://*)
        if command -v curl >/dev/null; then
            curl --fail --silent --show-error --location --retry 3 --output "$2" "$1"
        elif command -v wget >/dev/null; then
            wget -q -O "$2" "$1"
        else
            fail "curl or wget is needed"
        fi
        ;;
    *) cp "$1" "$2" ;;
    esac || fail "could not fetch $1"
}

sha256() {
    if command -v sha256sum >/dev/null; then
        sha256sum "$1"
    elif command -v shasum >/dev/null; then
        shasum -a 256 "$1"
    elif command -v openssl >/dev/null; then
        openssl dgst -sha256 -r "$1"
    else
        fail "sha256sum, shasum or openssl is needed"
    fi | cut -d ' ' -f 1
}

# The second name, unless somebody else has it.
second_name() {
    if [ -e "$1/@SECOND@" ] && [ "$(readlink "$1/@SECOND@")" != @NAME@ ]; then
        echo "note: $1/@SECOND@ is another program and stays; the command is @NAME@"
    else
        ln -sf @NAME@ "$1/@SECOND@"
    fi
}

install_from() {
    mkdir -p "$folder/bin" "$folder/share/man/man1" "$folder/share/bash-completion/completions" \
        "$folder/share/zsh/site-functions" "$folder/share/fish/vendor_completions.d"
    # Put in place in one step: a program that runs now is not written over.
    cp "$1/@NAME@" "$folder/bin/.@NAME@.$$"
    chmod 755 "$folder/bin/.@NAME@.$$"
    mv -f "$folder/bin/.@NAME@.$$" "$folder/bin/@NAME@"
    second_name "$folder/bin"
    cp "$1"/man/*.1 "$folder/share/man/man1/"
    for name in @NAME@ @SECOND@; do
        cp "$1/completions/$name.bash" "$folder/share/bash-completion/completions/$name"
        cp "$1/completions/_$name" "$folder/share/zsh/site-functions/_$name"
        cp "$1/completions/$name.fish" "$folder/share/fish/vendor_completions.d/$name.fish"
    done
}

main() {
    case ${1:-} in
    -*) fail "usage: install.sh [FOLDER]" ;;
    esac
    folder=${1:-$HOME/.local}
    archive=@NAME@-$version-$(target).tar.gz
    expected=$(echo "$checksums" | while read -r digest name; do
        if [ "$name" = "$archive" ]; then echo "$digest"; fi
    done)
    [ -n "$expected" ] || fail "version $version has no $archive"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    fetch "$from/$archive" "$work/$archive"
    found=$(sha256 "$work/$archive")
    [ "$found" = "$expected" ] || fail "$from/$archive is not what was released (its SHA-256 is $found, not $expected); nothing was installed"
    tar -xzf "$work/$archive" -C "$work"
    install_from "$work/${archive%.tar.gz}"
    echo "@NAME@ $version is in $folder/bin"
    case :$PATH: in
    *":$folder/bin:"*) ;;
    *) echo "note: add it to PATH: export PATH=\"$folder/bin:\$PATH\"" ;;
    esac
}

# All of it is read before any of it runs, also where it comes through a pipe that breaks.
main "$@"
