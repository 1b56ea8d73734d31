# The second step of action.yml: one command. Outputs, summary and annotations come from the program itself.
# Runs with bash 3.2, which macOS has.
set -euo pipefail

refuse() {
    echo "::error::$1"
    exit 2
}

[[ $INPUT_COMMAND =~ ^[a-z-]+$ ]] || refuse "The input command is not the name of a command."
case $INPUT_COMMENT in
true | false | '') ;;
*) refuse "The input comment is neither true nor false." ;;
esac
case $INPUT_COMMAND in
publish | plan) ;;
*) [[ -z $INPUT_DIRECTORY ]] || refuse "The input directory is only for the commands publish and plan." ;;
esac
words=()
[[ $INPUT_COMMAND == publish ]] || words+=("$INPUT_COMMAND")
[[ -z $INPUT_ENVIRONMENT ]] || words+=("--env=$INPUT_ENVIRONMENT")
[[ -z $INPUT_CONFIG ]] || words+=("--config=$INPUT_CONFIG")
case $INPUT_COMMAND in
publish | plan) [[ $INPUT_COMMENT != true ]] || words+=(--comment) ;;
esac
# Words and nothing else: no quotes, no patterns of files, no variables.
while read -r word; do
    [[ -z $word ]] || words+=("$word")
done < <(printf '%s\n' "$INPUT_ARGS" | tr -s '[:space:]' '\n')
[[ -z $INPUT_DIRECTORY ]] || words+=(-- "$INPUT_DIRECTORY")

code=0
"$PROGRAM" ${words[@]+"${words[@]}"} || code=$?
# What a plan finds is no failure.
[[ $INPUT_COMMAND != plan || $code != 10 ]] || code=0
exit "$code"
