#!/bin/sh
# Makes publish-<version>-<target>.tar.gz of a built binary, with its manual pages, the completions of shells, README and licences.
# Usage: packaging/tarball.sh BINARY TARGET [FOLDER]
#   BINARY  the program, which must run on this machine
#   TARGET  what it was built for, as x86_64-unknown-linux-gnu
#   FOLDER  where the archive goes [default: the current folder]
# Prints the archive's path. Needs a POSIX shell, coreutils and a tar that knows gzip.
set -eu

if [ $# -lt 2 ] || [ $# -gt 3 ]; then
    echo "usage: packaging/tarball.sh BINARY TARGET [FOLDER]" >&2
    exit 2
fi
binary=$(realpath "$1")
target=$2
folder=$(realpath "${3:-.}")
project=$(realpath "$(dirname "$0")/..")

# Neither a folder's publish.toml nor a variable decides what is in the archive.
run() {
    env -i "$binary" "$@"
}

version=$(run --version)
version=${version#publish }
name=publish-$version-$target
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
content=$work/$name

mkdir -p "$content/man" "$content/completions"
cp "$binary" "$content/"
cp "$project/README.md" "$project/LICENSE-APACHE" "$project/LICENSE-MIT" "$content/"

run man > "$content/man/publish.1"
# The page of publish names those of its commands, as publish\-forget\-distribution(1).
while read -r line; do
    case $line in
    'publish\-'*'(1)')
        rest=${line#'publish\-'}
        rest=${rest%'(1)'}
        command=
        while :; do
            case $rest in
            *'\-'*)
                command=$command${rest%%'\-'*}-
                rest=${rest#*'\-'}
                ;;
            *) break ;;
            esac
        done
        command=$command$rest
        run man "$command" > "$content/man/publish-$command.1"
        ;;
    esac
done < "$content/man/publish.1"

# Named as each shell looks for them.
run completions bash > "$content/completions/publish.bash"
run completions zsh > "$content/completions/_publish"
run completions fish > "$content/completions/publish.fish"
run completions powershell > "$content/completions/_publish.ps1"

tar -czf "$folder/$name.tar.gz" -C "$work" "$name"
echo "$folder/$name.tar.gz"
