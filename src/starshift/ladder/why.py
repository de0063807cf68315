"""Why the chosen model erred: in its worst mistakes, what it looked at, and which training pictures they are like.

Made once at the end of a fit, kept in the run folder, and only read for a report.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from starshift.compose.occlusion import COARSE, STEPS_PER_PATCH, answered, named, occlusion, unexplained
from starshift.compose.predictor import Predictor
from starshift.data.decode import decode
from starshift.errors import RunError, StarshiftError
from starshift.ladder.folder import RunFolder
from starshift.ladder.materials import Materials
from starshift.ladder.nearest import Decoded, as_alike, neighbourhood
from starshift.recipe import digest
from starshift.records import WHY_SCHEMA, Alike, Picture, Reason, RungRecord, Why

FORM = 1
"""Raised by one whenever the same model and pictures would be explained in another way."""

MOST_SECONDS = 20.0
"""After which no further map is begun, so that a report never waits long for them: 9 with MobileNetV2 at 224 px and
their neighbours took 3 seconds on 2 busy cores."""

CELLS = COARSE[0] * STEPS_PER_PATCH
"""Of a map that is kept, on each side: at this coarseness patches tell no more apart."""


def look(
    chosen: str, paths: Sequence[str], rungs: Sequence[RungRecord], materials: Materials, folder: RunFolder
) -> None:
    """Write why.json for a run's chosen rung; without mistakes of a model of pictures, that of an earlier call goes.

    paths: of the mistakes, the worst first. rungs: those climbed. What an earlier call found for the same model,
    mistakes and training part is kept. Whatever lacks is said in the record: a finished climb is not lost with it.
    """
    known = {picture.path: picture for picture in materials.dataset.pictures}
    pictures = [known[path] for path in paths if path in known]
    learnware, tensors = folder.read_model(chosen)
    if not pictures or unexplained(learnware):
        folder.write_why(None)
        return
    own = digest("why", FORM, learnware.id, [one.digest for one in pictures], _stored_by(rungs), materials.split_digest)
    earlier = _earlier(folder)
    if earlier is None or earlier.key != own:
        predictor = Predictor(learnware, tensors, materials.cache, materials.builder(learnware))
        folder.write_why(_explained(own, chosen, pictures, predictor, rungs, materials, folder))


def _stored_by(rungs: Sequence[RungRecord]) -> list[str]:
    """Of the rungs whose features may be compared: a new one among them changes what is alike."""
    return [rung.key for rung in rungs if rung.builder == "frozen" and rung.status == "finished"]


def _earlier(folder: RunFolder) -> Why | None:
    try:
        return folder.read_why()
    except RunError:  # damaged: it is made anew
        return None


def _explained(
    key: str,
    chosen: str,
    pictures: Sequence[Picture],
    predictor: Predictor,
    rungs: Sequence[RungRecord],
    materials: Materials,
    folder: RunFolder,
) -> Why:
    began = time.monotonic()
    alike, by, unlike = _alike(chosen, pictures, rungs, materials, folder)
    cells, unmapped = _maps(pictures, predictor, materials)
    target = predictor.targets[0]
    return Why(
        schema=WHY_SCHEMA,
        key=key,
        rung=chosen,
        fit=predictor.frame.fit,
        unit="" if target.is_number else "log-odds",
        by=by,
        lacks=tuple(filter(None, (unmapped, unlike))),
        seconds=round(time.monotonic() - began, 2),
        reasons=tuple(
            Reason(picture.path, picture.digest, name, rows, near)
            for picture, (name, rows), near in zip(pictures, cells, alike, strict=True)
        ),
    )


def _maps(
    pictures: Sequence[Picture], predictor: Predictor, materials: Materials
) -> tuple[list[tuple[str, tuple[tuple[float, ...], ...]]], str]:
    """For each picture what was answered and the cells of its map; and why some, or all, have none."""
    target, found, lack = predictor.targets[0], [], ""
    began = time.monotonic()
    materials.progress.start("what mistakes hang on", len(pictures))
    for done, picture in enumerate(pictures):
        rows: tuple[tuple[float, ...], ...] = ()
        name = ""
        try:
            if not lack and time.monotonic() - began > MOST_SECONDS:
                lack = (
                    f"Maps were made for the first {done} of {len(pictures)} mistakes, as they took "
                    f"{time.monotonic() - began:.0f} seconds; starshift explain makes those of any picture"
                )
            if not lack:
                pixels, _ = decode(materials.pictures.bytes(picture.path), predictor.frame)
                output = answered(target, predictor(pixels[None])[0])
                name, rows = named(target, output), _cells(occlusion(predictor, pixels, output, COARSE))
        except StarshiftError as error:
            lack = f"There are no maps of what {predictor.learnware.name!r} looked at: {' '.join(error.problems)}"
        found.append((name, rows))
        materials.progress.update(done + 1, len(pictures))
    materials.progress.finish()
    return found, lack


def _cells(field: np.ndarray) -> tuple[tuple[float, ...], ...]:
    """The means of CELLS by CELLS parts of a map, to three digits; fewer where it has fewer pixels."""
    count = min(CELLS, len(field))
    rows = [np.array_split(band, count, axis=1) for band in np.array_split(field, count, axis=0)]
    return tuple(tuple(round(float(cell.mean()), 3) for cell in row) for row in rows)


def _alike(
    chosen: str, pictures: Sequence[Picture], rungs: Sequence[RungRecord], materials: Materials, folder: RunFolder
) -> tuple[list[tuple[Alike, ...]], str, str]:
    """For each picture the training pictures that it is most like, by what, and why there are none."""
    read = materials.pictures.bytes
    try:
        found = neighbourhood(folder, rungs, chosen, materials.dataset, materials.cache, read)
        digests = [picture.digest for picture in pictures]
        features = found.bases.stored(digests, lambda: Decoded(pictures, found.frame, read))
        near = found.nearest(features)
    except StarshiftError as error:
        return [()] * len(pictures), "", f"No training pictures are shown beside them: {' '.join(error.problems)}"
    return [as_alike(some, read) for some in near], found.by, ""
