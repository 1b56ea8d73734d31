//! `publish sandbox`: the sandbox as a server, in the foreground or in the background, and its end.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use publish::report::error::{Code, Problem};
use publish::types::clock::Clock;

use super::running::{Purpose, Running, SandboxFolder};
use super::{Embedded, LOOK_AGAIN, Lookup, Opened, open};
use crate::interrupt::Signals;
use crate::terminal::Terminal;

/// A sandbox in the background stops after that long without a request.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// How long a sandbox in the background may take to answer.
const START: Duration = Duration::from_secs(10);

/// Serves until a signal, `publish sandbox --stop`, or for a while without a request in the `background`.
pub(crate) async fn serve(
    folder: &Path,
    lookup: Lookup<'_>,
    background: bool,
    terminal: &Terminal,
    signals: &Signals,
) -> Result<(), Problem> {
    let say = |line: &str| terminal.say(line);
    let opened = tokio::select! {
        opened = open(folder, lookup, Purpose::Serve, &say) => opened?,
        () = signals.arrived(1) => return Ok(()),
    };
    match opened {
        Opened::Elsewhere(running) => {
            if !background {
                terminal.result(&format!(
                    "The sandbox is already running: {}/\n`publish sandbox --stop` stops it.\n",
                    running.site
                ));
            }
            Ok(())
        }
        Opened::Here(embedded) => {
            if !background {
                terminal.result(&announcement(&embedded));
            }
            until_stopped(&embedded, background.then_some(IDLE), signals).await;
            embedded.close().await;
            Ok(())
        }
    }
}

fn announcement(embedded: &Embedded) -> String {
    let Running { s3, cloudfront, site, .. } = &embedded.running;
    let keys = embedded.ownership.file();
    format!(
        "The sandbox is running; nothing leaves this machine.\n  \
         site        {site}/\n  S3          {s3}\n  CloudFront  {cloudfront}\n  \
         edge        {site}/_sandbox// shows what it keeps\n  \
         keys        in {}\nPress Ctrl-C to stop it.\n",
        keys.display()
    )
}

async fn until_stopped(embedded: &Embedded, idle: Option<Duration>, signals: &Signals) {
    let clock = Clock::start();
    let mut last_request = Duration::ZERO;
    loop {
        tokio::select! {
            () = signals.arrived(1) => return,
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
        if !embedded.ownership.is_announced() {
            return;
        }
        // Nothing reads this log, and a server that runs for days must not keep it.
        if !embedded.sandbox.requests().is_empty() {
            embedded.sandbox.clear_requests();
            last_request = clock.elapsed();
        }
        if idle.is_some_and(|idle| clock.elapsed() - last_request > idle) {
            return;
        }
    }
}

/// Ends the sandbox of the project in `folder`, and waits until it has.
pub(crate) async fn stop(folder: &Path, lookup: Lookup<'_>, terminal: &Terminal) -> Result<(), Problem> {
    let place = SandboxFolder::of(folder, lookup)?;
    if !place.exists() || place.take()?.is_some() {
        terminal.result("No sandbox is running here.\n");
        return Ok(());
    }
    if place.running().is_some_and(|running| running.purpose == Purpose::Publish) {
        return Err(Problem::new(Code::Sandbox, "a publish is using the sandbox")
            .hint("The sandbox stops by itself when that publish ends."));
    }
    terminal.say("Waiting for the sandbox to stop.");
    place.ask_to_stop()?;
    while place.take()?.is_none() {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    terminal.result("The sandbox has stopped; everything published to it is kept.\n");
    Ok(())
}

/// Empties the sandbox of the project in `folder`, which must not be running.
pub(crate) fn reset(folder: &Path, lookup: Lookup<'_>, terminal: &Terminal) -> Result<(), Problem> {
    let place = SandboxFolder::of(folder, lookup)?;
    if place.exists() {
        let Some(ownership) = place.take()? else {
            return Err(Problem::new(Code::Sandbox, "the sandbox is running")
                .hint("Stop it with `publish sandbox --stop`, then reset it."));
        };
        ownership.reset()?;
    }
    terminal.result("The sandbox is empty.\n");
    Ok(())
}

/// The site's address, for the end of a summary.
pub(crate) fn invitation(running: &Running) -> String {
    format!("See it at {}/; `publish sandbox --stop` stops the sandbox that serves it.", running.site)
}

/// Starts a sandbox that keeps serving the site after this process, and says where.
pub(crate) async fn leave_running(folder: &Path, lookup: Lookup<'_>) -> Result<Running, Problem> {
    let failed = |what: &str| Problem::new(Code::Sandbox, what).hint("`publish sandbox` serves the site.");
    let mut child = spawn(folder).map_err(|error| failed("could not keep serving the site").source(error))?;
    let place = SandboxFolder::of(folder, lookup)?;
    let clock = Clock::start();
    while clock.elapsed() < START {
        if let Some(running) = place.running().filter(|running| running.purpose == Purpose::Serve) {
            return Ok(running);
        }
        if let Ok(Some(status)) = child.try_wait() {
            // It gives way to another that is serving already, which the next check finds.
            if !status.success() {
                return Err(failed(&format!("could not keep serving the site: the sandbox ended with {status}")));
            }
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Err(failed("could not keep serving the site: the sandbox does not respond"))
}

/// Detached: it has no terminal to write to or to be stopped from.
fn spawn(folder: &Path) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["sandbox", "--background"]).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    #[cfg(windows)]
    {
        /// From Microsoft's "Process Creation Flags".
        const DETACHED_PROCESS: u32 = 0x0000_0008;
        std::os::windows::process::CommandExt::creation_flags(&mut command, DETACHED_PROCESS);
    }
    command.spawn()
}
