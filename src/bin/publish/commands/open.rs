//! `publish open`: the site's address, and the site in a browser.

use std::io::{IsTerminal, stdout};
use std::process::{Command, Stdio};

use publish::report::Report;
use publish::run;

use super::{Manner, Session, Shown, Target};

/// The program that opens an address on this system.
const OPENER: &str = if cfg!(target_os = "macos") {
    "open"
} else if cfg!(windows) {
    "explorer"
} else {
    "xdg-open"
};

impl Session<'_> {
    pub(super) async fn open_site(&self) -> Report {
        let work = async |target: Target<'_>| run::address(target.environment, target.caller, target.events).await;
        let show = |_: Shown<'_>, address: Option<String>| {
            let Some(address) = address else { return };
            self.terminal.result(&format!("{address}\n"));
            if self.terminal.is_for_people() && !self.is_ci() && stdout().is_terminal() {
                show_in_browser(&address);
            }
        };
        self.on_target("open", Manner::Opens, work, show).await
    }
}

/// The address is on the terminal already: where there is no browser, nothing is lost. It begins with `http`, so that it is
/// no flag, and no shell reads it.
fn show_in_browser(address: &str) {
    let mut opener = Command::new(OPENER);
    opener.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    drop(opener.spawn());
}
