"""The results as pictures."""

import statistics

import matplotlib

matplotlib.use("Agg")
# The same numbers give the same bytes.
matplotlib.rcParams["svg.hashsalt"] = "publish"
from matplotlib import pyplot

import tools

MEASURES = [("wall", "wall, s"), ("cpu", "CPU, s"), ("rss", "most memory, MiB"), ("requests", "requests")]


def save(figure, place):
    figure.tight_layout()
    figure.savefig(place, metadata={"Date": None})
    pyplot.close(figure)


def comparison(rows, out):
    """For each site: a panel for each scenario and measure, a group of bars for each latency; bars end at the median, and the
    lines on them reach from the least to the most."""
    for site in sorted({row["site"] for row in rows}):
        scenarios = [name for name in tools.SCENARIOS if any((row["site"], row["scenario"]) == (site, name) for row in rows)]
        latencies = sorted({row["latency"] for row in rows})
        names = [name for name in tools.SETTINGS if any((row["site"], row["tool"]) == (site, name) for row in rows)]
        figure, panels = pyplot.subplots(len(MEASURES), len(scenarios), figsize=(4.2 * len(scenarios), 11), squeeze=False)
        for across, scenario in enumerate(scenarios):
            for down, (measure, label) in enumerate(MEASURES):
                panel = panels[down][across]
                for place, name in enumerate(names):
                    for group, latency in enumerate(latencies):
                        key = (site, scenario, name, latency)
                        some = [
                            row[measure]
                            for row in rows
                            if (row["site"], row["scenario"], row["tool"], row["latency"]) == key
                        ]
                        if some:
                            middle = statistics.median(some)
                            reach = [[middle - min(some)], [max(some) - middle]]
                            at = group + (place - (len(names) - 1) / 2) * 0.8 / len(names)
                            panel.bar(
                                at, middle, 0.8 / len(names), yerr=reach, color=f"C{place}", label=name if group == 0 else None
                            )
                panel.set_xticks(range(len(latencies)), [f"{latency} ms" for latency in latencies])
                panel.set_ylim(bottom=0)
                if across == 0:
                    panel.set_ylabel(label)
                if down == 0:
                    panel.set_title(f"site {site}, {scenario}")
        panels[0][0].legend(fontsize="x-small")
        save(figure, out / f"site-{site}.svg")


def growth(rows, out):
    """Time, requests, bytes and memory against the size of the site and of the change."""
    measures = [*MEASURES[:1], *MEASURES[3:], ("bytes", "bytes sent"), *MEASURES[2:3]]
    figure, panels = pyplot.subplots(2, len(measures), figsize=(16, 8))
    for down, (by, label) in enumerate([("size", "files of the site"), ("change", "pages changed of 10,000 files")]):
        for panel, (measure, name) in zip(panels[down], measures):
            for scenario in tools.SCENARIOS:
                points = {}
                for row in rows:
                    if (row["by"], row["scenario"]) == (by, scenario):
                        points.setdefault(row["x"], []).append(row[measure])
                if points:
                    places = sorted(points)
                    middles = [statistics.median(points[place]) for place in places]
                    panel.plot(places, middles, marker="o", label=scenario)
            panel.set_xscale("log" if by == "size" else "symlog")
            panel.set_yscale("symlog" if measure == "bytes" else "log")
            panel.set_xlabel(label)
            panel.set_ylabel(name)
        panels[down][0].legend(fontsize="x-small")
    save(figure, out / "growth.svg")
