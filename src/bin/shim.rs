//! `publish`, the second name of `sitepublish`: starts the program beside it, by this name and with the same arguments. It
//! does nothing else, so that an installation by cargo contains the program only once.
#![expect(clippy::print_stderr, reason = "why the program did not start is told there")]

use std::ffi::OsString;
use std::io::Result;
use std::path::Path;
use std::process::ExitCode;

const PROGRAM: &str = if cfg!(windows) { "sitepublish.exe" } else { "sitepublish" };

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let ended = std::env::current_exe().and_then(|shim| run(&shim.with_file_name(PROGRAM), &words));
    ended.unwrap_or_else(|error| {
        eprintln!("error: could not start {PROGRAM}, which belongs beside this program: {error}");
        eprintln!("hint: Install both again from the same package; with cargo: `cargo install --force sitepublish`.");
        ExitCode::FAILURE
    })
}

/// Puts `program` in the place of this process: terminal, signals and exit code are its own.
#[cfg(unix)]
fn run(program: &Path, words: &[OsString]) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    let mut command = std::process::Command::new(program);
    command.args(words.iter().skip(1));
    if let Some(name) = words.first() {
        command.arg0(name);
    }
    Err(command.exec())
}

/// Waits for `program`. Ctrl-C reaches both processes, and the program handles it.
#[cfg(not(unix))]
fn run(program: &Path, words: &[OsString]) -> Result<ExitCode> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut program = tokio::process::Command::new(program).args(words.iter().skip(1)).spawn()?;
        loop {
            tokio::select! {
                ended = program.wait() => {
                    let code = ended?.code().and_then(|code| u8::try_from(code).ok());
                    return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
                }
                _ = tokio::signal::ctrl_c() => {}
            }
        }
    })
}
