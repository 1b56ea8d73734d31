# The first step of action.yml: puts the program into the runner's tool cache, by the same installer that people use, and on PATH.
# What has no checksum in packaging/checksums.txt was not released, and is not installed. GitHub's API is not asked.
# Runs with bash 3.2, which macOS has.
set -euo pipefail
here=$GITHUB_ACTION_PATH/packaging

fail() {
    echo "::error::$1"
    exit 1
}

marks=-x86_64-unknown-linux-gnu.tar.gz
released() {
    sed -n "s/^[0-9a-f]\{64\}  sitepublish-\(.*\)$marks\$/\1/p" "$here/checksums.txt"
}

# By default, the version that was recorded last: its lines are the last ones of checksums.txt.
version=${INPUT_VERSION#v}
[[ -n $version ]] || version=$(released | tail -n 1)
[[ -n $version ]] || fail "No version of sitepublish is released yet."
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || fail "The input version is not a version such as 1.2.3."
released | grep -qxF "$version" || fail "This version of the action does not know sitepublish $version. Use a newer version of the action."

machine=$(echo "$RUNNER_ARCH" | tr '[:upper:]' '[:lower:]')
folder=$RUNNER_TOOL_CACHE/sitepublish/$version/$machine
windows=
[[ $RUNNER_OS != Windows ]] || windows=1

# A template of the installers, filled as packaging/build.py fills it. No value has a character that is special here.
filled() {
    local text checksums repository
    text=$(cat "$here/installers/$1")
    checksums=$(grep -F "  sitepublish-$version-" "$here/checksums.txt")
    repository=$(sed -n 's/^repository = "\(.*\)"$/\1/p' "$here/../Cargo.toml")
    text=${text//@NAME@/sitepublish}
    text=${text//@SECOND@/publish}
    text=${text//@VERSION@/$version}
    text=${text//@REPOSITORY@/$repository}
    printf '%s\n' "${text//@CHECKSUMS@/$checksums}"
}

if [[ ! -f $folder.complete ]]; then
    rm -rf "$folder"
    mkdir -p "$(dirname "$folder")"
    if [[ -n $windows ]]; then
        filled install.ps1 >"$RUNNER_TEMP/install-sitepublish.ps1"
        pwsh -NoProfile -File "$RUNNER_TEMP/install-sitepublish.ps1" -Folder "$folder/bin"
    else
        filled install.sh >"$RUNNER_TEMP/install-sitepublish.sh"
        sh "$RUNNER_TEMP/install-sitepublish.sh" "$folder"
    fi
    touch "$folder.complete"
fi
program=$folder/bin/sitepublish${windows:+.exe}
"$program" --version
echo "$folder/bin" >>"$GITHUB_PATH"
echo "program=$program" >>"$GITHUB_OUTPUT"
