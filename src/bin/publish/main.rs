//! The command line of `publish`: everything that meets a person. It uses only the library's public names.
#![expect(clippy::disallowed_methods, reason = "the binary reads the environment, and hands on what it found")]

mod args;
mod commands;
mod failure;
mod interrupt;
mod json;
mod publisher;
mod random;
#[cfg(feature = "sandbox")]
mod sandbox;
mod summary;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::CommandFactory;
use publish::report::Report;
use publish::report::error::{Code, Problem, VisitorsSee};
use publish::types::clock::Clock;

use args::{Args, Command, Output};
use commands::Session;
use interrupt::Signals;
use terminal::Terminal;

fn main() -> ExitCode {
    let clock = Clock::start();
    let words: Vec<OsString> = std::env::args_os().collect();
    let args = match Args::read(&words) {
        Ok(args) => args,
        Err(error) => return not_understood(&error, &words),
    };
    if let Some(Command::Completions { shell }) = &args.command {
        let mut script = Vec::new();
        clap_complete::generate(*shell, &mut Args::command(), "publish", &mut script);
        terminal::write_result(&String::from_utf8_lossy(&script));
        return ExitCode::SUCCESS;
    }
    let lookup = |name: &str| std::env::var(name).ok();
    let terminal = Terminal::new(&args.global, &lookup);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let problem = Problem::new(Code::Internal, "no threads could be started").source(error);
            let command = Command::name(args.command.as_ref());
            let report = Report::new(command, "").failed(&problem.while_visitors_see(VisitorsSee::Untouched));
            return finish(&report, args.global.output, &terminal);
        }
    };
    let report = runtime.block_on(async {
        let session =
            Session { global: &args.global, terminal: &terminal, signals: Signals::listen(), lookup: &lookup, clock };
        session.run(args.command.as_ref(), &args.site).await
    });
    // Hashing that was told to stop need not be waited for.
    runtime.shutdown_background();
    finish(&report, args.global.output, &terminal)
}

/// Help and version are results; all else is a mistake on the command line.
fn not_understood(error: &clap::Error, words: &[OsString]) -> ExitCode {
    if !error.use_stderr() {
        // Where stdout is gone, nobody wanted the help.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if args::wants_json(words) {
        return finish(&commands::misunderstood(&error.to_string()), Output::Json, &Terminal::plain());
    }
    // Where stderr is gone, the exit code says it.
    let _ = error.print();
    ExitCode::from(publish::report::error::ExitCode::Usage.number())
}

/// Writes the end of a run: the report for programs, the failure for people.
fn finish(report: &Report, output: Output, terminal: &Terminal) -> ExitCode {
    match (output, &report.error) {
        (Output::Json, _) => json::report(report),
        (Output::Human, Some(error)) => terminal.write(&failure::render(error, terminal.errors())),
        (Output::Human, None) => {}
    }
    ExitCode::from(report.exit_code)
}
