//! The command line of `publish`: everything that meets a person. It uses only the library's public names.
#![expect(clippy::disallowed_methods, reason = "the binary reads the environment, and hands on what it found")]

mod args;
mod commands;
mod failure;
mod interrupt;
mod json;
mod manual;
mod mistakes;
mod publisher;
mod random;
#[cfg(feature = "sandbox")]
mod sandbox;
mod since;
mod summary;
mod terminal;
mod variables;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::CommandFactory;
use publish::report::Report;
use publish::report::error::ExitCode::{Failed, Usage};
use publish::report::error::{Code, Problem, VisitorsSee};
use publish::types::clock::Clock;
use publish::types::text::printable;

use args::{Args, Command, Output};
use commands::Session;
use interrupt::Signals;
use json::EventLines;
use terminal::Terminal;

fn main() -> ExitCode {
    let clock = Clock::start();
    if std::env::var_os("RUST_BACKTRACE").is_none_or(|value| value == "0") {
        // The report says it, in words for people.
        std::panic::set_hook(Box::new(|_| {}));
    }
    let words: Vec<OsString> = std::env::args_os().collect();
    let empty: Vec<OsString> = variables::empty(std::env::vars_os());
    if !empty.is_empty() {
        let failure = variables::without(&empty, &words).while_visitors_see(VisitorsSee::Untouched);
        let output = if wants_json(&words) { Output::Json } else { Output::Human };
        return finish(&Report::new("publish", "").failed(&failure), None, output, &Terminal::plain());
    }
    let args = match Args::read(&words) {
        Ok(args) => args,
        Err(error) => return not_understood(&error, &words),
    };
    match manual::about_itself(args.command.as_ref()) {
        Some(Ok(text)) => {
            terminal::write_result(&text);
            return ended(0, true);
        }
        Some(Err(error)) => return not_understood(&error, &words),
        None => {}
    }
    let lookup = |name: &str| std::env::var(name).ok();
    let terminal = Terminal::new(&args.global, &lookup);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let problem = Problem::new(Code::Internal, "could not start any threads").source(error);
            let command = Command::name(args.command.as_ref());
            let report = Report::new(command, "").failed(&problem.while_visitors_see(VisitorsSee::Untouched));
            return finish(&report, args.command.as_ref(), args.global.output, &terminal);
        }
    };
    // What a run and the showing of its result do not catch themselves happened before both.
    let report = std::panic::catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let signals = Signals::listen();
            let session = Session {
                command: args.command.as_ref(),
                global: &args.global,
                terminal: &terminal,
                signals,
                lookup: &lookup,
                clock,
                lines: EventLines::new(clock, args.global.quiet),
                config_file: OnceLock::new(),
            };
            session.run(&args.site).await
        })
    }));
    let report = report.unwrap_or_else(|payload| {
        let failure = Problem::of_panic(&*payload).while_visitors_see(VisitorsSee::Untouched);
        Report::new(Command::name(args.command.as_ref()), "").failed(&failure)
    });
    // Hashing that was told to stop need not be waited for.
    runtime.shutdown_background();
    finish(&report, args.command.as_ref(), args.global.output, &terminal)
}

/// Help and version are results; all else is a mistake on the command line.
fn not_understood(error: &clap::Error, words: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        // Where stdout is gone, nobody wanted the help.
        return match error.print() {
            Err(failed) if failed.kind() != ErrorKind::BrokenPipe => {
                terminal::write_error(&format!("error: could not write to stdout: {failed}\n"));
                ExitCode::from(Failed.number())
            }
            _ => ExitCode::SUCCESS,
        };
    }
    if wants_json(words) {
        let report = mistakes::misunderstood(error, words, &Args::command());
        return finish(&report, None, Output::Json, &Terminal::plain());
    }
    terminal::write_error(&error.render().to_string());
    ExitCode::from(Usage.number())
}

fn wants_json(words: &[OsString]) -> bool {
    mistakes::wants_json(words, std::env::var("PUBLISH_OUTPUT").ok().as_deref())
}

/// Writes the end of a run of `command`: the report for programs, the failure for people.
fn finish(report: &Report, command: Option<&Command>, output: Output, terminal: &Terminal) -> ExitCode {
    let written = std::panic::catch_unwind(AssertUnwindSafe(|| match (output, &report.error) {
        (Output::Json, _) => json::report(report),
        (Output::Human, Some(error)) => terminal.write(&failure::render(error, &report.environment, terminal.errors())),
        (Output::Human, None) => {}
    }));
    // The code still says what the run came to.
    if let Err(payload) = written {
        let problem = Problem::of_panic(&*payload);
        terminal::write_error(&format!("error: {}\nhint: {}\n", printable(&problem.message), problem.hint));
    }
    ended(report.exit_code, report.error.is_none() && command.is_some_and(Command::only_shows))
}

/// The process's exit code. What was `only_shown` has failed where it could not be written; of all else the code says what
/// became of the site.
fn ended(exit_code: u8, only_shown: bool) -> ExitCode {
    let is_lost = only_shown && terminal::is_lost();
    ExitCode::from(if is_lost { Failed.number() } else { exit_code })
}
