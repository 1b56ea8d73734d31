# The second step of action.yml: one command. Outputs, summary and annotations come from the program itself.
# Runs with bash 3.2, which macOS has.
set -euo pipefail

if ! [[ $INPUT_COMMAND =~ ^[a-z-]+$ ]]; then
    echo "::error::The input command is not the name of a command."
    exit 2
fi
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
