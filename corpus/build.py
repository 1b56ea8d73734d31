#!/usr/bin/env python3
"""Builds every project of the corpus twice and checks the truth written about it.

    python3 corpus/build.py OUT [NAME…]

For each project: copy `source/`, `shared` files and the traps, install, build (a), copy `edit/` and the changed traps over
it, build again in a cleaned output folder (b). Leaves in OUT/NAME: `a/`, `b/`, `project.toml` and `truth.tsv`
(fingerprinted or mutable, SHA-256 in a, SHA-256 in b, path; `-` where a build has no such file).

Fails when a path called fingerprinted has other bytes in b than in a, or was copied from a public folder, and when a glob
of `fingerprinted` matches nothing.
"""

import argparse
import fnmatch
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib

CORPUS = pathlib.Path(__file__).resolve().parent


class Broken(Exception):
    """A project that could not be built, or whose truth is not true."""


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("out", type=pathlib.Path)
    arguments.add_argument("names", nargs="*", metavar="NAME", help="folders of corpus/projects; all when none is named")
    arguments.add_argument("--keep", action="store_true", help="keep the working copy, with node_modules")
    arguments.add_argument("--check", action="store_true", help="only check the builds that are in OUT already")
    options = arguments.parse_args()
    names = options.names or sorted(project.parent.name for project in CORPUS.glob("projects/*/project.toml"))
    broken = []
    for name in names:
        try:
            if not options.check:
                build(name, options.out / name, options.keep)
            print(check(name, options.out / name), flush=True)
        except Broken as error:
            broken.append(name)
            print(f"{name}: {error}", file=sys.stderr, flush=True)
    if broken:
        sys.exit(f"broken: {' '.join(broken)}")


def read(name):
    with open(CORPUS / "projects" / name / "project.toml", "rb") as file:
        return tomllib.load(file)


def build(name, out, keep):
    project = read(name)
    folder = CORPUS / "projects" / name
    work = pathlib.Path(tempfile.mkdtemp(prefix=f"corpus-{name}-"))
    source = work / "source"
    try:
        shutil.copytree(folder / "source", source, symlinks=True)
        for target, shared in project.get("shared", {}).items():
            (source / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CORPUS / "shared" / shared, source / target)
        lay("traps", source, project)
        run(project, "install", source)
        shutil.rmtree(out, ignore_errors=True)
        build_once(project, source, out / "a")
        shutil.copytree(folder / "edit", source, dirs_exist_ok=True)
        lay("traps-edit", source, project)
        build_once(project, source, out / "b")
        shutil.copy(folder / "project.toml", out)
    finally:
        if keep:
            print(f"{name}: kept {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)


def lay(traps, source, project):
    for public in project["public"]:
        shutil.copytree(CORPUS / traps, source / public, dirs_exist_ok=True)


def build_once(project, source, target):
    output = source / project["output"]
    shutil.rmtree(output, ignore_errors=True)
    run(project, "build", source)
    if not output.is_dir():
        raise Broken(f"the build left no folder {project['output']}")
    shutil.copytree(output, target, symlinks=True)


def run(project, step, source):
    environment = os.environ | project.get("environment", {})
    # Tools installed by the project come first: a project may bring the Node it needs as the npm package `node`.
    environment["PATH"] = f"{source / 'node_modules/.bin'}{os.pathsep}{environment['PATH']}"
    for command in project[step]:
        done = subprocess.run(command, shell=True, cwd=source, env=environment, text=True, errors="replace",
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise Broken(f"`{command}` ended with {done.returncode}\n{done.stdout[-6000:]}")


def check(name, out):
    project = read(name)
    a, b = digests(out / "a"), digests(out / "b")
    copied = copied_from_public(name, project)
    rows, changed, unused = [], 0, set(project["fingerprinted"])
    for path in sorted(a.keys() | b.keys()):
        globs = [glob for glob in project["fingerprinted"] if fnmatch.fnmatchcase(path, glob)]
        excepted = any(fnmatch.fnmatchcase(path, glob) for glob in project.get("mutable", []))
        fingerprinted = bool(globs) and not excepted and path not in copied
        unused.difference_update(globs)
        differs = path in a and path in b and a[path] != b[path]
        changed += differs
        if fingerprinted and differs:
            raise Broken(f"{path} is called fingerprinted, but has other bytes in b")
        rows.append(("fingerprinted" if fingerprinted else "mutable", a.get(path, "-"), b.get(path, "-"), path))
    if unused:
        raise Broken(f"no file matches {sorted(unused)}")
    (out / "truth.tsv").write_text("".join("\t".join(row) + "\n" for row in rows))
    fingerprinted = [row for row in rows if row[0] == "fingerprinted"]
    renamed = sum(row[2] == "-" for row in fingerprinted)
    return (f"{name}: {len(a)} files in a, {sum(row[1] != '-' for row in fingerprinted)} of them fingerprinted; "
            f"in b {renamed} got another name, {changed} mutable files changed")


def digests(folder):
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*") if path.is_file()}


def copied_from_public(name, project):
    folders = [CORPUS / "projects" / name / half / public for half in ("source", "edit") for public in project["public"]]
    if project["public"]:
        folders.append(CORPUS / "traps")
    return {path.relative_to(folder).as_posix() for folder in folders for path in folder.rglob("*") if path.is_file()}


if __name__ == "__main__":
    main()
