//! The command line of `publish`: everything that a person sees. It uses only the library's public names.
#![expect(clippy::disallowed_methods, reason = "the binary reads the environment, and hands on what it found")]

mod args;
mod called;
mod ci;
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

use futures_util::FutureExt;
use publish::report::error::ExitCode::{Done, Failed, Usage};
use publish::report::error::{Code, Problem};
use publish::report::event::Event;
use publish::report::{Outcome, Report};
use publish::run::{Reached, refused};
use publish::types::clock::Clock;
use publish::types::text::printable;

use args::{Args, Command, Output, PipelineArgs, definition};
use ci::{Pipeline, Said};
use commands::Session;
use interrupt::Signals;
use json::EventLines;
use terminal::Terminal;
use terminal::here::Here;

fn main() -> ExitCode {
    let clock = Clock::start();
    if std::env::var_os("RUST_BACKTRACE").is_none_or(|value| value == "0") {
        // The report says it, in words for people.
        std::panic::set_hook(Box::new(|_| {}));
    }
    let words: Vec<OsString> = std::env::args_os().collect();
    called::by(&words);
    let reached = Reached::default();
    ExitCode::from(guarded(&words, &reached, || run(&words, clock, &reached)))
}

/// The exit code of `run`. After a panic, that of a failure at the point that `reached` names, with a report of it.
fn guarded(words: &[OsString], reached: &Reached, run: impl FnOnce() -> u8) -> u8 {
    std::panic::catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|payload| finish_early(reached.panicked(&*payload), words))
}

/// From the words of the command line to the exit code.
fn run(words: &[OsString], clock: Clock, reached: &Reached) -> u8 {
    let empty: Vec<OsString> = variables::empty(std::env::vars_os());
    if !empty.is_empty() {
        let report = refused("publish", "", variables::without(&empty, words));
        return finish_early(report, words);
    }
    let args = match Args::read(words) {
        Ok(args) => args,
        Err(error) => return not_understood(&error, words),
    };
    match manual::about_itself(args.command.as_ref()) {
        Some(Ok(text)) => {
            terminal::write_result(&text);
            return ended(0, true);
        }
        Some(Err(error)) => return not_understood(&error, words),
        None => {}
    }
    let command = Command::name(args.command.as_ref());
    reached.begins(command);
    let terminal = Terminal::new(&args.global, &variable);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let problem = Problem::new(Code::Internal, "could not start any threads").source(error);
            let report = refused(command, "", problem);
            return finish(report, args.command.as_ref(), args.global.output, &args.global.pipeline, &terminal);
        }
    };
    let report = std::panic::catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let signals = Signals::listen();
            let stopped = signals.clone();
            let session = Session {
                command: args.command.as_ref(),
                global: &args.global,
                terminal: &terminal,
                signals,
                lookup: &variable,
                clock,
                lines: EventLines::new(clock, args.global.quiet),
                config_file: OnceLock::new(),
                reached,
            };
            let report = session.run(&args.site).await;
            tell_github(report, &args, &terminal, stopped).await
        })
    }));
    // Hashing that was told to stop is not waited for, nor is it after a panic.
    runtime.shutdown_background();
    let report = report.unwrap_or_else(|payload| std::panic::resume_unwind(payload));
    finish(report, args.command.as_ref(), args.global.output, &args.global.pipeline, &terminal)
}

/// The value of an environment variable.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Help and version are results; all else is a mistake on the command line.
fn not_understood(error: &clap::Error, words: &[OsString]) -> u8 {
    if !error.use_stderr() {
        // If stdout is closed, the help is not needed.
        return match error.print() {
            Err(failed) if failed.kind() != ErrorKind::BrokenPipe => {
                terminal::write_error(&format!("error: could not write to stdout: {failed}\n"));
                Failed.number()
            }
            _ => Done.number(),
        };
    }
    let mut report = mistakes::misunderstood(error, words, &definition());
    if output_of(words) == Output::Json {
        return finish_early(report, words);
    }
    tell(&mut report, None, Output::Human, &settings_of(words), &Terminal::plain());
    terminal::write_error(&Here::default().in_text(&error.render().to_string()));
    Usage.number()
}

/// For whom the command line wants the output, as far as it can be understood.
fn output_of(words: &[OsString]) -> Output {
    match mistakes::wants_json(words, std::env::var("PUBLISH_OUTPUT").ok().as_deref()) {
        true => Output::Json,
        false => Output::Human,
    }
}

/// What the command line wants a pipeline to know, as far as it can be understood.
fn settings_of(words: &[OsString]) -> PipelineArgs {
    let variable = variable("PUBLISH_NO_CI_OUTPUT");
    PipelineArgs { no_ci_output: mistakes::wants_no_ci_output(words, variable.as_deref()), ..PipelineArgs::default() }
}

/// Puts onto GitHub what a run came to, where that was asked for; not after a signal.
async fn tell_github(mut report: Report, args: &Args, terminal: &Terminal, signals: Signals) -> Report {
    let pipeline = Pipeline::new(&args.global.pipeline, &variable, terminal.results().here());
    let telling = pipeline.tell_github(&report, args.command.as_ref(), signals.arrived(1));
    // What the run came to stands, whatever becomes of this.
    let told = AssertUnwindSafe(telling).catch_unwind().await.unwrap_or_else(|payload| {
        vec![Said::Warning(format!("Not everything was written to GitHub: {}.", Problem::of_panic(&*payload).message))]
    });
    for said in told {
        match said {
            Said::Note(note) => terminal.say(&note),
            Said::Warning(message) => warn(&mut report, message, args.global.output, terminal),
        }
    }
    report
}

/// Warns, after the run.
fn warn(report: &mut Report, message: String, output: Output, terminal: &Terminal) {
    if output == Output::Human {
        terminal.show(&Event::Warning { message: message.clone() });
    }
    report.warnings.push(message);
}

/// Tells the pipeline, if there is one, what a run of `command` came to. What cannot be told is one more warning.
fn tell(report: &mut Report, command: Option<&Command>, output: Output, settings: &PipelineArgs, terminal: &Terminal) {
    let deserves_a_page = command.is_none_or(|command| !command.only_shows() || matches!(command, Command::Plan(_)));
    let pipeline = Pipeline::new(settings, &variable, terminal.results().here());
    for message in pipeline.tell(report, deserves_a_page) {
        warn(report, message, output, terminal);
    }
}

/// Writes the end of a run that ended before its command line was understood, or by a panic.
fn finish_early(report: Report, words: &[OsString]) -> u8 {
    finish(report, None, output_of(words), &settings_of(words), &Terminal::plain())
}

/// Writes the end of a run of `command`: what its pipeline shows, the report for programs, the failure for people.
fn finish(
    mut report: Report,
    command: Option<&Command>,
    output: Output,
    settings: &PipelineArgs,
    terminal: &Terminal,
) -> u8 {
    let changes_nothing = command.is_some_and(Command::only_shows);
    let told = std::panic::catch_unwind(AssertUnwindSafe(|| tell(&mut report, command, output, settings, terminal)));
    let written = std::panic::catch_unwind(AssertUnwindSafe(|| match (output, &report.error) {
        (Output::Json, _) => json::report(&report),
        (Output::Human, Some(error)) => terminal.write(&failure::render(error, !changes_nothing, terminal.errors())),
        (Output::Human, None) => {}
    }));
    // The exit code still says how the run ended.
    for payload in [told, written].into_iter().filter_map(Result::err) {
        let problem = Problem::of_panic(&*payload);
        terminal::write_error(&format!("error: {}\nhint: {}\n", printable(&problem.message), problem.hint));
    }
    let only_shows = changes_nothing || report.outcome == Outcome::Unchanged;
    ended(report.exit_code, report.error.is_none() && only_shows)
}

/// The process's exit code. A command that `only_shown` something has failed if its result could not be
/// written; otherwise the code says what happened to the site.
fn ended(exit_code: u8, only_shown: bool) -> u8 {
    let is_lost = only_shown && terminal::is_lost();
    if is_lost { Failed.number() } else { exit_code }
}

#[cfg(test)]
mod tests {
    use publish::release::manifest::ReleaseNumber;

    use super::*;

    #[test]
    fn after_a_panic_the_code_says_how_far_the_run_was() {
        let release = ReleaseNumber::new(8);
        let switching = Event::ActivationStarted { release, objects: 1 };
        for (events, code) in
            [(vec![], 1), (vec![switching.clone()], 5), (vec![switching, Event::Activated { release }], 3)]
        {
            let reached = Reached::default();
            let run = || {
                reached.begins("publish");
                events.iter().for_each(|event| reached.hear(event));
                panic!("out of luck")
            };
            assert_eq!(guarded(&[], &reached, run), code, "{events:?}");
        }
        assert_eq!(guarded(&[], &Reached::default(), || 7), 7);
    }
}
