//! What a person sees while a run lasts: progress and warnings on stderr, results on stdout.

mod bars;
pub(crate) mod here;
pub(crate) mod layout;
pub(crate) mod lines;
pub(crate) mod style;

use std::io::{ErrorKind, IsTerminal, Write, stderr, stdin, stdout};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use console::Term;
use publish::report::event::Event;
use publish::types::text::printable;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::args::{Color, GlobalArgs, Output};
use bars::Bars;
use here::Here;
use layout::filled;
use lines::Reminder;
use style::{Style, for_terminal};

/// How long a run may last before anything is drawn: a quarter of a second from its start, with what comes before.
pub(crate) const FIRST_DRAWING: Duration = Duration::from_millis(150);

/// How often a run without a terminal reports its progress: after 30 s of silence, people and pipelines take it for dead.
pub(crate) const REMINDER: Duration = Duration::from_secs(12);

/// The terminal, or what replaces it.
pub(crate) struct Terminal {
    progress: Progress,
    is_asked: bool,
    is_for_people: bool,
    errors: Style,
    results: Style,
    here: OnceLock<Here>,
}

enum Progress {
    Bars(Bars),
    Lines(Reminder),
    None,
}

impl Terminal {
    /// As the flags and the environment (`lookup`) say.
    pub(crate) fn new(global: &GlobalArgs, lookup: &dyn Fn(&str) -> Option<String>) -> Terminal {
        let is_dumb = lookup("TERM").is_some_and(|terminal| terminal == "dumb");
        let no_color = is_dumb || lookup("NO_COLOR").is_some_and(|value| !value.is_empty());
        let style = |columns: Option<usize>, is_terminal| {
            Style::choose(global.color, is_terminal, no_color).in_columns(columns)
        };
        let progress = match global.output {
            Output::Json => Progress::None,
            Output::Human if global.quiet => Progress::None,
            Output::Human if stderr().is_terminal() && !is_dumb => Progress::Bars(Bars::hidden()),
            Output::Human => Progress::Lines(Reminder::default()),
        };
        Terminal {
            progress,
            is_for_people: global.output == Output::Human,
            is_asked: global.output == Output::Human && stdin().is_terminal() && stderr().is_terminal(),
            errors: style(columns(&Term::stderr()), stderr().is_terminal()),
            results: style(columns(&Term::stdout()), stdout().is_terminal()),
            here: OnceLock::new(),
        }
    }

    /// For a command line that could not be understood.
    pub(crate) fn plain() -> Terminal {
        let style = Style::choose(Color::Never, false, true);
        let here = OnceLock::new();
        Terminal { progress: Progress::None, is_asked: false, is_for_people: true, errors: style, results: style, here }
    }

    /// From now on, commands that are named get what they need here.
    pub(crate) fn name_commands_for(&self, here: Here) {
        // The target is decided once a run.
        let _ = self.here.set(here);
    }

    fn here(&self) -> Here {
        self.here.get().copied().unwrap_or_default()
    }

    /// How stderr is written to.
    pub(crate) fn errors(&self) -> Style {
        self.errors.with_commands_for(self.here())
    }

    /// How stdout is written to.
    pub(crate) fn results(&self) -> Style {
        self.results.with_commands_for(self.here())
    }

    /// Whether people read the results, and not programs.
    pub(crate) fn is_for_people(&self) -> bool {
        self.is_for_people
    }

    /// Whether a person can be asked.
    pub(crate) fn can_ask(&self) -> bool {
        self.is_asked
    }

    /// Begins to draw.
    pub(crate) fn reveal(&self) {
        if let Progress::Bars(bars) = &self.progress {
            bars.reveal();
        }
    }

    /// Reports progress, if no terminal shows it and nothing else was written for a while.
    pub(crate) fn remind(&self) {
        if let Progress::Lines(reminder) = &self.progress
            && let Some(line) = reminder.remind()
        {
            self.write(&format!("{line}\n"));
        }
    }

    /// Stops drawing.
    pub(crate) fn clear(&self) {
        if let Progress::Bars(bars) = &self.progress {
            bars.clear();
        }
    }

    /// Shows what happened.
    pub(crate) fn show(&self, event: &Event) {
        if let Event::Warning { message } = event {
            let beginning = format!("{} ", self.errors().yellow("warning:"));
            self.write(&filled(&beginning, &printable(message), self.errors()));
            return;
        }
        match &self.progress {
            Progress::Bars(bars) => bars.show(event),
            Progress::Lines(reminder) => {
                if let Some(line) = reminder.hear(event) {
                    self.write(&format!("{line}\n"));
                }
            }
            Progress::None => {}
        }
    }

    /// Writes a result for people to stdout; programs read the report.
    pub(crate) fn result(&self, text: &str) {
        if self.is_for_people {
            write_result(text);
        }
    }

    /// Writes a sentence to stdout as a result for people.
    pub(crate) fn tell(&self, sentence: &str) {
        self.result(&filled("", sentence, self.results()));
    }

    /// Says what a run is about to do, unless told to be quiet.
    pub(crate) fn say_plan(&self, event: &Event) {
        if let (Some(plan), false) = (lines::plan(event, self.errors()), matches!(self.progress, Progress::None)) {
            self.write(&plan);
        }
    }

    /// Says something about the run that is no event of it, unless told to be quiet.
    pub(crate) fn say(&self, line: &str) {
        if !matches!(self.progress, Progress::None) {
            self.write(&filled("", &printable(line), self.errors()));
        }
    }

    /// Writes to stderr, above the bar.
    pub(crate) fn write(&self, text: &str) {
        self.suspend(|| write_error(text));
    }

    /// Asks, and reads one line: whether it begins with `y`; `None` if `interrupted` comes first. Blocks.
    pub(crate) fn ask(&self, question: &str, interrupted: impl Future<Output = ()>) -> Option<bool> {
        let (answered, answer) = oneshot::channel();
        let first = async {
            tokio::select! {
                biased;
                () = interrupted => None,
                yes = answer => Some(yes.unwrap_or(false)),
            }
        };
        self.suspend(|| {
            // If stderr is closed, the question can still be answered.
            let _ = write!(stderr(), "{}", layout::question(question, self.errors()));
            // Reading cannot be interrupted: after a signal this thread keeps waiting until the process ends.
            std::thread::spawn(move || {
                let mut line = String::new();
                let yes = stdin().read_line(&mut line).is_ok() && line.trim().to_lowercase().starts_with('y');
                answered.send(yes)
            });
            let yes = tokio::task::block_in_place(|| Handle::current().block_on(first));
            if yes.is_none() {
                write_error("\n");
            }
            yes
        })
    }

    fn suspend<R>(&self, write: impl FnOnce() -> R) -> R {
        match &self.progress {
            Progress::Bars(bars) => bars.suspend(write),
            Progress::Lines(_) | Progress::None => write(),
        }
    }
}

/// The number of columns of the terminal `stream`; `None` if it is not a terminal, or does not say.
fn columns(stream: &Term) -> Option<usize> {
    let (_, columns) = stream.size_checked().filter(|_| stream.is_term())?;
    (columns > 0).then_some(usize::from(columns))
}

/// Writes to stderr; our colours are the only control sequences in it.
pub(crate) fn write_error(text: &str) {
    // If stderr is closed, there is no place left to say so.
    let _ = stderr().write_all(for_terminal(text).as_bytes());
}

/// Writes commands to a pipeline's runner to stderr: nothing in them is escaped, but what others wrote was.
pub(crate) fn write_commands(lines: &str) {
    // Where stderr is gone, no runner reads it.
    let _ = stderr().write_all(lines.as_bytes());
}

/// Whether part of a result could not be written.
static IS_LOST: AtomicBool = AtomicBool::new(false);

/// Writes a result to stdout. A closed pipe is no error; any other failure is reported at once, and by [`is_lost`].
pub(crate) fn write_result(text: &str) {
    let mut stdout = stdout().lock();
    let written = stdout.write_all(for_terminal(text).as_bytes()).and_then(|()| stdout.flush());
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
        && !IS_LOST.swap(true, Ordering::Relaxed)
    {
        write_error(&format!("error: could not write the result to stdout: {error}\n"));
    }
}

/// Whether part of a result could not be written, although it may have been wanted.
pub(crate) fn is_lost() -> bool {
    IS_LOST.load(Ordering::Relaxed)
}
