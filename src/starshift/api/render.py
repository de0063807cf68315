"""A run folder → its report, at the end of a fit and again later."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from starshift.api.excerpts import text_look
from starshift.api.sheets import make_sheets
from starshift.data.content import Content
from starshift.data.decode import Frame, decode
from starshift.data.read import Pictures
from starshift.data.thumbnails import thumbnail
from starshift.ladder.folder import RunFolder
from starshift.ladder.forecast import latest
from starshift.records import Answers, RunRecord, files
from starshift.report.render import render
from starshift.report.view import view, wanted


def write_report(folder: RunFolder, content: Content | None, answers: Mapping[str, Answers]) -> Path:
    """Write report.html from what lies in a run folder; returns its path.

    content: the source; of pictures, thumbnails that are not in the folder yet are made; None if only those
        that are there shall be shown.
    answers: on the validation part, by rung.
    """
    run, dataset = folder.read_run(), folder.read_dataset()
    suspects = folder.read_suspects()
    pictures = cast(Pictures, content) if content is not None and dataset.family == "pictures" else None
    digests = {example.path: example.digest for example in dataset.examples}
    if pictures is not None:
        _make_thumbnails(folder, pictures, wanted(run, answers, suspects))

    def stored(path: str) -> bytes | None:
        file = folder.thumbnail(digests.get(path, ""))
        return file.read_bytes() if file.is_file() else None

    histories = {rung.name: folder.read_history(rung.name) for rung in run.rungs}
    page = render(
        view(
            run,
            dataset,
            histories=histories,
            answers=answers,
            test=folder.read_test(dataset.target),
            thumbnail=stored,
            sheets=make_sheets(folder, run, dataset, pictures),
            suspects=suspects,
            forecast=latest(folder, run),
            picture_map=folder.read_map(),
            texts=text_look(folder, run, dataset, content, answers),
            why=folder.read_why(),
        )
    )
    report = folder.path / "report.html"
    files.write_bytes(page.encode("utf-8", "replace"), report)
    return report


def read_answers(folder: RunFolder, run: RunRecord) -> dict[str, Answers]:
    """What all finished rungs said of the validation part."""
    target = folder.read_dataset().target
    return {rung.name: folder.read_answers(rung.name, target) for rung in run.rungs if rung.status == "finished"}


def _make_thumbnails(folder: RunFolder, pictures: Pictures, paths: list[str]) -> None:
    wanted_paths = set(paths)
    shown = [picture for picture in pictures.dataset.pictures if picture.path in wanted_paths]
    folder.sweep_thumbnails({picture.digest for picture in shown})
    for picture in shown:
        if folder.thumbnail(picture.digest).is_file():
            continue
        square, _ = decode(pictures.bytes(picture.path), Frame(224))
        files.write_bytes(thumbnail(square, picture.width, picture.height), folder.thumbnail(picture.digest))
