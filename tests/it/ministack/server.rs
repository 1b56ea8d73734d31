//! Installs ministack and runs one for this process: an implementation of S3 and CloudFront that we did not write.

use std::fs::{self, File};
use std::io::{PipeReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// Every package with its exact version. Also the marker that says what is installed.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// How long a start may take on a machine that is busy compiling; an idle one needs half a second.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Pause between two looks at a server that is starting.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The ministack of this process. It ends with the process, however that ends: it watches its standard input.
pub struct Server {
    /// Its endpoint for all services.
    pub endpoint: String,
    output: Arc<Mutex<Vec<u8>>>,
    _alive: ChildStdin,
}

impl Server {
    /// The server, installed and started by the first test that needs it. If that fails, every test says why.
    pub fn get() -> &'static Server {
        static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
        let server = SERVER.get_or_init(|| {
            // Held until the server answers: no other process installs meanwhile, or takes the port that was found.
            let lock = File::create(target().join("ministack.lock")).unwrap();
            lock.lock().unwrap();
            install().and_then(|()| start())
        });
        server.as_ref().unwrap_or_else(|message| panic!("{message}"))
    }

    /// What it wrote to standard output and standard error so far.
    pub fn output(&self) -> String {
        text(&self.output)
    }
}

/// Python with ministack and boto3. They are there once [`Server::get`] has returned.
pub fn python() -> PathBuf {
    environment().join("bin/python")
}

/// A script beside this file.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/ministack").join(name)
}

/// The virtual environment: its own, since beside other packages pip may settle for an older ministack.
fn environment() -> PathBuf {
    target().join("ministack-venv")
}

/// Cargo's target folder, wherever it is.
fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

/// Installs unless exactly this is installed already and runs.
fn install() -> Result<(), String> {
    let marker = environment().join("installed.txt");
    let runs = || Command::new(python()).arg("--version").output().is_ok_and(|output| output.status.success());
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == REQUIREMENTS) && runs() {
        return Ok(());
    }
    if environment().exists() {
        fs::remove_dir_all(environment()).unwrap();
    }
    let new_enough = "import sys; sys.exit(sys.version_info < (3, 11) and f'this is Python {sys.version}')";
    let hint = "The tests need Python 3.11 or later as `python3`.";
    succeed(Command::new("python3").args(["-c", new_enough]), hint)?;
    let hint = "The tests need Python's `venv` module; Debian and Ubuntu have it in the package python3-venv.";
    succeed(Command::new("python3").args(["-m", "venv"]).arg(environment()), hint)?;
    let hint = "The tests need packages from PyPI; pip's own settings (PIP_INDEX_URL, HTTPS_PROXY) work here too.";
    let pip = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--requirement"];
    succeed(Command::new(python()).args(pip).arg(script("requirements.txt")), hint)?;
    fs::write(marker, REQUIREMENTS).unwrap();
    Ok(())
}

fn succeed(command: &mut Command, hint: &str) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{hint}\n{command:?} could not be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{hint}\n{command:?} failed ({}):\n{}", output.status, String::from_utf8_lossy(&said)))
}

fn start() -> Result<Server, String> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = Command::new(python());
    command
        .arg(script("serve.py"))
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "PATH"))
        .env("BIND_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("LOG_LEVEL", "WARNING")
        .env("TMPDIR", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::piped())
        .stdout(writer.try_clone().unwrap())
        .stderr(writer);
    let mut child = command.spawn().map_err(|error| format!("{command:?} could not be started: {error}"))?;
    // The command has the pipe's other end too: without this, the reader would wait for us.
    drop(command);
    let output = collected(reader);
    let alive = child.stdin.take().unwrap();
    wait_for(&mut child, port, &output)?;
    Ok(Server { endpoint: format!("http://127.0.0.1:{port}"), output, _alive: alive })
}

/// Everything that comes out of `pipe`, from now on until it is closed.
fn collected(mut pipe: PipeReader) -> Arc<Mutex<Vec<u8>>> {
    let output = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&output);
    std::thread::spawn(move || {
        let mut buffer = [0; 4_096];
        while let Ok(length @ 1..) = pipe.read(&mut buffer) {
            kept.lock().unwrap().extend_from_slice(&buffer[..length]);
        }
    });
    output
}

fn wait_for(child: &mut Child, port: u16, output: &Mutex<Vec<u8>>) -> Result<(), String> {
    let began = Instant::now();
    while !is_healthy(port) {
        if let Some(status) = child.try_wait().unwrap() {
            return Err(format!("ministack ended before it served ({status}). It said:\n{}", text(output)));
        }
        let waited = began.elapsed();
        if waited > START_TIMEOUT {
            return Err(format!("ministack does not answer after {waited:?}. It said:\n{}", text(output)));
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}

fn is_healthy(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut connection = TcpStream::connect(("127.0.0.1", port))?;
        connection.set_read_timeout(Some(Duration::from_secs(5)))?;
        connection.write_all(b"GET /_ministack/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = [0; 12];
        connection.read_exact(&mut answer)?;
        Ok(answer.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

fn text(output: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&output.lock().unwrap()).into_owned()
}
