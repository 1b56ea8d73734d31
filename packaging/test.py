#!/usr/bin/env python3
"""Makes the packages and installs each into an empty prefix, as people do.

    packaging/test.py quick PROGRAM     PROGRAM may be any build: seconds, and no network
    packaging/test.py whole PROGRAM     PROGRAM as it is handed out, for Linux x64 with glibc: every channel, with a registry on this machine

`quick` is a step of .ci/run. `whole` needs node with npm and dpkg-deb, and installs Verdaccio and pnpm into target/packaging/. What cannot
run here is said to be skipped.
"""
import argparse
import base64
import contextlib
import csv
import functools
import hashlib
import http.server
import io
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.request
import zipfile
from pathlib import Path

import build
from build import HERE, NAME, ROOT, SECOND, VERSION

TARGET = "x86_64-unknown-linux-gnu"
FIXTURE = ROOT / "fixtures/vite-app/builds/v1"
TOOLS = ROOT / "target/packaging"

# As its first command would: no script of another package runs on installation here.
PNPM = ["node", TOOLS / "node_modules/pnpm/bin/pnpm.mjs"]

# How long anything may take, in seconds.
PATIENCE = 120


def environment(home: Path, *folders: Path, **more: str) -> dict[str, str]:
    """Of a user with an empty home; programs are found in `folders` first. In a pipeline no sandbox goes on running, and none lies in a project."""
    path = os.pathsep.join([*map(str, folders), os.environ["PATH"]])
    kept = {"HOME": str(home), "XDG_STATE_HOME": f"{home}-state", "CI": "true", "PUBLISH_ENV": "sandbox", "PATH": path}
    return kept | more


def run(*command: object, code: int = 0, **options: object) -> str:
    """What a command writes to stdout and stderr; it must end with `code`."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL, "timeout": PATIENCE} | options
    ended = subprocess.run([str(word) for word in command], text=True, **options)
    assert ended.returncode == code, f"{command} ended with {ended.returncode}, not {code}:\n{ended.stdout}"
    return ended.stdout


def publishes(command: list[object], work: Path, env: dict[str, str], folder: Path = FIXTURE) -> None:
    """The installed program publishes the fixture to the sandbox."""
    written = run(*command, folder, "--output", "json", cwd=work, env=env, stderr=None)
    report = json.loads(written.splitlines()[-1])
    assert report["outcome"] == "published" and report["files"]["added"] > 5, report
    again = json.loads(run(*command, folder, "--output", "json", cwd=work, env=env, stderr=None).splitlines()[-1])
    assert again["outcome"] == "unchanged", again


@contextlib.contextmanager
def served(folder: Path):
    """The address of a server of the files in `folder`."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


# Each test gets an empty folder, and the one with the packages.


def archive_has_all_that_is_installed(work: Path, out: Path) -> None:
    with tarfile.open(out / build.archive_name(TARGET)) as packed:
        packed.extractall(work, filter="data")
    [folder] = work.iterdir()
    assert folder.name == f"{NAME}-{VERSION}-{TARGET}"
    assert (folder / SECOND).readlink() == Path(NAME), "it holds the program once"
    for copied in ("README.md", *build.LICENSES):
        assert (folder / copied).read_bytes() == (ROOT / copied).read_bytes(), copied
    assert ".TH publish 1" in (folder / "man/publish.1").read_text()
    assert (folder / "man/sitepublish.1").read_text() == ".so man1/publish.1\n"
    completions = [file.format(name) for file in build.COMPLETIONS.values() for name in (NAME, SECOND)]
    for command in ("rollback", "forget-distribution", "verify"):
        page = (folder / f"man/publish-{command}.1").read_text()
        assert f".TH publish-{command} 1" in page, command
        for file in completions:
            assert command in (folder / "completions" / file).read_text(), f"{file}: {command}"
    assert len(list((folder / "man").iterdir())) > 12 and len(list((folder / "completions").iterdir())) == len(completions)
    assert "complete -F _sitepublish" in (folder / "completions/sitepublish.bash").read_text()
    assert all(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def installer_installs_the_archive(work: Path, out: Path) -> None:
    with served(out) as address:
        home = work / "home of ann"
        home.mkdir()
        env = environment(home, SITEPUBLISH_FROM=address)
        told = run("sh", out / "install.sh", env=env)
        assert f"sitepublish {VERSION} is in {home}/.local/bin" in told and "add it to PATH" in told, told
        prefix = home / ".local"
        for name in (NAME, SECOND):
            assert VERSION in run(prefix / "bin" / name, "--version", env=env)
            assert (prefix / "share/bash-completion/completions" / name).is_file()
        assert (prefix / "share/man/man1/publish-rollback.1").is_file()
        run("sh", out / "install.sh", env=env)
        assert not [path for path in (prefix / "bin").iterdir() if path.name not in (NAME, SECOND)]
        publishes([prefix / "bin" / NAME], home, env)

        # Somebody else's program of the second name stays.
        other = work / "other"
        (other / "bin").mkdir(parents=True)
        (other / "bin/publish").write_text("theirs")
        assert "stays" in run("sh", out / "install.sh", other, env=env)
        assert (other / "bin/publish").read_text() == "theirs" and (other / "bin" / NAME).is_file()


def installer_refuses_another_archive(work: Path, out: Path) -> None:
    wrong = work / "wrong"
    wrong.mkdir()
    name = build.archive_name(TARGET)
    (wrong / name).write_bytes((out / name).read_bytes() + b"\0")
    with served(wrong) as address:
        told = run("sh", out / "install.sh", work / "prefix", code=1, env=environment(work, SITEPUBLISH_FROM=address))
        assert "is not what was released" in told and "nothing was installed" in told, told
        (wrong / name).unlink()
        told = run("sh", out / "install.sh", work / "prefix", code=1, env=environment(work, SITEPUBLISH_FROM=address))
        assert f"could not fetch {address}/{name}" in told, told
    assert not (work / "prefix").exists()


def wheel_is_what_it_says(work: Path, out: Path) -> None:
    [path] = out.glob("*.whl")
    assert path.name == f"{NAME}-{VERSION}-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    with zipfile.ZipFile(path) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
        modes = {entry.filename: entry.external_attr >> 16 for entry in packed.infolist()}
    record = files[f"{NAME}-{VERSION}.dist-info/RECORD"].decode()
    rows = {name: (digest, size) for name, digest, size in csv.reader(io.StringIO(record))}
    assert set(rows) == set(files)
    for name, (digest, size) in rows.items():
        if not name.endswith("/RECORD"):
            found = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=").decode()
            assert (digest, int(size)) == (f"sha256={found}", len(files[name])), name
    assert modes[f"{NAME}-{VERSION}.data/scripts/{NAME}"] & 0o111 == 0o111


def pip_installs_the_wheel(work: Path, out: Path) -> None:
    [path] = out.glob("*.whl")
    run(sys.executable, "-m", "venv", work / "venv")
    run(work / "venv/bin/pip", "install", "--no-index", "--no-deps", "--disable-pip-version-check", path)
    env = environment(work, work / "venv/bin")
    assert sorted(path.name for path in (work / "venv/bin").glob("*publish*")) == [NAME]
    assert f"Did you mean `{NAME} rollback`?" in run(NAME, "rolback", code=2, cwd=work, env=env)
    publishes([NAME], work, env)
    run(work / "venv/bin/pip", "uninstall", "--yes", NAME)
    assert not (work / "venv/bin" / NAME).exists()


def debian_package_installs(work: Path, out: Path) -> None:
    [path] = out.glob("*.deb")
    run("dpkg-deb", "--extract", path, work / "root")
    fields = run("dpkg-deb", "--field", path)
    assert f"Version: {VERSION}\n" in fields and "Architecture: amd64\n" in fields and "libc6 (>= 2.17)" in fields, fields
    owners = {line.split()[1] for line in run("dpkg-deb", "--contents", path).splitlines()}
    assert owners == {"root/root"}, owners
    assert (work / "root/usr/bin" / SECOND).readlink() == Path(NAME)
    assert (work / "root/usr/share/man/man1/publish-rollback.1.gz").is_file()
    publishes([SECOND], work, environment(work, work / "root/usr/bin"))


def a_program_that_needs_too_much_is_refused(_work: Path, _out: Path) -> None:
    # Programs of this machine need this machine's glibc, and one of its libraries.
    for program, expected in (("true", "but its packages promise 2.17"), ("bash", "which not every Linux has")):
        told = run(sys.executable, "-c", f"import build; build.check_glibc(build.Path({shutil.which(program)!r}))", code=1, cwd=HERE)
        assert expected in told, told


def readme_names_the_repository(_work: Path, _out: Path) -> None:
    addresses = re.findall(r"https://github\.com/\S+?(?=/releases/|\s)", (ROOT / "README.md").read_text())
    assert len(addresses) >= 2 and set(addresses) == {build.REPOSITORY}, f"Cargo.toml has {build.REPOSITORY}: {addresses}"
    documents = "".join((ROOT / name).read_text() for name in ("README.md", "docs/ci.md"))
    actions = set(re.findall(r"uses: (\S+)@0{40}", documents))
    assert actions == {build.REPOSITORY.removeprefix("https://github.com/")}, actions


FAKE = r"""#!/bin/bash
case $1 in
    exit) exit "$2" ;;
    echo) shift; printf '[%s]' "$@"; cat; exit 0 ;;
    die) kill -KILL $$ ;;
    signals)
        count=0
        trap 'count=$((count + 1))' INT
        trap 'echo "TERM after $count"; exit 5' TERM
        echo ready
        # A second Ctrl-C, if there is one, comes at once.
        for ((turn = 0; turn < 600; turn++)); do
            sleep 0.05
            if [ $count -gt 0 ]; then sleep 0.4; echo "INT $count"; exit 130; fi
        done ;;
esac
"""


def node_modules(work: Path, out: Path, **programs: str) -> Path:
    """What npm makes of the packages: the launcher, and for each of `programs` a platform package with that program."""
    modules = work / "node_modules"
    unpacked = modules / NAME
    with tarfile.open(out / f"{NAME}-{VERSION}.tgz") as packed:
        packed.extractall(work, filter="data")
    modules.mkdir(exist_ok=True)
    (work / "package").rename(unpacked)
    for platform, program in programs.items():
        file = modules / build.SCOPE / platform.replace("_", "-") / NAME
        file.parent.mkdir(parents=True)
        file.write_text(program)
        file.chmod(0o755)
    return unpacked / "launcher.js"


def launcher_hands_over(work: Path, out: Path) -> None:
    launcher = node_modules(work, out, linux_x64=FAKE)
    for code in (0, 2, 4, 130):
        run("node", launcher, "exit", code, code=code)
    assert run("node", launcher, "echo", "a b", "", "--c=*", input="typed", stdin=None) == "[a b][][--c=*]typed"
    run("node", launcher, "die", code=-signal.SIGKILL)

    # From another process, without a terminal: each signal reaches the program once.
    for sent, code, expected in [(signal.SIGINT, 130, "INT 1\n"), (signal.SIGTERM, 5, "TERM after 0\n")]:
        command = ["node", str(launcher), "signals"]
        started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=hear_ctrl_c)
        assert started.stdout.readline() == "ready\n"
        started.send_signal(sent)
        ended = started.stdout.read(), started.wait(PATIENCE)
        assert ended == (expected, code), ended


def hear_ctrl_c() -> None:
    """Where tests run in the background of a shell, Ctrl-C is ignored, and a shell that starts so ignores it for good."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def typed_ctrl_c(command: list[object], until: bytes, work: Path, env: dict[str, str]) -> tuple[int, bytes]:
    """Runs `command` in a terminal of its own, and types Ctrl-C once it wrote `until`: its exit code, and what it wrote."""
    child, terminal = pty.fork()
    if child == 0:
        hear_ctrl_c()
        os.chdir(work)
        os.execvpe(str(command[0]), [str(word) for word in command], env)
    written, typed, end = b"", False, time.monotonic() + PATIENCE
    # At its end a terminal is read as an error.
    with contextlib.suppress(OSError):
        while select.select([terminal], [], [], max(0, end - time.monotonic()))[0] and (part := os.read(terminal, 4096)):
            written += part
            if until in written and not typed:
                os.write(terminal, b"\x03")
                typed = True
    if time.monotonic() >= end:
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert typed, written
    return os.waitstatus_to_exitcode(status), written


def launcher_lets_the_terminal_interrupt(work: Path, out: Path) -> None:
    launcher = node_modules(work, out, linux_x64=FAKE)
    code, written = typed_ctrl_c(["node", launcher, "signals"], b"ready", work, dict(os.environ))
    assert code == 130 and b"INT 1" in written, (code, written)


def launcher_says_what_is_missing(work: Path, out: Path) -> None:
    launcher = node_modules(work, out)
    told = run("node", launcher, "plan", code=1)
    assert f"@sitepublish/linux-x64@{VERSION}" in told and "npm install" in told and "--omit=optional" in told, told
    # The program for musl needs no library.
    musl = work / "musl"
    musl.mkdir()
    assert run("node", node_modules(musl, out, linux_x64_musl=FAKE), "echo", "musl") == "[musl]"
    both = work / "both"
    both.mkdir()
    glibc = FAKE.replace("printf", "echo glibc; printf")
    assert "glibc" in run("node", node_modules(both, out, linux_x64=glibc, linux_x64_musl=FAKE), "echo", "x")


def crates_hold_the_program_alone(_work: Path, _out: Path) -> None:
    """What cargo would hand in: no corpus, no fixture, nothing but the program."""
    for package in (NAME, f"{NAME}-content"):
        listed = run("cargo", "package", "--list", "--allow-dirty", "--package", package, cwd=ROOT).splitlines()
        allowed = ("src/", "Cargo.", "README.md", "CHANGELOG.md", "LICENSE-", ".cargo_vcs_info.json")
        assert all(path.startswith(allowed) for path in listed) and "src/lib.rs" in listed, listed


def checksums_are_recorded_once(work: Path, out: Path) -> None:
    recorded, sums = work / "checksums.txt", work / "SHA256SUMS"
    recorded.write_text("# first\n")
    names = [build.archive_name(target) for target in build.TARGETS]
    sums.write_text("".join(f"{number:064x}  {name}\n" for number, name in enumerate([*names, f"{NAME}-{VERSION}.tgz"])))
    script = f"import build; build.HERE = build.Path({str(work)!r}); build.record(build.HERE)"
    run(sys.executable, "-c", script, cwd=HERE)
    assert [line[66:] for line in recorded.read_text().splitlines()[1:]] == names
    assert "already" in run(sys.executable, "-c", script, code=1, cwd=HERE)
    missing = f"import build; build.release(build.Path({str(out)!r}), needs_all=True)"
    assert "aarch64-apple-darwin" in run(sys.executable, "-c", missing, code=1, cwd=HERE)


# The action's steps, as a runner would start them.


def action_at(work: Path, sums: str) -> Path:
    """The action as it is checked out, with these checksums."""
    folder = work / "action"
    for part in ("packaging/action", "packaging/installers"):
        shutil.copytree(ROOT / part, folder / part)
    for file in ("action.yml", "Cargo.toml"):
        shutil.copy(ROOT / file, folder)
    (folder / "packaging/checksums.txt").write_text("# sums\n" + sums)
    return folder


def read_outputs(path: Path) -> dict[str, str]:
    """What a step wrote to GITHUB_OUTPUT: `name=value`, or a value between lines with a delimiter."""
    outputs, lines = {}, iter(path.read_text().splitlines())
    for line in lines:
        name, heredoc, delimiter = line.partition("<<")
        if heredoc:
            outputs[name] = "\n".join(iter(lambda: next(lines), delimiter))
        else:
            name, _, outputs[name] = line.partition("=")
    return outputs


def act(action: Path, work: Path, inputs: dict[str, str], code: int = 0, **more: str) -> tuple[str, dict[str, str]]:
    """Runs the shell steps of action.yml: what they write, and the outputs of the last one. Only as much of YAML is read as it has."""
    text = (action / "action.yml").read_text()
    given = re.findall(r"^  ([a-z]+):\n    description: .*\n(?:    default: (.*)\n)?", text, re.MULTILINE)
    values = {f"inputs.{name}": inputs.get(name, default.strip('"')) for name, default in given} | {"inputs.token": "token"}
    assert set(inputs) <= {name for name, _ in given}
    told, project = "", work / "project"
    project.mkdir(exist_ok=True)
    for step in text.split("    - id: ")[1:]:
        assert "${{" not in re.search(r"run: (.*)", step)[1], "what others wrote is never part of a script"
        variables = {name: values[value] for name, value in re.findall(r"^        ([A-Z_]+): \$\{\{ (.*?) \}\}$", step, re.MULTILINE)}
        output = work / "output"
        output.write_text("")
        env = environment(work / "home", **variables, **more, GITHUB_OUTPUT=str(output), GITHUB_PATH=str(work / "path"),
                          GITHUB_ACTION_PATH=str(action), GITHUB_ACTIONS="true", RUNNER_TOOL_CACHE=str(work / "tools"),
                          RUNNER_TEMP=str(work), RUNNER_OS="Linux", RUNNER_ARCH="X64")
        script = work / "step.sh"
        script.write_text(re.search(r"run: (.*)", step)[1])
        # As a runner starts `shell: bash`.
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        ended = subprocess.run(command, cwd=project, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
        told += ended.stdout
        outputs = read_outputs(output)
        values |= {f"steps.{step.split()[0]}.outputs.{name}": value for name, value in outputs.items()}
        if ended.returncode:
            break
    assert ended.returncode == code, f"ended with {ended.returncode}, not {code}:\n{told}"
    return told, outputs


def action_installs_and_publishes(work: Path, out: Path) -> None:
    sums = "".join(line + "\n" for line in (out / "SHA256SUMS").read_text().splitlines() if line.endswith(build.archive_name(TARGET)))
    older = re.sub(rf"-{VERSION}-", "-0.0.1-", sums)
    action = action_at(work, older + sums)
    shutil.copytree(FIXTURE, work / "project/a $(touch b) c")
    (work / "home").mkdir()
    inputs = {"directory": "a $(touch b) c", "environment": "sandbox"}
    with served(out) as address:
        told, outputs = act(action, work, {**inputs, "command": "plan"}, SITEPUBLISH_FROM=address)
        assert (outputs["exit-code"], outputs["outcome"]) == ("10", "verified"), (told, outputs)
    # From here on it is in the tool cache.
    nowhere = {"SITEPUBLISH_FROM": "http://127.0.0.1:1"}
    told, outputs = act(action, work, {**inputs, "args": " --verbose\n  --no-index ", "version": f"v{VERSION}"}, **nowhere)
    assert (outputs["outcome"], outputs["release"], outputs["exit-code"]) == ("published", "1", "0"), (told, outputs)
    assert "requests" in told and json.loads(outputs["report"])["files"]["added"] > 5, (told, outputs)
    declared = set(re.findall(r"steps\.run\.outputs\.([a-z-]+)", (action / "action.yml").read_text()))
    assert declared == set(outputs), (declared, outputs)
    assert (work / "path").read_text().splitlines()[0] == f"{work}/tools/sitepublish/{VERSION}/x64/bin"
    told, outputs = act(action, work, {**inputs, "directory": "none"}, code=2, **nowhere)
    assert "::error::" in told and outputs["outcome"] == "failed", (told, outputs)
    told, _ = act(action, work, {**inputs, "command": "plan; touch b"}, code=2, **nowhere)
    assert "not the name of a command" in told and not (work / "project/b").exists(), told
    told, _ = act(action, work, {**inputs, "comment": "yes"}, code=2, **nowhere)
    assert "neither true nor false" in told, told
    told, _ = act(action, work, {**inputs, "command": "rollback"}, code=2, **nowhere)
    assert "only for the commands publish and plan" in told, told


def action_installs_only_what_was_released(work: Path, out: Path) -> None:
    name = build.archive_name(TARGET)
    action = action_at(work, f"{0:064x}  {name}\n")
    with served(out) as address:
        told, _ = act(action, work, {}, code=1, SITEPUBLISH_FROM=address)
        assert "is not what was released" in told and not (work / "tools/sitepublish" / VERSION / "x64.complete").exists(), told
        for version, expected in (("9.9.9", "does not know sitepublish 9.9.9"), ("$(touch b)", "not a version"), ("../x", "not a version")):
            told, _ = act(action, work, {"version": version}, code=1, SITEPUBLISH_FROM=address)
            assert expected in told, told
    (action / "packaging/checksums.txt").write_text("# nothing yet\n")
    assert "No version of sitepublish is released yet" in act(action, work, {}, code=1)[0]
    assert not (work / "project/b").exists() and not (work / "path").exists()


QUICK = [
    archive_has_all_that_is_installed,
    installer_installs_the_archive,
    installer_refuses_another_archive,
    wheel_is_what_it_says,
    pip_installs_the_wheel,
    a_program_that_needs_too_much_is_refused,
    action_installs_and_publishes,
    action_installs_only_what_was_released,
    checksums_are_recorded_once,
    readme_names_the_repository,
    crates_hold_the_program_alone,
]
WITH_NODE = [launcher_hands_over, launcher_lets_the_terminal_interrupt, launcher_says_what_is_missing]
WITH_DPKG = [debian_package_installs]


# The whole of it, with a registry.


@contextlib.contextmanager
def registry(work: Path, out: Path):
    """A registry on this machine with all npm packages. Those for other platforms hold a program that says so."""
    address = "http://127.0.0.1:4873"
    packages = [out / build.npm_main()[0]]
    other = work / "other"
    other.write_text("#!/bin/sh\necho another platform; exit 99\n")
    for target, platform in build.TARGETS.items():
        name, data = build.npm_platform(target, other)
        if target != TARGET:
            (work / name).write_bytes(data)
        packages.append(work / name if target != TARGET else out / name)
    configuration = {
        "storage": str(work / "storage"),
        "auth": {"htpasswd": {"file": str(work / "htpasswd")}},
        "uplinks": {},
        "packages": {"**": {"access": "$all", "publish": "$all", "unpublish": "$all"}},
        "max_body_size": "100mb",
        "log": {"type": "stdout", "format": "pretty", "level": "warn"},
    }
    # JSON is YAML.
    (work / "verdaccio.yaml").write_text(json.dumps(configuration))
    command = [TOOLS / "node_modules/.bin/verdaccio", "--config", work / "verdaccio.yaml", "--listen", "127.0.0.1:4873"]
    log = (work / "verdaccio.log").open("w")
    server = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        wait_for(f"{address}/-/ping", server)
        (work / "npmrc").write_text(f"registry={address}/\n//127.0.0.1:4873/:_authToken=nobody\naudit=false\nfund=false\nupdate-notifier=false\n")
        for package in packages:
            run("npm", "publish", package, "--userconfig", work / "npmrc", cwd=work)
        yield work / "npmrc"
    finally:
        server.terminate()
        server.wait(PATIENCE)


def wait_for(address: str, server: subprocess.Popen) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(address, timeout=5).close()
        time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


def project(work: Path, npmrc: Path) -> tuple[Path, dict[str, str]]:
    """An empty project, and an environment with nothing installed."""
    work.mkdir(parents=True)
    (work / "package.json").write_text('{"name": "site", "private": true}')
    more = {"npm_config_userconfig": str(npmrc), "npm_config_cache": str(work / "cache")}
    return work, environment(work, work / "node_modules/.bin", **more)


def platforms(folder: Path) -> set[str]:
    """The platform packages that are installed, for npm and for pnpm."""
    return {path.parent.name for path in folder.glob(f"node_modules/**/{build.SCOPE}/*/package.json")}


def npm_channels(work: Path, npmrc: Path) -> None:
    folder, env = project(work / "npm", npmrc)
    run("npm", "install", "--save-dev", NAME, cwd=folder, env=env)
    assert platforms(folder) == {"linux-x64"}, platforms(folder)
    assert sorted(path.name for path in (folder / "node_modules/.bin").iterdir()) == [NAME]
    publishes(["npx", NAME], folder, env)
    assert f"Did you mean `{NAME} rollback`?" in run("npx", NAME, "rolback", code=2, cwd=folder, env=env)
    print("npm: installed, published", flush=True)

    # npx with nothing installed.
    folder, env = project(work / "npx", npmrc)
    assert VERSION in run("npx", "--yes", NAME, "--version", cwd=folder, env=env)
    print("npx: installed, ran", flush=True)

    folder, env = project(work / "pnpm", npmrc)
    run(*PNPM, "add", "--save-dev", NAME, cwd=folder, env=env)
    assert platforms(folder) == {"linux-x64"}, platforms(folder)
    publishes([*PNPM, "exec", NAME], folder, env)
    print("pnpm: installed, published", flush=True)


def npm_locks(work: Path, npmrc: Path) -> None:
    """A lock file made on a Mac."""
    folder, env = project(work / "npm-lock", npmrc)
    run("npm", "install", "--save-dev", NAME, "--os=darwin", "--cpu=arm64", cwd=folder, env=env)
    assert platforms(folder) == {"darwin-arm64"}, platforms(folder)
    shutil.rmtree(folder / "node_modules")
    run("npm", "ci", cwd=folder, env=env)
    assert platforms(folder) == {"linux-x64"}, platforms(folder)
    publishes(["npx", NAME], folder, env)
    print("npm with a lock file of another platform: installed, published", flush=True)

    # Without its optional dependencies the launcher has no program, says so, and what it says helps.
    shutil.rmtree(folder / "node_modules")
    run("npm", "ci", "--omit=optional", cwd=folder, env=env)
    assert platforms(folder) == set(), platforms(folder)
    told = run("npx", NAME, "--version", code=1, cwd=folder, env=env)
    assert f"@sitepublish/linux-x64@{VERSION}" in told, told
    run(*told.split("`")[-2].split(), cwd=folder, env=env)
    assert VERSION in run("npx", NAME, "--version", cwd=folder, env=env)
    print("npm without optional dependencies: told how to mend it, mended", flush=True)

    folder, env = project(work / "npm-musl", npmrc)
    run("npm", "install", NAME, "--libc=musl", cwd=folder, env=env)
    assert platforms(folder) == {"linux-x64-musl"}, platforms(folder)
    print("npm for musl: installed", flush=True)

    folder, env = project(work / "pnpm-lock", npmrc)
    (folder / "pnpm-workspace.yaml").write_text("supportedArchitectures:\n  os: [darwin]\n  cpu: [arm64]\n")
    run(*PNPM, "add", "--save-dev", NAME, cwd=folder, env=env)
    assert platforms(folder) == {"darwin-arm64"}, platforms(folder)
    shutil.rmtree(folder / "node_modules")
    (folder / "pnpm-workspace.yaml").unlink()
    run(*PNPM, "install", "--frozen-lockfile", cwd=folder, env=env)
    assert platforms(folder) == {"linux-x64"}, platforms(folder)
    publishes([*PNPM, "exec", NAME], folder, env)
    print("pnpm with a lock file of another platform: installed, published", flush=True)


def interrupted_for_real(work: Path, npmrc: Path) -> None:
    """Ctrl-C at the real program, which ends as it does without the launcher. npm ends by the signal itself."""
    folder, env = project(work / "interrupted", npmrc)
    run("npm", "install", NAME, cwd=folder, env=env)
    env = {name: value for name, value in env.items() if name not in ("CI", "PUBLISH_ENV")}
    for command, expected in (([folder / "node_modules/.bin" / NAME], (0,)), (["npx", NAME], (-signal.SIGINT, 130))):
        code, written = typed_ctrl_c([*command, "sandbox"], b"Press Ctrl-C", folder, env)
        assert code in expected, (code, written)
    print("the launcher and npx: Ctrl-C ends the program", flush=True)


def tests(kind: list, work: Path, out: Path) -> int:
    for number, test in enumerate(kind):
        folder = work / f"{test.__name__}-{number}"
        folder.mkdir()
        began = time.monotonic()
        test(folder, out)
        print(f"{test.__name__}: ok, {time.monotonic() - began:.1f} s", flush=True)
    return len(kind)


def quick(program: Path, work: Path, out: Path) -> tuple[int, int]:
    """The numbers of tests that passed and that were skipped."""
    build.release(out)
    passed = tests(QUICK, work, out)
    skipped = 0
    for tool, kind in (("node", WITH_NODE), ("dpkg-deb", WITH_DPKG)):
        if shutil.which(tool):
            passed += tests(kind, work, out)
        else:
            print(f"skipped, without {tool}: {', '.join(test.__name__ for test in kind)}")
            skipped += len(kind)
    return passed, skipped


def whole(program: Path, work: Path, out: Path) -> tuple[int, int]:
    build.of_target(TARGET, program, None, out)
    counts = quick(program, work, out)
    # What cargo would hand in can be built from what is handed in alone.
    run("cargo", "publish", "--workspace", "--dry-run", "--allow-dirty", cwd=ROOT, timeout=3600)
    TOOLS.mkdir(parents=True, exist_ok=True)
    for file in ("package.json", "package-lock.json"):
        shutil.copy(HERE / "npm/test" / file, TOOLS)
    run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=TOOLS, timeout=600)
    (work / "registry").mkdir()
    with registry(work / "registry", out) as npmrc:
        for test in (npm_channels, npm_locks, interrupted_for_real):
            test(work, npmrc)
    build.check(out)
    return counts[0] + 5, counts[1]


def main() -> None:
    parser = argparse.ArgumentParser(description="Installs every package into an empty prefix. See the top of this file.")
    parser.add_argument("kind", choices=["quick", "whole"])
    parser.add_argument("program", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work, out = Path(folder), Path(folder, "out")
        program = given.program.resolve()
        if given.kind == "quick":
            # It stands for a program as it is handed out: builds for tests are large, and need this machine's glibc.
            (work / NAME).write_text(f"#!/bin/bash\nexec -a \"$0\" '{program}' \"$@\"\n")
            (work / NAME).chmod(0o755)
            build.pack(TARGET, work / NAME, None, out)
        passed, skipped = (whole if given.kind == "whole" else quick)(program, work, out)
    print(f"{passed} passed, 0 failed, {skipped} skipped")


if __name__ == "__main__":
    main()
