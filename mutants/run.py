#!/usr/bin/env python3
"""Changes the code in one place at a time and tells which changes no test notices.

Every change is compiled into one build, each behind a switch of its own; the environment variable MUTANT turns one on. So
the code is built a few times and not once for each change. A change is tried with those tests alone that reach it.

    python3 -m venv target/venv-mutants
    target/venv-mutants/bin/pip install tree-sitter tree-sitter-rust
    target/venv-mutants/bin/python mutants/run.py content          # crates/content
    target/venv-mutants/bin/python mutants/run.py pure             # the rooms of src/ that touch neither disk nor network

The code is changed in a copy below target/mutants/. What is printed, and written to target/mutants/NAME.txt, are the changes
that survive: every test that reaches them passes all the same, or no test reaches them.
"""
import argparse
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import tree_sitter_rust
from tree_sitter import Language, Parser

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "target" / "mutants"
PARSER = Parser(Language(tree_sitter_rust.language()))

# name: (sources, arguments that build the tests, the crate's root)
PACKAGES = {
    "content": (["crates/content/src"], ["-p", "sitepublish-content"], "crates/content/src/lib.rs"),
    "pure": (
        ["src/types", "src/release", "src/plan", "src/plan.rs", "src/site/fingerprint", "src/site/fingerprint.rs",
         "src/site/headers_file", "src/site/headers_file.rs", "src/site/redirects_file.rs", "src/site/response_policy",
         "src/site/response_policy.rs", "src/site/rules", "src/site/rules.rs", "src/release.rs", "src/types.rs"],
        ["-p", "sitepublish", "--lib"],
        "src/lib.rs",
    ),
}

SWITCH = '''
/// Whether the change of this number is turned on.
#[allow(clippy::all, dead_code)]
pub(crate) fn mutant(id: u32) -> bool {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};
    static ON: OnceLock<u32> = OnceLock::new();
    static REACHED: [AtomicBool; 16384] = [const { AtomicBool::new(false) }; 16384];
    let on = *ON.get_or_init(|| std::env::var("MUTANT").ok().and_then(|id| id.parse().ok()).unwrap_or(0));
    if on == 0 && !REACHED[id as usize].swap(true, Ordering::Relaxed) {
        if let Ok(path) = std::env::var("MUTANTS_REACHED") {
            use std::io::Write;
            let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
            file.write_all(format!("{id}\\n").as_bytes()).unwrap();
        }
    }
    on == id
}
'''

OTHERS = {
    "==": ["!="], "!=": ["=="], "<": ["==", "<="], ">": ["==", ">="], "<=": [">"], ">=": ["<"],
    "&&": ["||"], "||": ["&&"], "+": ["-", "*"], "-": ["+", "/"], "*": ["+", "/"], "/": ["%", "*"], "%": ["/", "+"],
    "&": ["|"], "|": ["&"], "^": ["|"], "<<": [">>"], ">>": ["<<"],
    "+=": ["-=", "*="], "-=": ["+=", "/="], "*=": ["+="], "|=": ["&="], "&=": ["|="], "^=": ["|="],
}
NUMBERS = {"u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize"}


class Mutant:
    def __init__(self, path, node, what):
        self.path, self.line, self.what, self.id = path, node.start_point[0] + 1, what, None

    def __str__(self):
        return f"{self.path}:{self.line}: {self.what}"


def values(kind):
    """What a function of this type may answer instead."""
    kind = kind.strip()
    if kind == "bool":
        return ["true", "false"]
    if kind in NUMBERS:
        return ["0", "1"]
    if kind in ("&str", "&'static str", "&'a str"):
        return ['""', '"xyzzy"']
    if kind == "String" or kind.startswith("Cow<"):
        return ['"".into()', '"xyzzy".into()']
    if kind.startswith("Option<"):
        inner = values(kind[7:-1])
        return ["None"] + [f"Some({value})" for value in inner]
    if kind.startswith("Result<"):
        inner = kind[7:-1]
        depth, cut = 0, len(inner)
        for place, letter in enumerate(inner):
            depth += letter in "<(["
            depth -= letter in ">)]"
            if letter == "," and depth == 0:
                cut = place
                break
        return [f"Ok({value})" for value in values(inner[:cut])]
    if kind == "()":
        return ["()"]
    if kind.startswith("Vec<"):
        return ["Vec::new()"]
    if kind.startswith("&[") or kind.startswith("&'"):
        return ["&[]"] if "[" in kind else []
    if kind in ("Self", "!") or kind.startswith(("impl ", "&")):
        return []
    return ["Default::default()"]


class Rewriter:
    """The text of one file with every change in it, each behind its switch."""

    def __init__(self, path, first, refused):
        self.path, self.source, self.refused = path, (ROOT / path).read_bytes(), refused
        self.tree, self.mutants, self.next = PARSER.parse(self.source), [], first
        self.inserts = []

    def text(self, node):
        return self.source[node.start_byte:node.end_byte].decode()

    def number(self, node, what):
        """The number of a change, or None where it does not compile. Numbers never move."""
        mutant = Mutant(self.path, node, what)
        mutant.id, self.next = self.next, self.next + 1
        if mutant.id in self.refused:
            return None
        self.mutants.append(mutant)
        return mutant.id

    def render(self):
        out, spans = [], []
        self.emit(self.tree.root_node, out, spans)
        return "".join(out), spans

    # `out` is a list of texts; `spans` says which part of the result belongs to which change.
    def add(self, out, text):
        out.append(text)

    def at(self, out):
        return sum(len(part.encode()) for part in out)

    def emit(self, node, out, spans):
        if self.is_test(node):
            return self.add(out, self.text(node))
        if node.type in ("const_item", "static_item", "macro_definition", "attribute_item", "inner_attribute_item", "macro_invocation"):
            return self.add(out, self.text(node))
        if node.type == "function_item":
            modifiers = next((child for child in node.children if child.type == "function_modifiers"), None)
            if modifiers is not None and "const" in self.text(modifiers):
                return self.add(out, self.text(node))
            return self.function(node, out, spans)
        if node.type in ("binary_expression", "compound_assignment_expr"):
            return self.binary(node, out, spans)
        if node.type == "unary_expression" and node.children[0].type in ("!", "-"):
            return self.unary(node, out, spans)
        if node.type == "match_arm":
            return self.arm(node, out, spans)
        self.children(node, out, spans)

    def children(self, node, out, spans, before=None):
        at = node.start_byte
        for child in node.children:
            self.add(out, self.source[at:child.start_byte].decode())
            if before and child.id == before[0].id:
                before[1]()
            else:
                self.emit(child, out, spans)
            at = child.end_byte
        self.add(out, self.source[at:node.end_byte].decode())

    def is_test(self, node):
        if node.type not in ("mod_item", "function_item", "impl_item", "use_declaration"):
            return False
        above = node.prev_sibling
        while above is not None and above.type in ("attribute_item", "line_comment", "block_comment"):
            if above.type == "attribute_item" and "test" in self.text(above):
                return True
            above = above.prev_sibling
        return False

    def function(self, node, out, spans):
        body = node.child_by_field_name("body")
        kind = node.child_by_field_name("return_type")
        name = self.text(node.child_by_field_name("name"))
        answers = values(self.text(kind)) if kind is not None else ["()"]
        says = self.text(body)[1:-1].strip() or "()"
        answers = [answer for answer in answers if answer != says]

        def inner():
            self.add(out, "{")
            for answer in answers:
                number = self.number(node, f"fn {name}: answer {answer}")
                if number is None:
                    continue
                start = self.at(out)
                self.add(out, f" if crate::mutant({number}) {{ return {answer}; }}")
                spans.append((start, self.at(out), number))
            at = body.start_byte + 1
            for child in body.children[1:]:
                self.add(out, self.source[at:child.start_byte].decode())
                self.emit(child, out, spans)
                at = child.end_byte
            self.add(out, self.source[at:body.end_byte].decode())

        self.children(node, out, spans, (body, inner))

    def has_let(self, node):
        return node.type in ("let_condition", "let_chain") or any(self.has_let(child) for child in node.children)

    def switch(self, node, changed, out, spans, rest):
        """`if mutant(n) { changed } else { … rest }`, once for each text of `changed`."""
        self.add(out, "(")
        for what, text in changed:
            number = self.number(node, what)
            if number is None:
                continue
            start = self.at(out)
            self.add(out, f"if crate::mutant({number}) {{ {text} }} ")
            spans.append((start, self.at(out), number))
            self.add(out, "else ")
        self.add(out, "{ ")
        rest()
        self.add(out, " })")

    def binary(self, node, out, spans):
        sign = node.child_by_field_name("operator")
        if sign is None:
            sign = node.children[1]
        sign_text = self.text(sign)
        if sign_text not in OTHERS or self.has_let(node):
            return self.children(node, out, spans)
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        changed = [(f"{sign_text} becomes {other}  [{self.short(node)}]", f"({self.text(left)}) {other} ({self.text(right)})")
                   for other in OTHERS[sign_text]]
        self.switch(node, changed, out, spans, lambda: self.children(node, out, spans))

    def unary(self, node, out, spans):
        operand = node.children[1]
        if operand.type in ("integer_literal", "float_literal"):
            return self.add(out, self.text(node))
        changed = [(f"{self.text(node.children[0])} goes  [{self.short(node)}]", self.text(operand))]
        self.switch(node, changed, out, spans, lambda: self.children(node, out, spans))

    def short(self, node):
        text = " ".join(self.text(node).split())
        return text if len(text) < 90 else text[:87] + "..."

    def arm(self, node, out, spans):
        """A guard becomes true or false; an arm goes where another one takes all."""
        pattern = node.child_by_field_name("pattern")
        guard = pattern.child_by_field_name("condition")
        block = node.parent
        arms = [child for child in block.children if child.type == "match_arm"]
        def takes_all(arm):
            found = arm.child_by_field_name("pattern")
            return self.text(found) == "_" or (found.child_by_field_name("condition") is None and self.text(found).isidentifier() and self.text(found).islower())
        deletable = guard is None and any(takes_all(arm) for arm in arms) and not takes_all(node)

        def inner():
            if guard is not None:
                if self.has_let(guard):
                    return self.children(pattern, out, spans)
                def condition():
                    short = self.short(guard)
                    on, off = self.number(guard, f"guard becomes true  [{short}]"), self.number(guard, f"guard becomes false  [{short}]")
                    start = self.at(out)
                    self.add(out, "(" + (f"crate::mutant({on}) || " if on else ""))
                    self.add(out, (f"!crate::mutant({off}) && " if off else "") + "(")
                    if on or off:
                        spans.append((start, self.at(out), on or off))
                    self.emit(guard, out, spans)
                    self.add(out, "))")
                return self.children(pattern, out, spans, (guard, condition))
            self.children(pattern, out, spans)
            if deletable:
                number = self.number(node, f"arm goes  [{self.short(pattern)}]")
                if number:
                    start = self.at(out)
                    self.add(out, f" if !crate::mutant({number})")
                    spans.append((start, self.at(out), number))

        self.children(node, out, spans, (pattern, inner))


def sources(places):
    for place in places:
        path = ROOT / place
        files = [path] if path.is_file() else sorted(path.rglob("*.rs"))
        for file in files:
            relative = file.relative_to(ROOT)
            is_test = file.name in ("tests.rs", "model.rs") or {"tests", "model"} & set(relative.parts)
            if is_test or "test_support" in file.name:
                continue
            yield str(relative)


def write_changed(places, crate_root, refused):
    """Writes the changed copy. Gives all changes and, for each file, which bytes belong to which."""
    mutants, where, first = [], {}, 1
    for path in sources(places):
        rewriter = Rewriter(path, first, refused)
        text, spans = rewriter.render()
        if path == crate_root:
            text += SWITCH
        target = WORK / "tree" / path
        if not target.exists() or target.read_text() != text:
            target.write_text(text)
        where[path], first = spans, rewriter.next
        mutants += rewriter.mutants
    if crate_root not in where:
        target = WORK / "tree" / crate_root
        target.write_text((ROOT / crate_root).read_text() + SWITCH)
    return mutants, where


def copy_tree():
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout.decode().split("\0")
    for file in filter(None, files):
        source, target = ROOT / file, WORK / "tree" / file
        if source.is_file() and (not target.exists() or target.read_bytes() != source.read_bytes()):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    # What is gone here must not be built, or run, there.
    kept = {WORK / "tree" / file for file in files if (ROOT / file).is_file()}
    for file in (WORK / "tree").rglob("*"):
        if file.is_file() and file not in kept:
            file.unlink()


def build(arguments):
    """Builds the tests. Gives the test programs, or the places of errors."""
    content = "profile.dev.package.sitepublish-content"
    command = ["cargo", "test", "--no-run", "--message-format=json", *arguments,
               "--config", f"{content}.opt-level=1", "--config", f"{content}.debug=false"]
    environment = dict(os.environ, CARGO_TARGET_DIR=str(WORK / "target"))
    run = subprocess.run(command, cwd=WORK / "tree", env=environment, capture_output=True, text=True)
    programs, errors = [], []
    for line in run.stdout.splitlines():
        message = json.loads(line)
        if message.get("reason") == "compiler-artifact" and message.get("executable") and message["profile"]["test"]:
            programs.append((message["executable"], str(Path(message["manifest_path"]).parent)))
        if message.get("reason") == "compiler-message" and message["message"]["level"] == "error":
            errors.append(message["message"])
    if run.returncode and not errors:
        sys.exit(run.stderr[-4000:])
    return programs, errors


def guilty(errors, where):
    """Which changes the errors are about."""
    numbers = set()
    for error in errors:
        for span in error["spans"]:
            path = span["file_name"]
            hits = [(end - start, number) for start, end, number in where.get(path, []) if start <= span["byte_start"] and span["byte_end"] <= end]
            if hits:
                numbers.add(min(hits)[1])
                continue
            # An error beside a change, as a type that no longer follows, is the fault of what is around it.
            hits = [(abs(start - span["byte_start"]), number) for start, end, number in where.get(path, [])
                    if span["byte_start"] <= start and end <= span["byte_end"]]
            numbers.update(number for _, number in hits[:4])
    return numbers


def compiled(places, crate_root, arguments):
    refused = set()
    while True:
        mutants, where = write_changed(places, crate_root, refused)
        programs, errors = build(arguments)
        if not errors:
            return mutants, programs, refused
        more = guilty(errors, where) - refused
        print(f"{len(mutants)} changes, {len(errors)} errors, {len(more)} changes left out", flush=True)
        if not more:
            for error in errors[:5]:
                print(error["rendered"])
            sys.exit("errors that no change explains")
        refused |= more


def tests_of(program):
    listed = subprocess.run([program[0], "--list", "--format=terse"], cwd=program[1], capture_output=True, text=True).stdout
    return [line.removesuffix(": test") for line in listed.splitlines() if line.endswith(": test")]


def run_test(program, tests, extra, limit):
    """Whether the tests pass; None where they take longer than `limit` seconds."""
    environment = dict(os.environ, **extra)
    command = [program[0], "--exact", "--test-threads=1", *tests]
    try:
        run = subprocess.run(command, cwd=program[1], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=limit)
        return run.returncode == 0
    except subprocess.TimeoutExpired:
        return None


def reach(job):
    """Which changes one test reaches, and how long it takes."""
    program, test, scratch = job
    scratch.unlink(missing_ok=True)
    started = time.monotonic()
    passed = run_test(program, [test], {"MUTANTS_REACHED": str(scratch)}, 600)
    took = time.monotonic() - started
    numbers = {int(line) for line in scratch.read_text().split()} if scratch.exists() else set()
    return program, test, passed, took, numbers


def survives(job):
    """The change and how many tests pass with it, or None where one notices."""
    mutant, tests = job
    for program, test, took in tests:
        passed = run_test(program, [test], {"MUTANT": str(mutant.id)}, max(10, 20 * took))
        if passed is None:
            print(f"noticed, for {test} does not end: {mutant}", flush=True)
        if not passed:
            return None
    return mutant, len(tests)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("package", choices=PACKAGES)
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--only", default="", help="changes of paths that hold this text, or one of several, with commas between them")
    chosen = arguments.parse_args()
    places, cargo, crate_root = PACKAGES[chosen.package]
    copy_tree()
    mutants, programs, refused = compiled(places, crate_root, cargo)
    print(f"{len(mutants)} changes compile, {len(refused)} do not", flush=True)
    jobs = [(program, test) for program in programs for test in tests_of(program)]
    reached = {}
    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        scratches = [(program, test, WORK / f"reached-{place}") for place, (program, test) in enumerate(jobs)]
        for program, test, passed, took, numbers in pool.map(reach, scratches):
            if not passed:
                print(f"left out, for it fails without a change: {test}", flush=True)
                continue
            for number in numbers:
                reached.setdefault(number, []).append((program, test, took))
    wanted = [mutant for mutant in mutants if any(text in mutant.path for text in chosen.only.split(","))]
    trials = [(mutant, sorted(reached.get(mutant.id, []), key=lambda test: test[2])) for mutant in wanted]
    print(f"{len(jobs)} tests; {sum(1 for _, tests in trials if not tests)} changes that none reaches", flush=True)
    survivors = []
    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        for done, answer in enumerate(pool.map(survives, trials), 1):
            if answer:
                mutant, tests = answer
                survivors.append((mutant.path, f"{mutant}  ({tests or 'no'} tests reach it)"))
                print(survivors[-1][1], flush=True)
            if done % 200 == 0:
                print(f"-- {done} of {len(trials)}, {len(survivors)} survive", flush=True)
    (WORK / f"{chosen.package}.txt").write_text("".join(f"{line}\n" for _, line in survivors))
    for path, count in Counter(path for path, _ in survivors).most_common():
        print(f"{count:5} survive in {path}")
    print(f"{len(trials)} changes tried, {len(survivors)} survive; {len(refused)} more do not compile")


if __name__ == "__main__":
    main()
