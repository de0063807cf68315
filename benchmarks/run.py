"""Run the benchmarks, all or those named, and write their tables into docs/benchmarks.md between its markers."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from datetime import date

from benchmarks.common import ROOT, options, parser, stop

PAGE = ROOT / "docs" / "benchmarks.md"

NAMES = (
    "start",
    "transfer",
    "caltech",
    "frozen",
    "views",
    "finetuned",
    "breeds",
    "forecast",
    "convnet",
    "augment",
    "accuracy",
    "labels",
    "duplicates",
    "findings",
    "memory",
    "predict",
    "predicted",
    "protocols",
    "recipes",
    "coverage",
    "calibration",
    "texts",
    "boston",
    "multitask",
    "ensemble",
    "variance",
    "distilled",
    "export",
    "specification",
    "fuzz",
    "store",
    "search",
    "reuse",
    "shelf",
)
"""Every benchmark, in the order of the page."""


def main() -> None:
    """`python -m benchmarks.run [NAME …]`, which is `make bench`."""
    made = parser(__doc__)
    made.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all if none is given")
    given = made.parse_args()
    if unknown := set(given.names) - set(NAMES):
        stop(f"There is no benchmark {', '.join(sorted(unknown))}. There are: {', '.join(NAMES)}.")
    chosen = options(given)
    for name in given.names or NAMES:
        print(f"\n{name}", flush=True)
        text = importlib.import_module(f"benchmarks.{name}").measure(chosen)
        if not chosen.quick:  # its figures mean nothing, so that they are not written down
            write(name, f"{text}\n\n{surroundings()}")


def write(name: str, text: str) -> None:
    """Put a benchmark's text between its markers; the rest of the page stays as it is."""
    page = PAGE.read_text(encoding="utf-8")
    begin, end = markers(name)
    found = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not found.search(page):
        stop(f"{PAGE} has no place for it: {begin} … {end}.")
    PAGE.write_text(found.sub(lambda _: f"{begin}\n{text}\n{end}", page), encoding="utf-8")


def markers(name: str) -> tuple[str, str]:
    """The comments between which a benchmark's table stands."""
    return f"<!-- begin {name} -->", f"<!-- end {name} -->"


def surroundings() -> str:
    """Machine, versions and date, in one line."""
    from starshift.api.environment import environment

    here = environment()
    versions: Mapping[str, str] = {"starshift": here.starshift, "Python": here.python, **here.versions}
    listed = ", ".join(f"{library} {version}" for library, version in versions.items())
    return f"*{date.today().isoformat()}; {here.processor}, {here.cores} cores, {here.memory_gib:.0f} GiB; {listed}.*"


if __name__ == "__main__":
    main()
