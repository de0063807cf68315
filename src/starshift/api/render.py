"""A run folder → its report, at the end of a fit and again later."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from starshift.api.sheets import make_sheets
from starshift.data.decode import Frame, decode
from starshift.data.read import Pictures
from starshift.data.thumbnails import thumbnail
from starshift.ladder.folder import RunFolder
from starshift.ladder.forecast import latest
from starshift.records import Predictions, RunRecord, files
from starshift.report.render import render
from starshift.report.view import view, wanted


def write_report(folder: RunFolder, pictures: Pictures | None, predictions: Mapping[str, Predictions]) -> Path:
    """Write report.html from what lies in a run folder; returns its path.

    pictures: the source, from which thumbnails that are not in the folder yet are made; None if only those
        that are there shall be shown.
    predictions: on the validation part, by rung.
    """
    run, dataset = folder.read_run(), folder.read_dataset()
    suspects = folder.read_suspects()
    digests = {picture.path: picture.digest for picture in dataset.pictures}
    if pictures is not None:
        _make_thumbnails(folder, pictures, wanted(run, predictions, suspects))

    def stored(path: str) -> bytes | None:
        file = folder.thumbnail(digests.get(path, ""))
        return file.read_bytes() if file.is_file() else None

    histories = {rung.name: folder.read_history(rung.name) for rung in run.rungs}
    page = render(
        view(
            run,
            dataset,
            histories=histories,
            predictions=predictions,
            test=folder.read_test(),
            thumbnail=stored,
            sheets=make_sheets(folder, run, dataset, pictures),
            suspects=suspects,
            forecast=latest(folder, run),
            picture_map=folder.read_map(),
        )
    )
    report = folder.path / "report.html"
    files.write_bytes(page.encode("utf-8", "replace"), report)
    return report


def read_predictions(folder: RunFolder, run: RunRecord) -> dict[str, Predictions]:
    """The validation predictions of all finished rungs."""
    return {rung.name: folder.read_predictions(rung.name) for rung in run.rungs if rung.status == "finished"}


def _make_thumbnails(folder: RunFolder, pictures: Pictures, paths: list[str]) -> None:
    wanted_paths = set(paths)
    shown = [picture for picture in pictures.dataset.pictures if picture.path in wanted_paths]
    folder.sweep_thumbnails({picture.digest for picture in shown})
    for picture in shown:
        if folder.thumbnail(picture.digest).is_file():
            continue
        square, _ = decode(pictures.bytes(picture.path), Frame(224))
        files.write_bytes(thumbnail(square, picture.width, picture.height), folder.thumbnail(picture.digest))
