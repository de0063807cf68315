"""`starshift.review`: the page on which a person decides what suspected labels should be."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import asdict
from pathlib import Path

from starshift.data.decode import Frame, decode
from starshift.data.overlay import FILE, Decision, Overlay, read_overlay
from starshift.data.sources import Source, open_source
from starshift.data.thumbnails import thumbnail
from starshift.errors import DataError, RunError, UnreadablePicture, UsageError
from starshift.ladder.folder import RunFolder
from starshift.progress import Progress, Silent
from starshift.records import Dataset, RunRecord, Suspect, Suspects, files
from starshift.report import words
from starshift.report.render import render
from starshift.report.review import review as view

MOST = 200
"""Pictures on the page unless another number is asked for: half an hour's work, and some 5 MB."""

SIDE = 400
"""Longest side in pixels of a picture on the page."""


def review(
    run: str | Path, *, photos: str | Path | None = None, most: int = MOST, progress: Progress | None = None
) -> Path:
    """Write review.html into a run's folder and return its path: one page, offline, with the suspects' pictures in it.

    run: a run's folder whose labels were searched for wrong ones. photos: where its pictures lie now, if not where they
    were. most: how many of the most suspicious pictures to show. Decisions in RUN/labels.overlay.csv, or in the file
    that the run was fitted with, are on the page already. Raises UsageError, RunError or DataError.
    """
    if most < 1:
        raise UsageError(f"--most is how many pictures to show, 1 or more; {most} came.")
    folder = RunFolder(Path(run))
    record, dataset, suspects = folder.read_run(), folder.read_dataset(), folder.read_suspects()
    if suspects is None:
        raise RunError(_no_suspects(folder, record))
    overlay = _overlay(folder, record, dataset)
    shown = _to_decide(suspects)[:most]
    pictures = _Shown(source_of(photos, record), dataset, progress or Silent())
    jpegs = pictures.jpegs(shown)
    page = render(
        view(
            record,
            dataset,
            shown,
            decisions=[_without_line(one) for one in overlay.decisions.values()] if overlay else [],
            decisions_digest=overlay.digest if overlay else "",
            picture=jpegs.get,
            place=str(folder.path / FILE),
            key=hashlib.sha256(str(folder.path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16],
            command=_command(record, folder.path / FILE),
        ),
        "review.html",
    )
    file = folder.path / "review.html"
    files.write_bytes(page.encode("utf-8", "replace"), file)
    return file


def source_of(photos: str | Path | None, record: RunRecord) -> Source:
    """Where a run's pictures lie. Raises DataError."""
    if photos is None and not Path(record.data.source).expanduser().exists():
        raise DataError(
            f"The run's pictures are not at '{record.data.source}', seen from here. Say with --photos where they lie "
            "now."
        )
    return open_source(photos or record.data.source)


def _no_suspects(folder: RunFolder, record: RunRecord) -> str:
    why = next((finding.sentence for finding in record.findings if finding.kind == "suspected labels"), "")
    return f"{folder.path} has no suspects.json. {why or 'Run `starshift fit` on it again with the rung features.'}"


def _overlay(folder: RunFolder, record: RunRecord, dataset: Dataset) -> Overlay | None:
    """Decisions made before: next to the run, or those that it was fitted with."""
    fitted_with = [Path(record.overlay.file)] if record.overlay else []
    found = next((file for file in (folder.path / FILE, *fitted_with) if file.is_file()), None)
    return read_overlay(found, dataset.classes) if found else None


def _to_decide(suspects: Suspects) -> list[Suspect]:
    """What looks wrong, then what is only less sure; and of each picture one copy."""
    once = {one.digest: one for one in reversed(suspects.ranked)}
    ranked = [one for one in suspects.ranked if once[one.digest] is one]
    return sorted(ranked, key=lambda one: not one.looks_wrong)


def _without_line(decision: Decision) -> dict[str, str]:
    return {name: value for name, value in asdict(decision).items() if name != "line"}


def _command(record: RunRecord, file: Path) -> str:
    """The run's own command with the overlay."""
    given = shlex.split(record.command, comments=True)
    if "--overlay" in given:
        place = given.index("--overlay")
        del given[place : place + 2]
    return shlex.join([*given, "--overlay", str(file)])


class _Shown:
    """The source's pictures, as the page shows them."""

    def __init__(self, source: Source, dataset: Dataset, progress: Progress) -> None:
        self.source, self.progress = source, progress
        self.sizes = {one.path: (one.width, one.height) for one in dataset.pictures}

    def jpegs(self, suspects: list[Suspect]) -> dict[str, bytes]:
        """Small JPEGs by path. Raises DataError where none of the pictures is there any more."""
        self.progress.start("pictures", len(suspects))
        found = {}
        for done, one in enumerate(suspects, start=1):
            if (jpeg := self._jpeg(one)) is not None:
                found[one.path] = jpeg
            self.progress.update(done, len(suspects))
        self.progress.finish()
        if suspects and not found:
            raise DataError(
                f"None of the {len(suspects):,} pictures to be shown is in {self.source.name!r} any more. Say with "
                "--photos where they lie now."
            )
        if gone := len(suspects) - len(found):
            self.progress.say(
                f"{words.counted(gone, 'picture')} changed or vanished since the run and cannot be shown."
            )
        return found

    def _jpeg(self, one: Suspect) -> bytes | None:
        """None where the file is not the one that was judged."""
        try:
            data = self.source.read(one.path)
            if hashlib.sha256(data).hexdigest() != one.digest:
                return None
            side = min(SIDE, max(self.sizes[one.path]))  # a small one is not blurred by enlarging it
            square, _ = decode(data, Frame(side))
        except UnreadablePicture:
            return None
        return thumbnail(square, *self.sizes[one.path], side=side)
