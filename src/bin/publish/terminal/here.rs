//! Adapts the commands that a text names, so that they reach this program and this run's target when a person pastes them.

use std::borrow::Cow;

use clap::CommandFactory;

use crate::args::Args;
use crate::called;

/// Commands that have no target.
const WITHOUT_TARGET: [&str; 8] = ["sandbox", "help", "completions", "man", "init", "setup", "doctor", "--help"];

/// The name that the program has here, and the flags that a command needs, each with a space before it; none where it finds the
/// target by itself. They are known once a run, and kept for as long as the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Here {
    name: &'static str,
    publish: &'static str,
    others: &'static str,
}

impl Default for Here {
    /// No command needs anything.
    fn default() -> Here {
        Here::called(called::name())
    }
}

impl Here {
    /// The program is called `name`, and no command needs anything.
    pub(crate) const fn called(name: &'static str) -> Here {
        Here { name, publish: "", others: "" }
    }

    /// Every command needs `flags`.
    pub(crate) fn with(flags: String) -> Here {
        let flags = flags.leak();
        Here { publish: flags, others: flags, ..Here::default() }
    }

    /// Every command needs `flags` but `publish` itself, which finds the target without.
    pub(crate) fn with_for_others(flags: String) -> Here {
        Here { publish: "", ..Here::with(flags) }
    }

    /// `command`, as `publish rollback 2`, by the name that the program has here, with the flags that it needs.
    pub(crate) fn command(self, command: &str) -> String {
        let word = command.split(' ').nth(1).unwrap_or_default();
        let flags = match word {
            _ if WITHOUT_TARGET.contains(&word) || command.contains(" --env ") => "",
            word if Args::command().find_subcommand(word).is_some() => self.others,
            _ => self.publish,
        };
        format!("{}{flags}", called::renamed(command, self.name))
    }

    /// `text` with each command that it has in backticks as [`Here::command`] gives it.
    pub(crate) fn in_text(self, text: &str) -> Cow<'_, str> {
        if self == Here::called(called::USUAL) {
            return Cow::Borrowed(text);
        }
        called::with_commands(text, |command| self.command(command))
    }
}

/// A value quoted so that a shell takes it as one word.
pub(crate) fn quoted(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:@%+=,-".contains(&byte);
    match !value.is_empty() && value.bytes().all(is_plain) {
        true => value.to_owned(),
        false => format!("'{}'", value.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_get_what_they_need() {
        let next = Here::with(" --env next".to_owned());
        for (text, expected) in [
            ("Run `publish prune`.", "Run `publish prune --env next`."),
            (
                "`publish` retries; `publish rollback N` goes back.",
                "`publish --env next` retries; `publish rollback N --env next` goes back.",
            ),
            ("`publish DIR`, `publish help rollback`", "`publish DIR --env next`, `publish help rollback`"),
            ("`publish status --env sandbox`", "`publish status --env sandbox`"),
            ("Set `url` in publish.toml: `publish plan", "Set `url` in publish.toml: `publish plan"),
            ("publish's repository, `publisher.json`", "publish's repository, `publisher.json`"),
        ] {
            assert_eq!(next.in_text(text), expected);
            assert_eq!(Here::default().in_text(text), text);
        }
        assert_eq!(next.command("publish rollback 2"), "publish rollback 2 --env next");
        let packaged = Here { name: "sitepublish", ..next };
        assert_eq!(packaged.in_text("Run `publish prune`, publish!"), "Run `sitepublish prune --env next`, publish!");
        let help = Here::called("sitepublish").in_text("`publish`, `publish help rollback`: `publisher.json`");
        assert_eq!(help, "`sitepublish`, `sitepublish help rollback`: `publisher.json`");
        let fell_back = Here::with_for_others(" --env sandbox".to_owned());
        assert_eq!(
            fell_back.in_text("`publish dist` or `publish resume`"),
            "`publish dist` or `publish resume --env sandbox`"
        );
    }

    #[test]
    fn a_value_is_one_word_of_a_shell() {
        assert_eq!(quoted("https://s3.example.com:9000"), "https://s3.example.com:9000");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
