//! The name by which the program was started: `sitepublish`, as every package installs it, or `publish`, where that name is free.
//! Text for people names commands in the form in which they can be pasted.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::Path;
use std::sync::OnceLock;

use clap::builder::StyledStr;

/// The name in messages and documents. Reports for programs always use it.
pub(crate) const USUAL: &str = "publish";

/// The name of the binary in every package.
const PACKAGED: &str = "sitepublish";

static NAME: OnceLock<&str> = OnceLock::new();

/// From now on, it is the name in the first of `words`, the words of the command line.
pub(crate) fn by(words: &[OsString]) {
    // It is decided once, before anything is written.
    let _ = NAME.set(named_in(words));
}

/// The name by which the program was started.
pub(crate) fn name() -> &'static str {
    NAME.get().copied().unwrap_or(USUAL)
}

fn named_in(words: &[OsString]) -> &'static str {
    let stem = words.first().and_then(|word| Path::new(word).file_stem());
    if stem.is_some_and(|stem| stem == PACKAGED) { PACKAGED } else { USUAL }
}

/// `command`, such as `publish rollback 2`, with the `name` by which the program was started.
pub(crate) fn renamed(command: &str, name: &str) -> String {
    format!("{name}{}", command.strip_prefix(USUAL).unwrap_or(command))
}

/// `text` with each command that it has in backticks as `written` gives it.
pub(crate) fn with_commands(text: &str, written: impl Fn(&str) -> String) -> Cow<'_, str> {
    if !text.contains("`publish") {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split('`').peekable();
    let mut filled = parts.next().unwrap_or_default().to_owned();
    let mut is_code = true;
    while let Some(part) = parts.next() {
        // Without its end it is none.
        let is_command = is_code && parts.peek().is_some() && (part == USUAL || part.starts_with("publish "));
        filled.push('`');
        filled.push_str(&if is_command { written(part) } else { part.to_owned() });
        is_code = !is_code;
    }
    Cow::Owned(filled)
}

/// `definition` of the arguments for a program of this `name`, which its texts use too.
pub(crate) fn defined(definition: clap::Command, name: &'static str) -> clap::Command {
    if name == USUAL { definition } else { worded(definition.name(name), name) }
}

fn worded(definition: clap::Command, name: &'static str) -> clap::Command {
    let words = |text: &StyledStr| with_commands(&text.to_string(), |command| renamed(command, name)).into_owned();
    let (about, long_about) = (definition.get_about().map(words), definition.get_long_about().map(words));
    let definition = definition.mut_subcommands(|command| worded(command, name)).mut_args(|arg| {
        let (help, long_help) = (arg.get_help().map(words), arg.get_long_help().map(words));
        let arg = if let Some(help) = help { arg.help(help) } else { arg };
        if let Some(long_help) = long_help { arg.long_help(long_help) } else { arg }
    });
    let definition = if let Some(about) = about { definition.about(about) } else { definition };
    if let Some(long_about) = long_about { definition.long_about(long_about) } else { definition }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::args::Args;

    #[test]
    fn the_name_is_one_of_two() {
        for (word, expected) in [
            ("publish", USUAL),
            ("/usr/bin/publish", USUAL),
            ("sitepublish", PACKAGED),
            ("node_modules/@sitepublish/linux-x64/sitepublish", PACKAGED),
            ("sitepublish.exe", PACKAGED),
            ("sitepublish-next", USUAL),
            ("", USUAL),
        ] {
            assert_eq!(named_in(&[word.into()]), expected, "{word}");
        }
        assert_eq!(named_in(&[]), USUAL);
    }

    #[test]
    fn help_names_commands_as_they_are_called() {
        let help = |name| defined(Args::command(), name).render_long_help().to_string();
        let packaged = help(PACKAGED);
        assert!(packaged.contains("Usage: sitepublish ") && packaged.contains("like `sitepublish plan`"), "{packaged}");
        assert!(packaged.contains("until `sitepublish resume`"), "also of its commands: {packaged}");
        assert!(!packaged.contains("`publish"), "{packaged}");
        assert_eq!(packaged.matches(" --").count(), help(USUAL).matches(" --").count(), "nothing else differs");
    }
}
