#!/usr/bin/env python3
"""Writes the workflows that docs/ci.md shows for GitHub into a folder, so that they can be linted as files.

    packaging/samples.py FOLDER
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    folder = Path(sys.argv[1], ".github/workflows")
    folder.mkdir(parents=True, exist_ok=True)
    blocks = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs/ci.md").read_text(), re.MULTILINE | re.DOTALL)
    workflows = [block for block in blocks if re.search(r"^on:", block, re.MULTILINE)]
    assert len(workflows) == 6, len(workflows)
    for block in workflows:
        name = re.match(r"name: (\S+)\n", block)[1]
        (folder / f"{name}.yml").write_text(block)


if __name__ == "__main__":
    main()
