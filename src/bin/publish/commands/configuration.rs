//! Which publish.toml a run uses. One from a parent folder is used without a question only by commands that change nothing,
//! and by a publish of the folder that it names.

use std::path::{Path, PathBuf};

use publish::config::{self, Config, Found};
use publish::report::error::{Code, Problem};
use publish::run::Reply;

use super::Session;
use crate::args::Command;

/// A publish.toml that was read.
pub(super) struct Configuration {
    pub(super) config: Config,
    path: PathBuf,
    origin: Origin,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// `--config` or PUBLISH_CONFIG names it.
    Named,
    /// It is in the current folder.
    Here,
    /// It is in a folder above.
    Above,
}

impl Session<'_> {
    /// The publish.toml of this run, if there is one. One that is not the current folder's is told of. Where the command
    /// line says the whole target, none from above is looked for: it could only change what was said.
    pub(super) fn configuration(&self) -> Result<Option<Configuration>, Problem> {
        // `status --all` shows environments of publish.toml, whatever target variables say.
        let shows_all = matches!(self.command, Some(Command::Status(status)) if status.all);
        let (config, path, origin) = match &self.global.config {
            Some(path) => (Config::read(path, self.lookup)?, path.clone(), Origin::Named),
            None => match find()? {
                None => return Ok(None),
                Some(found) if found.is_above && self.global.says_the_target() && !shows_all => return Ok(None),
                Some(found) => {
                    let origin = if found.is_above { Origin::Above } else { Origin::Here };
                    (found.read(self.lookup)?, found.path, origin)
                }
            },
        };
        if origin != Origin::Here {
            let path = path.display().to_string();
            self.terminal.say(&format!("Configuration: {path}"));
            // It is said once for a run.
            let _ = self.config_file.set(path);
        }
        Ok(Some(Configuration { config, path, origin }))
    }

    /// Asks before a publish.toml from above decides what is changed; `place` is the environment that it comes to. Not
    /// answered by `--yes`, which is about the site and not about which one it is.
    pub(super) fn confirm_site(&self, configuration: &Configuration, place: &str) -> Result<(), Problem> {
        let Configuration { config, path, origin } = configuration;
        let is_meant = match self.command {
            None => config::is_about(config, Path::new(".")),
            Some(command) => command.only_shows(),
        };
        if *origin != Origin::Above || is_meant {
            return Ok(());
        }
        let path = path.display();
        let site = format!("the site `{}` of {path} ({place})", config.site);
        match self.ask(&format!("This is {site}. Is this the right site?")) {
            Reply::Yes => Ok(()),
            Reply::No => Err(Problem::new(Code::Declined, "cancelled")),
            Reply::Interrupted => Err(Problem::new(Code::Interrupted, "stopped on request")),
            Reply::CannotAsk => {
                Err(Problem::new(Code::Usage, format!("this folder has no publish.toml; confirm that you mean {site}"))
                    .hint(format!("Add `--config {path}`, or run the command in {}.", config.folder().display())))
            }
        }
    }
}

/// The publish.toml of the current folder, or the nearest one above.
fn find() -> Result<Option<Found>, Problem> {
    config::find(Path::new(""), std::env::home_dir().as_deref())
}

/// The folder whose sandbox is meant here: the project's, also from the folders below its publish.toml.
#[cfg(feature = "sandbox")]
pub(super) fn sandbox_folder() -> Result<PathBuf, Problem> {
    let above = find()?.filter(|found| found.is_above);
    let folder = above.and_then(|found| found.path.parent().map(Path::to_path_buf));
    Ok(folder.unwrap_or_else(|| PathBuf::from(".")))
}
