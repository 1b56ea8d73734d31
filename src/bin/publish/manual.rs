//! Completion scripts and manual pages. Both are made from the arguments.

use clap::error::ErrorKind;
use clap_mangen::Man;

use crate::args::{Command, definition};
use crate::called;
use crate::mistakes::meant;

/// The text that `command` asks for; `None`: it asks for none.
///
/// # Errors
/// If there is no such command.
pub(crate) fn about_itself(command: Option<&Command>) -> Option<Result<String, clap::Error>> {
    match command? {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut definition(), called::name(), &mut script);
            Some(Ok(String::from_utf8_lossy(&script).into_owned()))
        }
        Command::Man { of } => Some(page(of.as_deref())),
        _ => None,
    }
}

/// Why there is no page of `name`, and what was probably meant.
fn no_page(name: &str, publish: &clap::Command) -> String {
    let meant = meant(name, publish).map(|command| format!("\n\n  tip: Did you mean `{command}`?\n"));
    format!("there is no command `{name}`{}", meant.unwrap_or_default())
}

fn page(of: Option<&str>) -> Result<String, clap::Error> {
    let mut publish = definition();
    // Gives commands the names that their pages have: `publish-rollback`.
    publish.build();
    let described = match of {
        Some(name) => match publish.find_subcommand(name) {
            Some(command) => command.clone(),
            None => return Err(publish.error(ErrorKind::InvalidSubcommand, no_page(name, &publish))),
        },
        None => publish,
    };
    let mut text = Vec::new();
    Man::new(described).render(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
