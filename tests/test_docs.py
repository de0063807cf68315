"""The documentation says what the code does. `python tests/test_docs.py` writes the parts between markers anew."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from starshift import catalogue
from starshift.cli.main import app
from starshift.ladder.families import LADDERS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
COMMANDS = (
    "",
    "fit",
    "check",
    "predict",
    "explain",
    "export",
    "report",
    "review",
    "forecast",
    "reproduce",
    "pretrain",
    "summary",
    "demo",
    "store",
    "store init",
    "store publish",
    "store list",
    "store show",
    "store pull",
    "store push",
    "store remove",
    "store verify",
    "store serve",
    "store token",
    "store log",
    "store search",
    "store reuse",
)


def help_text(command: str) -> str:
    """What `starshift COMMAND --help` prints on a terminal of 80 columns, as a block of Markdown."""
    words = command.split()
    result = CliRunner().invoke(app, [*words, "--help"], prog_name="starshift", terminal_width=78)
    assert result.exit_code == 0
    heading = " ".join(["starshift", *words, "--help"])
    return f"```text\n$ {heading}\n{result.output.rstrip()}\n```"


def weights_table() -> str:
    """The catalogue as a table: what to ask for, which file it wants, and what is known of it."""
    head = "| `--base` | file | MB | pixels | features | licence |\n|---|---|---:|---:|---:|---|\n"
    return head + "\n".join(
        f"| `{base.name}` | [`{base.weights_file}`]({base.weights_url}) | {base.weights_megabytes} | {base.size} "
        f"| {base.features:,} | {base.licence} |"
        for base in catalogue.BASES.values()
        if base.transformer is None
    )


def hub_table() -> str:
    """The catalogue's bases of KerasHub as a table."""
    head = "| `--base` | MB | features | licence | trained on | source |\n|---|---:|---:|---|---|---|\n"
    return head + "\n".join(
        f"| [`{base.name}`]({base.weights_url}) | {base.weights_megabytes} | {base.features} | {base.licence} "
        f"| {base.trained_on} | {base.source} |"
        for base in catalogue.BASES.values()
        if base.transformer
    )


def policies_table() -> str:
    """Every augmentation policy by name, with its amounts in words."""
    from starshift.augmentation import POLICIES, amounts

    head = "| policy | every training picture is |\n|---|---|\n"
    rows = (f"| `{name}` | {', '.join(amounts(policy)) or 'left as it is'} |" for name, policy in POLICIES.items())
    return head + "\n".join(rows)


def errors_page() -> str:
    """The exception family as its module draws it."""
    import starshift.errors

    drawing = (starshift.errors.__doc__ or "").split("\n\n")[1]
    return f"```text\n{drawing}\n```"


MADE: dict[tuple[str, str], Callable[[], str]] = {
    **{("cli.md", f"help {name}".rstrip()): (lambda name=name: help_text(name)) for name in COMMANDS},
    ("weights.md", "catalogue"): weights_table,
    ("weights.md", "hub"): hub_table,
    ("augmentation.md", "policies"): policies_table,
    ("python.md", "errors"): errors_page,
}
"""What is made by a program: page and marker → text."""


def between(page: str, marker: str) -> str:
    """The text between `<!-- begin MARKER -->` and `<!-- end MARKER -->`."""
    found = re.search(rf"<!-- begin {marker} -->\n(.*?)\n<!-- end {marker} -->", page, re.DOTALL)
    assert found, f"no place for {marker!r}"
    return found[1]


@pytest.mark.parametrize(("page", "marker"), MADE)
def test_what_is_between_markers_is_what_the_program_says(page: str, marker: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert between(text, marker) == MADE[page, marker](), "run: python tests/test_docs.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_picture_is_there(page: Path) -> None:
    missing = []
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page)):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = page.parent / path if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            missing.append(target)
    assert not missing


def without_code(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub makes links of them."""
    headings = re.findall(r"^#+ (.+)$", without_code(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_targets_and_extras_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"^make ([a-z]+)", text, re.MULTILINE)) | set(re.findall(r"`make ([a-z]+)`", text))
    assert named <= targets
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = re.findall(r"(?:starshift|\.)\[([\w,-]+)\]", text)
    assert {extra for group in extras for extra in group.split(",")} <= set(project["optional-dependencies"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_option_that_a_page_names_is_an_option(page: Path) -> None:
    """Options of `starshift` lines in blocks, and all that stand alone in backticks."""
    text = page.read_text(encoding="utf-8")
    known = set(re.findall(r"--[a-z-]+", " ".join(help_text(command) for command in COMMANDS)))
    lines = [line for line in text.splitlines() if re.match(r"\s*(\$ )?starshift ", line)]
    named = {option for line in lines for option in re.findall(r"(?<=\s)--[a-z-]+", line)}
    named |= set(re.findall(r"`(--[a-z-]+)[` ]", text))
    assert named - {"--help"} <= known | OTHERS


OTHERS = {"--editable", "--quick", "--repeats", "--rivals-python", "--data", "--weights"}
"""Options of pip and of the benchmarks."""


def test_every_rung_has_its_section() -> None:
    assert set(LADDERS["pictures"]) <= anchors(ROOT / "docs" / "rungs.md")


def test_every_page_is_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")}
    assert pages == {Path(target).name for target in re.findall(r"\]\(docs/([^)#]+\.md)", readme)}


def test_both_readmes_show_the_same_commands() -> None:
    blocks = [
        re.findall(r"```(?:sh|python)\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
        for name in ("README.md", "README.zh.md")
    ]
    english, chinese = ([re.sub(r"\s*#.*", "", block) for block in found] for found in blocks)
    assert english == chinese


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text and "END OF TERMS AND CONDITIONS" in text and len(text) > 11_000


def test_every_public_name_is_documented() -> None:
    import starshift

    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    assert all(f"`starshift.{name}" in page for name in starshift.__all__ if not name.startswith("_"))


def write() -> None:
    """Write every part between markers anew."""
    for (name, marker), make in MADE.items():
        page = ROOT / "docs" / name
        text = page.read_text(encoding="utf-8")
        begin, end = f"<!-- begin {marker} -->", f"<!-- end {marker} -->"
        before, _, rest = text.partition(begin)
        after = rest.partition(end)[2]
        page.write_text(f"{before}{begin}\n{make()}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    write()
