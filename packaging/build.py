#!/usr/bin/env python3
"""Makes what people install from out of built programs. Every name of a package and every file of a release is decided here.

    packaging/build.py target TARGET BINARY OUT [--shim SHIM]   what belongs to one target: archive, npm package, wheel, Debian package
    packaging/build.py image TARGET BINARY CERTIFICATES FOLDER                  what the Dockerfile copies, for one machine
    packaging/build.py release OUT [--all]                      what belongs to all of them; with --all, no target may be missing in OUT
    packaging/build.py check OUT                                nothing in OUT holds the program twice, and it is small enough
    packaging/build.py record OUT                               adds the checksums of OUT to those of all versions, packaging/checksums.txt

BINARY is the program built for TARGET, and must run on this machine: it writes its manual pages and completions. SHIM is what cargo
builds as `publish`; the archive for Windows holds it, where others hold a link. Needs Python 3.11; for glibc also objdump, and for a Debian
package dpkg-deb. The same program gives the same bytes.
"""
import argparse
import base64
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "packaging"

# The package's name in every registry, and the scope of its platform packages on npm.
NAME = "sitepublish"
SCOPE = "@sitepublish"
# The second name, where it is free.
SECOND = "publish"
COMMENT = "Puts a built site on S3 behind CloudFront: only what changed, nothing broken, any earlier release back in seconds."

MANIFEST = tomllib.loads((ROOT / "Cargo.toml").read_text())
VERSION = MANIFEST["package"]["version"]
# The one place with the repository's own address is Cargo.toml.
REPOSITORY = MANIFEST["workspace"]["package"]["repository"]
LICENSE = MANIFEST["workspace"]["package"]["license"]
LICENSES = ("LICENSE-APACHE", "LICENSE-MIT")

# The oldest glibc that Rust's standard library runs with, so no older one can be reached.
GLIBC = (2, 17)
# What a wheel may expect of any Linux with glibc (PEP 599), as far as the program needs any of it.
SYSTEM_LIBRARIES = re.compile(r"^(ld-linux.*|libc|libm|libdl|librt|libpthread|libgcc_s)\.so\.\d+$")

LARGEST_PROGRAM = 18_000_000
LARGEST_PACKED = 8_000_000

# Of every file that is packed: what a ZIP can say at the earliest.
TIME = 315_532_800


@dataclass(frozen=True)
class Target:
    """A platform in the words of each registry."""

    npm: dict[str, str]
    wheel: str
    debian: str | None = None

    @property
    def npm_name(self) -> str:
        musl = "-musl" if self.npm.get("libc") == "musl" else ""
        return f"{SCOPE}/{self.npm['os']}-{self.npm['cpu']}{musl}"

    @property
    def is_windows(self) -> bool:
        return self.npm["os"] == "win32"

    @property
    def program(self) -> str:
        return f"{NAME}.exe" if self.is_windows else NAME


def linux(cpu: str, machine: str, libc: str, debian: str | None = None) -> Target:
    glibc = f"manylinux_{GLIBC[0]}_{GLIBC[1]}_{machine}.manylinux2014_{machine}"
    # A static program needs nothing of musl itself.
    wheel = glibc if libc == "glibc" else f"musllinux_1_1_{machine}"
    return Target({"os": "linux", "cpu": cpu, "libc": libc}, wheel, debian)


TARGETS = {
    "x86_64-unknown-linux-gnu": linux("x64", "x86_64", "glibc", "amd64"),
    "aarch64-unknown-linux-gnu": linux("arm64", "aarch64", "glibc", "arm64"),
    "x86_64-unknown-linux-musl": linux("x64", "x86_64", "musl"),
    "aarch64-unknown-linux-musl": linux("arm64", "aarch64", "musl"),
    # As far back as Rust's standard library goes.
    "x86_64-apple-darwin": Target({"os": "darwin", "cpu": "x64"}, "macosx_10_12_x86_64"),
    "aarch64-apple-darwin": Target({"os": "darwin", "cpu": "arm64"}, "macosx_11_0_arm64"),
    "x86_64-pc-windows-msvc": Target({"os": "win32", "cpu": "x64"}, "win_amd64"),
}


@dataclass(frozen=True)
class File:
    """A file in a package: its path there, its bytes or where it leads, and whether it can be run."""

    path: str
    data: bytes = b""
    runs: bool = False
    leads_to: str | None = None

    @property
    def mode(self) -> int:
        return 0o755 if self.runs else 0o644


def fail(message: str) -> None:
    sys.exit(f"error: {message}")


def filled(template: str, **more: str) -> str:
    """A template of this folder with what stands between @ signs replaced."""
    values = {"NAME": NAME, "SECOND": SECOND, "CLASS": NAME.capitalize(), "VERSION": VERSION, "REPOSITORY": REPOSITORY, "LICENSE": LICENSE, "COMMENT": COMMENT, **more}
    text = re.sub(r"@([A-Z0-9_]+)@", lambda found: values[found[1]], (HERE / template).read_text())
    return text


def licenses(folder: str = "") -> list[File]:
    return [File(folder + name, (ROOT / name).read_bytes()) for name in LICENSES]


# What the program says of itself.


def said(program: Path, *arguments: str) -> bytes:
    """What `program` writes; neither a publish.toml nor a variable decides it."""
    with tempfile.TemporaryDirectory() as empty:
        # Without this one, no program starts on Windows.
        environment = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
        run = subprocess.run([str(program), *arguments], cwd=empty, env=environment, capture_output=True, check=True)
    return run.stdout


def manual(program: Path, name: str) -> list[File]:
    """The manual pages, for a program that is called by `name`."""
    first = said(program, "man")
    # The page of the program names those of its commands, as publish\-forget\-distribution(1).
    named = re.findall(rb"^" + name.encode() + rb"\\-(\S+)\(1\)$", first, re.MULTILINE)
    commands = [command.replace(rb"\-", b"-").decode() for command in named]
    pages = [File(f"{name}.1", first)]
    return pages + [File(f"{name}-{command}.1", said(program, "man", command)) for command in commands]


# Named as each shell looks for them.
COMPLETIONS = {"bash": "{}.bash", "zsh": "_{}", "fish": "{}.fish", "powershell": "_{}.ps1"}


def documents(binary: Path) -> list[File]:
    """Manual pages and completions for both names. How it is called decides which one they have."""
    with tempfile.TemporaryDirectory() as folder:
        names = {name: Path(folder, name).with_suffix(binary.suffix) for name in (NAME, SECOND)}
        for name in names.values():
            # Windows lets few people make links.
            shutil.copy(binary, name) if os.name == "nt" else name.symlink_to(binary.resolve())
        pages = [File(f"man/{page.path}", page.data) for page in manual(names[SECOND], SECOND)]
        pages.append(File(f"man/{NAME}.1", f".so man1/{SECOND}.1\n".encode()))
        completions = [
            File(f"completions/{file.format(name)}", said(program, "completions", shell))
            for name, program in names.items()
            for shell, file in COMPLETIONS.items()
        ]
    return pages + completions


# Packing, with nothing of this machine and this moment in it.


def tar_gz(files: list[File]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for file in files:
            entry = tarfile.TarInfo(file.path)
            entry.mtime = TIME
            if file.leads_to is not None:
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, file.leads_to, 0o777
                archive.addfile(entry)
            else:
                entry.size, entry.mode = len(file.data), file.mode
                archive.addfile(entry, io.BytesIO(file.data))
    return gzip.compress(packed.getvalue(), 9, mtime=0)


def zipped(files: list[File]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in files:
            entry = zipfile.ZipInfo(file.path, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (stat.S_IFREG | file.mode) << 16
            entry.create_system = 3
            archive.writestr(entry, file.data, zipfile.ZIP_DEFLATED, 9)
    return packed.getvalue()


# One package after the other. Each gives its file's name and bytes.


def archive_name(target: str) -> str:
    return f"{NAME}-{VERSION}-{target}.{'zip' if TARGETS[target].is_windows else 'tar.gz'}"


def archive(target: str, binary: Path, shim: Path | None, about: list[File]) -> tuple[str, bytes]:
    """The program, its second name, manual pages, completions, README and licences."""
    platform = TARGETS[target]
    files = [File(platform.program, binary.read_bytes(), runs=True)]
    if not platform.is_windows:
        files.append(File(SECOND, leads_to=NAME))
    elif shim:
        files.append(File(f"{SECOND}.exe", shim.read_bytes(), runs=True))
    else:
        fail("an archive for Windows needs --shim")
    files += about + licenses() + [File("README.md", (ROOT / "README.md").read_bytes())]
    folder = f"{NAME}-{VERSION}-{target}"
    placed = [File(f"{folder}/{file.path}", file.data, file.runs, file.leads_to) for file in files]
    return archive_name(target), (zipped if platform.is_windows else tar_gz)(placed)


def npm_tgz(name: str, fields: dict, files: list[File]) -> tuple[str, bytes]:
    manifest = {
        "name": name,
        "version": VERSION,
        "description": COMMENT,
        "license": LICENSE,
        "repository": {"type": "git", "url": f"git+{REPOSITORY}.git"},
        "homepage": REPOSITORY,
        "bugs": f"{REPOSITORY}/issues",
        **fields,
    }
    text = json.dumps(manifest, indent=2) + "\n"
    packed = [File("package.json", text.encode()), *files, *licenses()]
    placed = [File(f"package/{file.path}", file.data, file.runs) for file in packed]
    return f"{name.removeprefix('@').replace('/', '-')}-{VERSION}.tgz", tar_gz(placed)


def npm_platform(target: str, binary: Path) -> tuple[str, bytes]:
    platform = TARGETS[target]
    fields = {key: [value] for key, value in platform.npm.items()}
    # A program inside an archive, where Yarn would leave it, cannot be run.
    fields["preferUnplugged"] = True
    text = f"The program of [{NAME}](https://www.npmjs.com/package/{NAME}) for {target}. Install `{NAME}`, which chooses it.\n"
    files = [File(platform.program, binary.read_bytes(), runs=True), File("README.md", text.encode())]
    return npm_tgz(platform.npm_name, fields, files)


def npm_main() -> tuple[str, bytes]:
    fields = {
        "keywords": ["s3", "cloudfront", "deploy", "static-site", "cdn"],
        "bin": {NAME: "launcher.js"},
        "engines": {"node": ">=18"},
        "optionalDependencies": {platform.npm_name: VERSION for platform in TARGETS.values()},
    }
    launcher = (HERE / "npm/launcher.js").read_bytes()
    files = [File("launcher.js", launcher, runs=True), File("README.md", filled("npm/README.md").encode())]
    return npm_tgz(NAME, fields, files)


def wheel(target: str, binary: Path) -> tuple[str, bytes]:
    """A wheel as maturin writes one for a program: the binary is a script, which installers put beside the interpreter's."""
    platform = TARGETS[target]
    info = f"{NAME}-{VERSION}.dist-info"
    metadata = [
        "Metadata-Version: 2.4",
        f"Name: {NAME}",
        f"Version: {VERSION}",
        f"Summary: {COMMENT}",
        f"License-Expression: {LICENSE}",
        *(f"License-File: {name}" for name in LICENSES),
        "Keywords: s3,cloudfront,deploy,static-site,cdn",
        "Requires-Python: >=3.7",
        f"Project-URL: Source, {REPOSITORY}",
        f"Project-URL: Issues, {REPOSITORY}/issues",
        "Description-Content-Type: text/markdown",
    ]
    tags = [f"Tag: py3-none-{tag}" for tag in platform.wheel.split(".")]
    about = ["Wheel-Version: 1.0", f"Generator: {NAME} packaging", "Root-Is-Purelib: false", *tags]
    files = [
        File(f"{NAME}-{VERSION}.data/scripts/{platform.program}", binary.read_bytes(), runs=True),
        File(f"{info}/METADATA", ("\n".join(metadata) + "\n\n" + filled("pypi/README.md")).encode()),
        File(f"{info}/WHEEL", ("\n".join(about) + "\n").encode()),
        *licenses(f"{info}/licenses/"),
    ]
    record = [f"{file.path},sha256={digest_of_record(file.data)},{len(file.data)}" for file in files]
    record.append(f"{info}/RECORD,,")
    files.append(File(f"{info}/RECORD", ("\n".join(record) + "\n").encode()))
    return f"{NAME}-{VERSION}-py3-none-{platform.wheel}.whl", zipped(files)


def digest_of_record(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def debian(target: str, binary: Path, about: list[File], out: Path) -> None:
    """The same files where Debian has them. Nothing is configured, so no script runs."""
    architecture = TARGETS[target].debian
    places = {"bash": "bash-completion/completions/{}", "zsh": "zsh/vendor-completions/_{}", "fish": "fish/vendor_completions.d/{}.fish"}
    by_path = {file.path: file.data for file in about}
    files = [File(f"usr/bin/{NAME}", binary.read_bytes(), runs=True), File(f"usr/bin/{SECOND}", leads_to=NAME)]
    files += [File(f"usr/share/{path.replace('man/', 'man/man1/')}.gz", gzip.compress(data, 9, mtime=0))
              for path, data in by_path.items() if path.startswith("man/")]
    files += [File(f"usr/share/{place.format(name)}", by_path[f"completions/{COMPLETIONS[shell].format(name)}"])
              for shell, place in places.items() for name in (NAME, SECOND)]
    notice = re.search(r"^Copyright (.*)$", (ROOT / "LICENSE-MIT").read_text(), re.MULTILINE)[1]
    copyright = f"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nSource: {REPOSITORY}\n\nFiles: *\n" \
        f"Copyright: {notice}\nLicense: Apache-2.0 or Expat\n See LICENSE-APACHE and LICENSE-MIT beside this file.\n"
    place = f"usr/share/doc/{NAME}/"
    files += [File(f"{place}copyright", copyright.encode()), *licenses(place)]
    files.append(File(f"{place}changelog.gz", gzip.compress((ROOT / "CHANGELOG.md").read_bytes(), 9, mtime=0)))
    control = {
        "Package": NAME,
        "Version": VERSION,
        "Architecture": architecture,
        # It must have the form of an address; nobody reads mail.
        "Maintainer": f"{NAME} <nobody@{NAME}.invalid>",
        "Installed-Size": str(sum(len(file.data) for file in files) // 1024 + 1),
        "Depends": f"libc6 (>= {GLIBC[0]}.{GLIBC[1]})",
        "Recommends": "ca-certificates, git",
        "Section": "web",
        "Priority": "optional",
        "Homepage": REPOSITORY,
        "Description": "put a built site on S3 behind CloudFront\n" + textwrap.fill(COMMENT, 78, initial_indent=" ", subsequent_indent=" "),
    }
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        text = "".join(f"{key}: {value}\n" for key, value in control.items())
        for file in [File("DEBIAN/control", text.encode()), *files]:
            path = root / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if file.leads_to is not None:
                path.symlink_to(file.leads_to)
            else:
                path.write_bytes(file.data)
                path.chmod(file.mode)
        for path in [root, *root.rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        made = out / f"{NAME}_{VERSION}_{architecture}.deb"
        environment = dict(os.environ, SOURCE_DATE_EPOCH=str(TIME))
        # Older systems cannot read what current ones choose by themselves.
        command = ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(root), str(made)]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


def image(target: str, binary: Path, certificates: Path, folder: Path) -> None:
    """The files of the image: the static program and the certificates of public authorities. Its user may write to two folders."""
    if TARGETS[target].npm.get("libc") != "musl":
        fail("the image has no library: it needs the program for musl")
    # As Docker calls machines, which is as Debian does.
    root = folder / f"root-{TARGETS[target.replace('musl', 'gnu')].debian}"
    for place, data, mode in [(f"usr/bin/{NAME}", binary.read_bytes(), 0o755),
                              ("etc/ssl/certs/ca-certificates.crt", certificates.read_bytes(), 0o644)]:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(data)
        (root / place).chmod(mode)
    for place in ("home/" + NAME, "tmp", "site"):
        (folder / "writable" / place).mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "docker/Dockerfile", folder)


# What must hold of a program before it is packed.


def check_glibc(binary: Path) -> None:
    """Nothing is asked of glibc that the oldest one does not have."""
    listed = subprocess.run(["objdump", "-p", "-T", str(binary)], capture_output=True, text=True, check=True).stdout
    needed = re.findall(r"^\s+NEEDED\s+(\S+)$", listed, re.MULTILINE)
    foreign = [library for library in needed if not SYSTEM_LIBRARIES.match(library)]
    if foreign:
        fail(f"{binary} needs {', '.join(foreign)}, which not every Linux has")
    versions = {tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_([\d.]+)", listed)}
    if not versions:
        fail(f"{binary} names no version of glibc: is it built for it?")
    newer = sorted(version for version in versions if version > GLIBC)
    if newer:
        newest = ".".join(map(str, newer[-1]))
        fail(f"{binary} needs glibc {newest}, but its packages promise {GLIBC[0]}.{GLIBC[1]}: build it with cargo-zigbuild")


def check_version(binary: Path) -> None:
    version = said(binary.resolve(), "--version").decode().split()[-1]
    if version != VERSION:
        fail(f"{binary} is version {version}, and Cargo.toml says {VERSION}")


def of_target(target: str, binary: Path, shim: Path | None, out: Path) -> None:
    platform = TARGETS[target]
    check_version(binary)
    if platform.npm.get("libc") == "glibc":
        check_glibc(binary)
    pack(target, binary, shim, out)


def pack(target: str, binary: Path, shim: Path | None, out: Path) -> None:
    """Writes what belongs to `target` into `out`, whatever the program is."""
    out.mkdir(parents=True, exist_ok=True)
    about = documents(binary)
    made = [archive(target, binary, shim, about), npm_platform(target, binary), wheel(target, binary)]
    for name, data in made:
        (out / name).write_bytes(data)
    if TARGETS[target].debian:
        debian(target, binary, about, out)


# What belongs to all targets.


def sums_of(out: Path) -> dict[str, str]:
    """The SHA-256 of each package in `out`, by its file's name."""
    kinds = (".tar.gz", ".zip", ".tgz", ".whl", ".deb")
    files = sorted(path for path in out.iterdir() if path.name.endswith(kinds))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def release(out: Path, needs_all: bool = False) -> None:
    """The npm package that chooses, the installers, the formula and the checksums."""
    missing = [target for target in TARGETS if not (out / archive_name(target)).is_file()]
    if needs_all and missing:
        fail(f"nothing is there for {', '.join(missing)}")
    name, data = npm_main()
    (out / name).write_bytes(data)
    sums = sums_of(out)
    lines = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
    (out / "SHA256SUMS").write_text(lines)
    archives = [archive_name(target) for target in TARGETS if archive_name(target) in sums]
    table = "\n".join(f"{sums[name]}  {name}" for name in archives)
    (out / "install.sh").write_text(filled("installers/install.sh", CHECKSUMS=table))
    (out / "install.sh").chmod(0o755)
    (out / "install.ps1").write_text(filled("installers/install.ps1", CHECKSUMS=table))
    formula = {f"SHA256_{target.replace('-', '_').upper()}": sums.get(archive_name(target), "") for target in TARGETS}
    (out / f"{NAME}.rb").write_text(filled("homebrew/formula.rb", **formula))


def record(out: Path) -> None:
    """One line for each archive of each version, as sha256sum writes it. What has none there was never released."""
    path = HERE / "checksums.txt"
    known = path.read_text().splitlines()
    archives = [archive_name(target) for target in TARGETS]
    if any(line.endswith(tuple(archives)) for line in known):
        fail(f"{path} has checksums of {VERSION} already: no version is released twice")
    lines = [line for line in (out / "SHA256SUMS").read_text().splitlines() if line.endswith(tuple(archives))]
    if len(lines) != len(TARGETS):
        fail(f"{out}/SHA256SUMS has {len(lines)} archives, not {len(TARGETS)}")
    path.write_text("".join(f"{line}\n" for line in known + lines))


def check(out: Path) -> None:
    """Each package holds one program, and is as small as promised."""
    for path in sorted(out.iterdir()):
        if path.name.endswith((".tar.gz", ".tgz")):
            with tarfile.open(path) as packed:
                sizes = [entry.size for entry in packed if entry.isfile()]
        elif path.name.endswith((".zip", ".whl")):
            sizes = [entry.file_size for entry in zipfile.ZipFile(path).infolist()]
        elif path.name.endswith(".deb"):
            listed = subprocess.run(["dpkg-deb", "--contents", str(path)], capture_output=True, text=True, check=True).stdout
            sizes = [int(line.split()[2]) for line in listed.splitlines() if line.startswith("-")]
        else:
            continue
        programs = [size for size in sizes if size > 2_000_000]
        packed_size = path.stat().st_size
        print(f"{path.name}: {packed_size / 1e6:.2f} MB, the program {sum(programs) / 1e6:.2f} MB")
        if len(programs) > 1:
            fail(f"{path.name} holds {len(programs)} programs")
        if sum(programs) > LARGEST_PROGRAM or packed_size > LARGEST_PACKED:
            fail(f"{path.name} is too large: at most {LARGEST_PROGRAM} bytes, and {LARGEST_PACKED} packed")


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes what people install from. See the top of this file.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("target")
    one.add_argument("target", choices=TARGETS)
    one.add_argument("binary", type=Path)
    one.add_argument("out", type=Path)
    one.add_argument("--shim", type=Path)
    root = commands.add_parser("image")
    root.add_argument("target", choices=TARGETS)
    for name in ("binary", "certificates", "folder"):
        root.add_argument(name, type=Path)
    all_of_it = commands.add_parser("release")
    all_of_it.add_argument("out", type=Path)
    all_of_it.add_argument("--all", action="store_true")
    for name in ("check", "record"):
        commands.add_parser(name).add_argument("out", type=Path)
    given = parser.parse_args()
    match given.command:
        case "target":
            of_target(given.target, given.binary, given.shim, given.out)
        case "image":
            image(given.target, given.binary, given.certificates, given.folder)
        case "release":
            release(given.out, given.all)
        case "record":
            record(given.out)
        case "check":
            check(given.out)


if __name__ == "__main__":
    main()
