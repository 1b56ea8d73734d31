//! Mistakes on the command line: what was probably meant, and how they are reported to people and programs.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use publish::config::values::may_hold_a_secret;
use publish::report::Report;
use publish::report::error::{Code, Problem};
use publish::run::refused;
use publish::types::text::HIDDEN;

/// Names that other tools use for a command of this one.
const OTHER_NAMES: [(&str, &[&str]); 14] = [
    ("publish DIR", &["deploy", "upload", "push", "ship", "sync", "up", "publish"]),
    ("publish --version", &["version"]),
    ("publish activate", &["switch", "live", "promote-to"]),
    ("publish plan", &["new", "configure", "config", "preview", "dry-run"]),
    ("publish rollback", &["undo", "revert", "back", "restore", "downgrade"]),
    ("publish releases", &["list", "ls", "lst", "log", "logs", "history", "versions"]),
    ("publish status", &["info", "state", "current"]),
    ("publish prune", &["clean", "gc", "delete", "remove", "rm", "cleanup"]),
    ("publish verify", &["check", "test", "audit", "repair"]),
    ("publish invalidate", &["refresh", "purge", "flush", "clear-cache"]),
    ("publish hold", &["lock", "freeze", "pause", "stop", "cancel", "abort"]),
    ("publish resume", &["unlock", "unhold", "unfreeze", "continue"]),
    ("publish sandbox", &["serve", "dev", "start", "local"]),
    ("publish open", &["view", "browse", "url", "visit"]),
];

/// Commands that people know from other tools and that do not exist here yet, with what to use until then.
const NOT_YET: [(&str, &str); 3] = [
    (
        "init",
        "Write publish.toml by hand: README.md shows one under \"Your site, live\". Then `publish plan` says what is wrong with it.",
    ),
    (
        "setup",
        "Create the bucket and the distribution with any tool, and write publish.toml: README.md shows one under \"Your site, live\".",
    ),
    (
        "doctor",
        "`publish plan` tests the configuration and the permissions, and changes nothing; `publish verify` compares the bucket with the live release.",
    ),
];

/// How similar a word must be to a command's name to count as it.
const ALIKE: f64 = 0.8;

/// What is wrong with a `word` that is neither a command nor a folder, and what to do instead.
fn advice(word: &str, definition: &clap::Command) -> Option<(String, String)> {
    if let Some((command, instead)) = NOT_YET.iter().find(|(command, _)| *command == word.to_lowercase()) {
        return Some((format!("`publish {command}` does not exist yet"), (*instead).to_owned()));
    }
    let command = meant(word, definition)?;
    let message = format!("there is no command or folder `{word}`");
    Some((message, format!("Did you mean `{command}`? `publish help` lists the commands.")))
}

/// What `word` most likely means of the commands that there are (`definition`): any word that is no command is taken for a
/// folder.
pub(crate) fn meant(word: &str, definition: &clap::Command) -> Option<String> {
    let lower = word.to_lowercase();
    if let Some((command, _)) = OTHER_NAMES.iter().find(|(_, names)| names.contains(&lower.as_str())) {
        return Some((*command).to_owned());
    }
    let likeness = |name: &str| strsim::jaro_winkler(&lower, name);
    let commands = definition.get_subcommands().map(clap::Command::get_name);
    let nearest = commands.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))?;
    // Similarity alone is not enough: `rename` and `reset` are not `resume`.
    let is_slip = strsim::osa_distance(&lower, nearest) <= 1 + nearest.len() / 8;
    (likeness(nearest) > ALIKE && is_slip).then(|| format!("publish {nearest}"))
}

/// Whether a word cannot be the name of a folder.
fn is_no_folder(word: &str) -> bool {
    !word.contains(['/', '\\']) && Path::new(word).symlink_metadata().is_err()
}

/// What is wrong with the folder of a publish, if it was probably meant as a command.
pub(crate) fn mistyped(folder: &Path, definition: &clap::Command) -> Option<Problem> {
    let word = folder.to_str().filter(|word| is_no_folder(word))?;
    advice(word, definition).map(|(message, hint)| Problem::new(Code::Usage, message).hint(hint))
}

/// `error` about `words`, with what the parser does not know: that the first word is none of the commands that
/// `definition` has, and that a value comes from a variable.
pub(crate) fn explained(mut error: clap::Error, words: &[OsString], definition: &clap::Command) -> clap::Error {
    if let Some(word) = first_word(words, definition)
        && matches!(error.kind(), ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand)
        && definition.find_subcommand(word).is_none()
        && is_no_folder(word)
        && let Some((message, hint)) = advice(word, definition)
    {
        let message = format!("{message}\n\n  tip: {hint}\n");
        return definition.clone().error(ErrorKind::InvalidSubcommand, message);
    }
    let command = first_word(words, definition);
    let helped = words.windows(2).find(|pair| pair[0] == "help").and_then(|pair| pair[1].to_str());
    if let (Some("help"), Some(word)) = (command, helped)
        && error.kind() == ErrorKind::InvalidSubcommand
        && let Some((message, hint)) = advice(word, definition)
    {
        return definition.clone().error(ErrorKind::InvalidSubcommand, format!("{message}\n\n  tip: {hint}\n"));
    }
    let unknown = error.get(ContextKind::InvalidArg).cloned();
    if let (ErrorKind::UnknownArgument, Some(command), Some(ContextValue::String(flag))) =
        (error.kind(), command, &unknown)
        && ["--dry-run", "-n"].contains(&flag.as_str())
    {
        return definition.clone().error(ErrorKind::UnknownArgument, no_dry_run(command));
    }
    if error.kind() == ErrorKind::UnknownArgument {
        suggest_flag(&mut error, words, definition);
    }
    if let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg).cloned() {
        let flag = argument.split(' ').next().unwrap_or_default();
        let is_written = words.iter().any(|word| word.to_string_lossy().starts_with(flag));
        if ["--url", "--endpoint-url"].contains(&flag)
            && let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue)
            && may_hold_a_secret(value)
        {
            error.insert(ContextKind::InvalidValue, ContextValue::String(HIDDEN.to_owned()));
        }
        let of_flag = |known: &&clap::Arg| known.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long));
        let variable = definition.get_arguments().find(of_flag).and_then(clap::Arg::get_env);
        if let (false, Some(variable)) = (is_written, variable) {
            let argument = format!("{argument} (from the variable {})", variable.to_string_lossy());
            error.insert(ContextKind::InvalidArg, ContextValue::String(argument));
        }
    }
    error
}

/// The message about `--dry-run` for a command that has none.
pub(crate) fn no_dry_run(command: &str) -> String {
    match command {
        "rollback" | "prune" | "forget-distribution" => format!(
            "`{command}` has no --dry-run: without --yes, it shows what it would do and asks; `publish plan` is the dry run of a publish"
        ),
        _ => format!("`{command}` has no --dry-run; `publish plan` is the dry run of a publish"),
    }
}

/// Names the flag that an unknown one most likely means, also where two letters have changed places, which the parser does
/// not see.
fn suggest_flag(error: &mut clap::Error, words: &[OsString], definition: &clap::Command) {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else { return };
    let is_known_to_parser = error.get(ContextKind::SuggestedArg).is_some();
    let Some(name) = unknown.strip_prefix("--").filter(|_| !is_known_to_parser) else { return };
    let command = first_word(words, definition).and_then(|word| definition.find_subcommand(word));
    // A command takes its own flags and those of all commands.
    let is_taken = |flag: &&clap::Arg| command.is_none() || flag.is_global_set();
    let general = definition.get_arguments().filter(is_taken);
    let flags =
        general.chain(command.into_iter().flat_map(clap::Command::get_arguments)).filter(|flag| !flag.is_hide_set());
    let distance = |flag: &str| strsim::osa_distance(name, flag);
    let nearest = flags.filter_map(clap::Arg::get_long).min_by_key(|flag| distance(flag));
    // A letter that is wrong, missing, too many or in the wrong place; two in a longer name.
    let most = if name.len() < 5 { 1 } else { 2 };
    if let Some(nearest) = nearest.filter(|nearest| (1..=most).contains(&distance(nearest))) {
        let suggested = format!("--{nearest}");
        error.insert(ContextKind::SuggestedArg, ContextValue::String(suggested));
    }
}

/// The first word that is neither a flag nor a flag's value.
fn first_word<'w>(words: &'w [OsString], definition: &clap::Command) -> Option<&'w str> {
    let mut rest = words.iter().skip(1).map(|word| word.to_str().unwrap_or_default());
    while let Some(word) = rest.next() {
        let Some(flag) = word.strip_prefix("--") else {
            if word.starts_with('-') { continue } else { return Some(word) }
        };
        let known = definition.get_arguments().find(|known| known.get_long() == Some(flag));
        if known.is_some_and(|known| known.get_action().takes_values()) {
            rest.next();
        }
    }
    None
}

/// The report of a command line that cannot be understood.
pub(crate) fn misunderstood(error: &clap::Error, words: &[OsString], definition: &clap::Command) -> Report {
    let text = error.to_string();
    let (message, hint) = told(&text);
    let command = first_word(words, definition).filter(|word| definition.find_subcommand(word).is_some());
    let help = match command {
        Some(command) => format!("`publish help {command}` lists its flags."),
        None => "`publish --help` lists commands and flags.".to_owned(),
    };
    let hint = if hint.is_empty() { help } else { format!("{hint} {help}") };
    refused(command.unwrap_or("publish"), "", Problem::new(Code::Usage, message).hint(hint))
}

/// Message and hint of what the parser wrote: paragraphs, of which the first says what is wrong and each of some others gives
/// a tip.
fn told(text: &str) -> (String, String) {
    let joined = |paragraph: &str| paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut paragraphs = text.split("\n\n").flat_map(|paragraph| paragraph.split("\n  tip: ")).map(joined);
    let message = paragraphs.next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
    let tips = paragraphs.filter_map(|paragraph| {
        let tip = paragraph.strip_prefix("tip: ").unwrap_or(&paragraph);
        let is_other = ["Usage:", "For more information"].iter().any(|start| tip.starts_with(start));
        let tip = format!("{}{}", tip.get(..1)?.to_uppercase(), tip.get(1..)?.trim_end_matches('.'));
        let end = if tip.ends_with('?') { "" } else { "." };
        (!is_other).then(|| format!("{tip}{end}"))
    });
    (message, tips.collect::<Vec<_>>().join(" "))
}

/// Whether a command line that could not be understood asked for JSON all the same; `variable` is PUBLISH_OUTPUT's value.
pub(crate) fn wants_json(words: &[OsString], variable: Option<&str>) -> bool {
    let values = words.windows(2).filter(|pair| pair[0] == "--output").map(|pair| pair[1].to_string_lossy());
    let joined = words.iter().filter_map(|word| Some(word.to_str()?.strip_prefix("--output=")?.into()));
    let mut said = values.chain(joined).peekable();
    if said.peek().is_none() { variable == Some("json") } else { said.any(|value| value == "json") }
}

/// Whether a command line that could not be understood asked for silence towards the pipeline; `variable` is
/// PUBLISH_NO_CI_OUTPUT's value.
pub(crate) fn wants_no_ci_output(words: &[OsString], variable: Option<&str>) -> bool {
    words.iter().any(|word| word == "--no-ci-output")
        || variable
            .is_some_and(|value| !["", "0", "f", "false", "n", "no", "off"].contains(&value.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition() -> clap::Command {
        let commands = ["plan", "rollback", "status", "sandbox", "promote", "releases"].map(clap::Command::new);
        let env = clap::Arg::new("env").long("env").env("PUBLISH_TEST_ENV").value_parser(["a"]);
        clap::Command::new("publish").subcommands(commands).arg(env).arg(clap::Arg::new("dir"))
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(Into::into).collect()
    }

    #[test]
    fn a_word_that_is_nearly_a_command_is_recognised() {
        let of = |word: &str| meant(word, &definition());
        assert_eq!(of("statsu").as_deref(), Some("publish status"));
        assert_eq!(of("rolback").as_deref(), Some("publish rollback"));
        assert_eq!(of("deploy").as_deref(), Some("publish DIR"));
        assert_eq!(of("undo").as_deref(), Some("publish rollback"));
        assert_eq!(of("Deploy").as_deref(), Some("publish DIR"));
        assert_eq!(of("build"), None);
        assert!(mistyped("./statsu".as_ref(), &definition()).is_none(), "a path is a folder");
    }

    #[test]
    fn the_first_word_is_no_flag_and_no_value() {
        let of = |line: &str| first_word(&words(line), &definition()).map(str::to_owned);
        assert_eq!(of("publish --env a -y deploy dist").as_deref(), Some("deploy"));
        assert_eq!(of("publish --env=a dist").as_deref(), Some("dist"));
        assert_eq!(of("publish --env a"), None);
    }

    #[test]
    fn json_is_recognised_in_a_line_that_cannot_be_understood() {
        assert!(wants_json(&words("publish --nonsense --output json"), None));
        assert!(wants_json(&words("publish --output=json --nonsense"), None));
        assert!(!wants_json(&words("publish --output human json"), Some("json")));
        assert!(wants_json(&words("publish --nonsense"), Some("json")));
        assert!(!wants_json(&words("publish --nonsense"), Some("human")));
    }

    #[test]
    fn all_that_the_parser_says_is_told() {
        let text = "error: unexpected argument '--evn' found\n\n  tip: a similar argument exists: '--env'\n\nUsage: x\n\nFor more \
                    information, try '--help'.\n";
        let expected =
            ("unexpected argument '--evn' found".to_owned(), "A similar argument exists: '--env'.".to_owned());
        assert_eq!(told(text), expected);
        let text = "error: the following required arguments were not provided:\n  --from <ENV>\n\nUsage: x\n";
        assert_eq!(told(text).0, "the following required arguments were not provided: --from <ENV>");
        let text = "error: invalid value 'x' for '--output <FORMAT>'\n  [possible values: human, json]\n";
        assert_eq!(told(text).0, "invalid value 'x' for '--output <FORMAT>' [possible values: human, json]");
    }
}
