//! `publish show`: one release, and its files if they are asked for.

use publish::report::Report;
use publish::run::{self, ReleaseListing, ShowRequest};

use super::{Manner, Session, Shown, Target};
use crate::args::ShowArgs;
use crate::json;
use crate::summary::show::{render_files, render_release};

impl Session<'_> {
    pub(super) async fn show(&self, args: &ShowArgs) -> Report {
        let work = async |target: Target<'_>| {
            let Target { environment, caller, events, .. } = target;
            run::show(ShowRequest { environment, caller, release: args.release }, events).await
        };
        let show = |_: Shown<'_>, listing: Option<ReleaseListing>| {
            let Some(ReleaseListing { release, files }) = listing else { return };
            if self.terminal.is_for_people() {
                let mut text = render_release(&release, self.terminal.results());
                if args.files {
                    text.push_str(&render_files(&files, self.terminal.results()));
                }
                self.terminal.result(&text);
                return;
            }
            json::line(&release);
            if args.files {
                files.iter().for_each(json::line);
            }
        };
        self.on_target("show", Manner::Shows, work, show).await
    }
}
