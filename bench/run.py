#!/usr/bin/env python3
"""Measures publish beside other tools, each against a store in memory that answers so and so late.

    python3 bench/run.py                       sites A and B, 0, 20 and 100 ms, five times
    python3 bench/run.py --quick               once
    python3 bench/run.py --growth              publish alone: sites of 100 to 100,000 files, changes of 0 to all

The first time, it makes an environment in target/bench/venv with the tools out of PyPI. It builds publish and the store with
`cargo build --release` unless --no-build is said. What it found is in target/bench: results.json, table.md and plots. For
each tool, site, latency and time there is a new store, on which the scenarios run one after the other: `first` into an empty
bucket, `unchanged` with every file's time new, `edited`, and for publish `rollback`. The tools take turns, so that
whatever else the machine does meets all of them.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "target/bench"
VENV = OUT / "venv"

import sites
import tools
from store import Store, limit

# Some tools take minutes on site B; who wants them names them.
SLOW_ON_B = {"aws"}

# Files, and how many pages and assets an edit changes and how many pages it removes.
EDIT_OF_B = (20, 3, 1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="how often each scenario runs (5)")
    parser.add_argument("--quick", action="store_true", help="once: --runs 1")
    parser.add_argument("--latency", type=int, nargs="+", default=[0, 20, 100], help="milliseconds added to each answer")
    parser.add_argument("--sites", nargs="+", choices=["A", "B"], default=["A", "B"])
    parser.add_argument("--tools", nargs="+", choices=list(tools.SETTINGS), help="all; on site B all but aws")
    parser.add_argument("--growth", action="store_true", help="size of site and of change, for publish alone")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1_000, 10_000, 100_000], help="of --growth, in files")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--no-build", action="store_true", help="measure what was built before")
    parser.add_argument("--target", type=Path, default=ROOT / "target/release", help="where `publish` was built")
    return parser.parse_args()


def prepare():
    """Goes on in the bench's own environment, which it makes where it is missing."""
    python = VENV / "bin/python"
    if Path(sys.prefix) == VENV:
        return
    if not (VENV / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *tools.PACKAGES], check=True)
        (VENV / "installed").touch()
    os.execv(python, [python, *sys.argv])


def run(command, environment, home):
    """Seconds, processor seconds and most memory (in MiB) of a command, which must succeed."""
    place = Path(home, "measured.json")
    words = [sys.executable, "-I", "-S", ROOT / "bench/measured.py", place, *command]
    done = subprocess.run(words, env=environment, cwd=home, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\nfailed:\n{done.stdout}{done.stderr}")
    return json.loads(place.read_text())


def measure(program, command, before, after, latency, scenarios):
    """One tool on one new store: a row for each scenario."""
    rows = []
    with tempfile.TemporaryDirectory() as home, Store(program, latency) as store:
        environment = tools.environment(store.at, home)
        live = {}
        for scenario in scenarios:
            folder = after if scenario == "edited" else before
            if scenario != "rollback":
                sites.touch(folder)
            words = command(scenario, store.at, folder, home)
            cpu = store.cpu()
            row = run(words, environment, home)
            row["store_cpu"] = store.cpu() - cpu
            log = store.ask("log")
            old, live = live, store.live()
            expected = sites.digests(folder)
            put = {key.removeprefix("live/") for operation, key, _ in log["put"] if key.startswith("live/")}
            row |= {
                "scenario": scenario,
                "operations": log["operations"],
                "requests": sum(log["operations"].values()),
                "refused": log["refused"],
                "bytes": log["bytes"],
                "chain": log["chain"],
                # What a visitor gets that is not of this build: other bytes or none, or a page that has left.
                "stale": sum(live.get(path) != digest for path, digest in expected.items())
                + sum(path.endswith(".html") and path not in expected for path in live),
                "left": sum(not path.endswith(".html") and path not in expected for path in live),
                # What was written although the same bytes lay there.
                "needless": sum(path in old and old[path] == live.get(path) for path in put),
            }
            rows.append(row)
    return rows


def compare(options, program, folder_of):
    rows, made = [], tools.all_tools(options.target / "publish")
    for number in range(options.runs):
        for site in options.sites:
            for latency in options.latency:
                for name, command in made.items():
                    if name not in (options.tools or made) or (site == "B" and name in SLOW_ON_B and not options.tools):
                        continue
                    scenarios = tools.SCENARIOS if name.startswith("publish") else tools.SCENARIOS[:-1]
                    print(f"run {number + 1} of {options.runs}: site {site}, {latency} ms, {name}", flush=True)
                    found = measure(program, command, *folder_of(site), latency, scenarios)
                    rows += [{"tool": name, "site": site, "latency": latency, "run": number} | row for row in found]
                    save(options, "results.json", rows)
    return rows


def limits(program):
    """The most that the store does, without a tool. A tool that comes near is held up by the store."""
    rows = []
    for latency, connections, count in [(0, 64, 4_000), (20, 256, 4_000), (100, 256, 4_000)]:
        wall, cpu, own = limit(program, latency, connections, count)
        rows.append({"latency": latency, "connections": connections, "count": count, "wall": wall, "cpu": cpu, "own": own})
    return rows


def save(options, name, rows):
    system = {
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "python": platform.python_version(),
        "seed": options.seed,
        "built": str(options.target.name),
        "time": time.strftime("%Y-%m-%d %H:%M"),
    }
    (OUT / name).write_text(json.dumps({"system": system, "rows": rows}))


def spread(values, digits):
    """The median, and in brackets the least and the most."""
    middle, least, most = (f"{value:.{digits}f}" for value in [statistics.median(values), min(values), max(values)])
    return middle if least == most else f"{middle} ({least}–{most})"


def table(rows):
    """A Markdown table for each site and scenario."""
    lines = []
    for site in sorted({row["site"] for row in rows}):
        for scenario in tools.SCENARIOS:
            chosen = [row for row in rows if (row["site"], row["scenario"]) == (site, scenario)]
            if not chosen:
                continue
            lines += [
                f"\n### Site {site}, {scenario}\n",
                "| latency | tool | wall s | CPU s | of the store s | MiB | requests | bytes | chain | stale | needless |",
                "|---|---|---|---|---|---|---|---|---|---|---|",
            ]
            for latency in sorted({row["latency"] for row in chosen}):
                for tool in tools.SETTINGS:
                    some = [row for row in chosen if (row["latency"], row["tool"]) == (latency, tool)]
                    if not some:
                        continue
                    column = lambda name: [row[name] for row in some]
                    # Without latency, what is sent together need not overlap.
                    chain = str(min(len(row["chain"]) for row in some)) if latency else "-"
                    cells = [
                        *[f"{latency} ms", tool, spread(column("wall"), 2), spread(column("cpu"), 2)],
                        *[spread(column("store_cpu"), 2), spread(column("rss"), 0), spread(column("requests"), 0)],
                        *[f"{statistics.median(column('bytes')):,.0f}", chain],
                        *[spread(column("stale"), 0), spread(column("needless"), 0)],
                    ]
                    lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def ratios(rows):
    """publish beside the fastest of the others, by medians."""
    lines = ["\n### publish beside the fastest other tool\n", "| site | latency | scenario | publish s | fastest s | ratio |"]
    lines.append("|---|---|---|---|---|---|")
    median = lambda some: statistics.median(row["wall"] for row in some)
    for site in sorted({row["site"] for row in rows}):
        for latency in sorted({row["latency"] for row in rows}):
            for scenario in tools.SCENARIOS[:-1]:
                by_tool = {}
                for row in rows:
                    if (row["site"], row["latency"], row["scenario"]) == (site, latency, scenario):
                        by_tool.setdefault(row["tool"], []).append(row)
                others = {median(some): name for name, some in by_tool.items() if not name.startswith("publish")}
                if others and "publish" in by_tool:
                    own, fastest = median(by_tool["publish"]), min(others)
                    best = f"{fastest:.2f} ({others[fastest]})"
                    lines.append(f"| {site} | {latency} ms | {scenario} | {own:.2f} | {best} | {own / fastest:.2f} |")
    return "\n".join(lines)


def limit_table(rows):
    lines = ["\n### The store alone\n", "| latency | connections | PUTs of 9 kB | PUT/s | store, CPU of a PUT | client, CPU of a PUT |"]
    lines.append("|---|---|---|---|---|---|")
    for row in rows:
        each = [f"{row[name] / row['count'] * 1e3:.2f} ms" for name in ["cpu", "own"]]
        cells = [f"{row['latency']} ms", row["connections"], row["count"], f"{row['count'] / row['wall']:,.0f}", *each]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def grow(options, program):
    """publish alone, at 20 ms: against the size of the site, and against the size of the change."""
    rows, command = [], tools.all_tools(options.target / "publish")["publish"]
    folder = lambda size, *edit: sites.made(
        OUT / f"sites/pages-{options.seed}-{size}-{'-'.join(map(str, edit))}", sites.pages, options.seed, size, *edit
    )
    for size in options.sizes:
        before, after = folder(size, 0, 0, 0), folder(size, 20, 3, 1)
        for _ in range(options.runs):
            print(f"a site of {size} files", flush=True)
            rows += [row | {"by": "size", "x": size} for row in measure(program, command, before, after, 20, tools.SCENARIOS)]
    size = 10_000
    for changed in [0, 1, 10, 100, 1_000, 9_500]:
        before, after = folder(size, 0, 0, 0), folder(size, changed, 0, 0)
        for _ in range(options.runs):
            print(f"{changed} pages changed of {size} files", flush=True)
            found = measure(program, command, before, after, 20, ["first", "edited"])
            rows += [row | {"by": "change", "x": changed} for row in found if row["scenario"] == "edited"]
    save(options, "growth.json", rows)
    return rows


def main():
    options = arguments()
    OUT.mkdir(parents=True, exist_ok=True)
    prepare()
    import plots

    options.runs = 1 if options.quick else options.runs
    options.target = options.target.resolve()
    if not options.no_build:
        build = ["cargo", "build", "--release", "--bin", "publish", "--example", "bench_store"]
        subprocess.run(build, cwd=ROOT, check=True)
    program = options.target / "examples/bench_store"
    if options.growth:
        plots.growth(grow(options, program), OUT)
        return

    folders = {"A": {}, "B": {}}
    for name, build, shapes in [
        ("A", sites.app, {"before": (False,), "after": (True,)}),
        ("B", sites.pages, {"before": (10_000, 0, 0, 0), "after": (10_000, *EDIT_OF_B)}),
    ]:
        if name in options.sites:
            for which, shape in shapes.items():
                place = OUT / f"sites/{name}-{options.seed}-{which}"
                folders[name][which] = sites.made(place, build, options.seed, *shape)
    alone = limits(program)
    rows = compare(options, program, lambda site: folders[site].values())
    tables = limit_table(alone) + "\n" + table(rows) + "\n" + ratios(rows) + "\n"
    (OUT / "table.md").write_text(tables)
    plots.comparison(rows, OUT)
    print(tables)


if __name__ == "__main__":
    main()
