"""Sites made from a seed: the same seed gives the same bytes, on every machine.

Names of assets hold the MD5 of their own bytes, in hex, as webpack's do with `hashFunction: "md5"` and `realContentHash`: an
asset that changes gets another name, and so do the pages change that refer to it.
"""

import hashlib
import os
import random
import shutil
from pathlib import Path

WORDS = (
    "harbour lantern winter market signal copper window garden river paper engine village morning station letter island "
    "timber morrow candle bridge kitchen weather journey pocket silver orchard meadow carpet ladder shelter pepper basket"
).split()


class Site:
    """A site that is being written to a folder."""

    def __init__(self, folder, seed):
        self.folder = folder
        self.seed = seed

    def add(self, path, data):
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def random(self, name, edition=0):
        return random.Random(f"{self.seed}/{name}/{edition}")

    def text(self, name, edition, size, line):
        """About `size` bytes, of lines that `line` makes of words."""
        rng = self.random(name, edition)
        size = int(size * rng.uniform(0.6, 1.4))
        parts, length = [], 0
        while length < size:
            parts.append(line(len(parts), " ".join(rng.choices(WORDS, k=40))))
            length += len(parts[-1])
        return "".join(parts)

    def page(self, name, edition, size, assets):
        """An HTML page that loads `assets`."""
        load = "".join(
            f'<link rel="stylesheet" href="/{path}">\n'
            if path.endswith(".css")
            else f'<img src="/{path}" alt="">\n'
            if path.endswith(".png")
            else f'<script type="module" crossorigin src="/{path}"></script>\n'
            for path in assets
        )
        words = self.text(name, edition, size, lambda _, words: f"<p>{words}.</p>\n")
        title = f"{name} {edition}"
        head = f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n{load}</head>\n'
        return f'{head}<body><h1>{title}</h1>\n<a href="/">Home</a>\n{words}</body></html>\n'.encode()

    def script(self, name, edition, size, imports=()):
        """A minified module that imports `imports`, which lie in the same folder."""
        load = "".join(f'import"./{Path(path).name}";' for path in imports)
        return (load + self.text(name, edition, size, lambda n, words: f'export const a{n}="{words}";')).encode()

    def style(self, name, edition, size):
        line = lambda n, words: f".c{n}{{color:#333;margin:{n}px}}/*{words}*/"
        return self.text(name, edition, size, line).encode()

    def picture(self, name, size):
        rng = self.random(name)
        return b"\x89PNG\r\n\x1a\n" + rng.randbytes(int(size * rng.uniform(0.6, 1.4)))

    def asset(self, name, ending, data):
        """Adds an asset under its hashed name, which is the answer."""
        path = f"assets/{name}-{hashlib.md5(data).hexdigest()[:20]}.{ending}"
        self.add(path, data)
        return path


def app(folder, seed, edited):
    """Site A, 70 files like a Vite app's. Edited: one chunk and one style sheet, and so the entry that imports the chunk and
    the 5 pages that load the entry; the sixth page is gone."""
    site = Site(folder, f"app/{seed}")
    edition = int(edited)
    chunks = [
        site.asset(f"chunk{n}", "js", site.script(f"chunk{n}", edition if n == 7 else 0, 9_000)) for n in range(34)
    ]
    styles = [site.asset(f"style{n}", "css", site.style(f"style{n}", edition if n == 0 else 0, 4_000)) for n in range(8)]
    pictures = [site.asset(f"picture{n}", "png", site.picture(f"picture{n}", 40_000)) for n in range(16)]
    entry = site.asset("index", "js", site.script("index", 0, 120_000, chunks))
    pages = ["index.html", "404.html", "about/index.html", "contact/index.html", "terms/index.html", "old/index.html"]
    for number, path in enumerate(pages):
        if not (edited and path.startswith("old/")):
            site.add(path, site.page(path, 0, 2_000, [entry, *styles, *pictures[number::6]]))
    site.add("robots.txt", b"User-agent: *\nAllow: /\n")
    site.add("humans.txt", b"Written by nobody.\n")
    site.add("data/products.json", b'{"products":[1,2,3]}\n')
    site.add("favicon.svg", b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0h1v1z"/></svg>\n')
    site.add("licence.txt", b"MIT\n")


def pages(folder, seed, count, changed_pages, changed_assets, removed):
    """A site of `count` files: 95 % HTML, 4 % hashed scripts and styles, 1 % images, 9.9 kB a file; of 10,000 files it is
    site B, 98.8 MB. Of its assets, four are on every page and each other one on six. As many pages change as is said, those
    first that refer to a changed asset, and as many pages at the end are gone."""
    site = Site(folder, f"pages/{seed}/{count}")
    assert changed_pages >= 6 * changed_assets, "a changed asset changes its pages"
    assets, images = max(5, count // 25), max(1, count // 100)
    html = count - assets - images
    shared = []
    for n in range(4):
        ending, data = ("css", site.style(f"base{n}", 0, 18_000)) if n < 2 else ("js", site.script(f"base{n}", 0, 58_000))
        shared.append(site.asset(f"base{n}", ending, data))
    islands = []
    for n in range(assets - 4):
        edition = int(n < changed_assets)
        data = site.style(f"part{n}", edition, 18_000) if n % 4 == 0 else site.script(f"part{n}", edition, 58_000)
        islands.append(site.asset(f"part{n}", "css" if n % 4 == 0 else "js", data))
    pictures = [f"images/picture-{n}.png" for n in range(images)]
    for path in pictures:
        site.add(path, site.picture(path, 90_000))
    for n in range(html - removed):
        path = "index.html" if n == html // 2 else f"section-{n % 100:02}/page-{n:06}.html"
        # The island of six pages in a row; after the last island there is none.
        own = islands[n // 6 : n // 6 + 1]
        loads = [*shared, *own, pictures[n % images]]
        site.add(path, site.page(path, int(n < changed_pages), 6_720, loads))


def made(folder, build, *arguments):
    """The folder, in which `build` has written a site. What was made there before is not made again: the folder's name says
    what it is."""
    done = folder.with_name(folder.name + ".done")
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        build(folder, *arguments)
        done.touch()
    return folder


def touch(folder):
    """Makes every file new, as a build or a checkout does."""
    for parent, _, names in os.walk(folder):
        for name in names:
            os.utime(os.path.join(parent, name))


def digests(folder):
    """The SHA-256 of each file, by its path."""
    found = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            place = Path(parent, name)
            found[place.relative_to(folder).as_posix()] = hashlib.sha256(place.read_bytes()).hexdigest()
    return found
