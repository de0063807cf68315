"""`starshift.search` and `starshift.reuse`: what others trained, found by one's own pictures, and built upon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from starshift.api.console import ConsoleProgress
from starshift.api.store import opened_copy
from starshift.compose.frozen import FrozenBase
from starshift.data.cache import cache_root
from starshift.data.decode import Frame
from starshift.data.read import Pictures, read
from starshift.errors import UsageError
from starshift.learnware import candidates, joined, package, shelf, space, specify
from starshift.learnware.candidates import Candidate, Mine
from starshift.learnware.joined import Reused
from starshift.learnware.shelf import Copy, Listed
from starshift.learnware.store.places import usual_place
from starshift.progress import Progress
from starshift.recipe import digest, near
from starshift.records import Learnware, Provenance


@dataclass(frozen=True)
class Found:
    """What a search came to."""

    store: str  # where it is
    classes: tuple[str, ...]  # the user's
    pictures: int  # that were looked at
    searched: int  # learnwares
    run: int  # of them, on the pictures
    candidates: tuple[Candidate, ...]  # of these, those that could help, best first
    refused: tuple[str, ...]  # sentences about those that could not be
    unseen: Mapping[str, int]  # learnwares of pictures that a search by pictures cannot see, by why
    reused: Reused  # every way to reuse them, against frozen features and a head
    mine: Mine  # the pictures themselves

    @property
    def helps(self) -> bool:
        """Whether the store offers something better than frozen features and a head."""
        return self.reused.helps


def search(
    source: str | Path,
    *,
    store: str | Path | None = None,
    files: str | Path | None = None,
    task: str = "",
    licence: str = "",
    most_bytes: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Found:
    """Find learnwares by labelled pictures, which do not leave this machine.

    source: a folder or zip, as `fit` takes it; a given test part is not looked at. store, files: as starshift.Store
    takes them; the token of a served one is in $STARSHIFT_STORE_TOKEN.
    task, licence: of which alone. most_bytes: of a package. seed: of the folds by which ways of reuse are compared.
    Raises DataError, StoreError, UsageError; MissingWeights where no base is on this machine.
    """
    progress = progress or ConsoleProgress()
    cache = cache_root()
    try:
        with opened_copy(str(store or usual_place()), cache, progress, files=str(files or "")) as copy:
            mine = own_pictures(source, space.base(cache), progress)
            return find(copy, mine, task=task, licence=licence, most_bytes=most_bytes, seed=seed)
    finally:
        progress.finish()


def find(copy: Copy, mine: Mine, *, task: str, licence: str, most_bytes: int | None, seed: int) -> Found:
    """`search` where store and pictures are open."""
    listed = copy.listed()
    _refuse_unknown(listed, task, licence)

    def passing(one: Listed) -> bool:
        fits = (not task or one.task == task) and (not licence or one.licence == licence)
        return fits and (most_bytes is None or one.size <= most_bytes)

    found, refused, searched = candidates.found_in(copy, mine, passing)
    made = joined.trial(found, mine, seed=seed, groups=copies(mine))
    return Found(
        store=copy.source.place,
        classes=mine.classes,
        pictures=len(mine.labels),
        searched=searched,
        run=len(found),
        candidates=made.admitted,
        refused=tuple(refused),
        unseen={
            **shelf.unseen(listed, specify.key(space.space_of(mine.base))),
            "not readable by this version": copy.unread,
        },
        reused=made,
        mine=mine,
    )


def reuse(
    source: str | Path,
    out: str | Path,
    *,
    store: str | Path | None = None,
    files: str | Path | None = None,
    task: str = "",
    licence: str = "",
    most_bytes: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Found, Learnware]:
    """Search, try all ways of reusing what was found, and write the best as a model that needs no store.

    out: a folder that is not there yet. It is written also where nothing helps: then it is frozen features and a head.
    Other arguments and what is raised: as in `search`.
    """
    folder = Path(out)
    if folder.exists():
        raise UsageError(f"{folder} is there already; name a folder that is not with --out.")
    found = search(
        source,
        store=store,
        files=files,
        task=task,
        licence=licence,
        most_bytes=most_bytes,
        seed=seed,
        progress=progress,
    )
    mine, way = found.mine, found.reused.way
    made = replace(
        found.reused.learnware,
        provenance=Provenance(
            starshift=version("starshift"),
            seed=seed,
            recipe=digest("reuse", way.name, [one.listed.id for one in found.reused.candidates]),
            data=digest(list(mine.digests), mine.labels.tolist(), list(mine.classes)),
            made=datetime.now(UTC).date().isoformat(),
        ),
    )
    return found, package.write(made, found.reused.tensors, folder, specification(mine))


def specification(mine: Mine) -> bytes | None:
    """spec.safetensors of the user's pictures; None of too few, which it would tell."""
    if len(mine.labels) < specify.MIN_CELL:
        return None
    labels = [mine.classes[label] for label in mine.labels]
    made = specify.specify(mine.features, labels, space.space_of(mine.base), precision=mine.base.precision)
    return specify.write(made)


def own_pictures(source: str | Path, base: FrozenBase, progress: Progress) -> Mine:
    """Labelled pictures, but those of a given test part. Raises DataError, UsageError."""
    progress.start("reading pictures", 0)
    try:
        content = read(source, frame=base.frame, cache=base.cache, progress=progress.update)
    finally:
        progress.finish()
    dataset = content.dataset
    if not dataset.target.is_classes:
        raise UsageError(
            f"A search takes pictures of one class each; {dataset.target.name!r} is {dataset.target.kind}."
        )
    rows = np.array([row for row, one in enumerate(dataset.examples) if one.label and one.part != "test"])
    labels = dataset.encoded()[rows]
    return Mine(
        dataset.target,
        labels,
        [dataset.digests[row] for row in rows],
        lambda frame: _pixels(content, frame, rows),
        base,
        progress,
    )


def _pixels(content: Pictures, frame: Frame, rows: np.ndarray) -> np.ndarray:
    return np.asarray(content.pixels(frame)[rows])


def copies(mine: Mine) -> list[list[int]]:
    """Places of pictures that are the same."""
    places: dict[str, list[int]] = {}
    for place, one in enumerate(mine.digests):
        places.setdefault(one, []).append(place)
    return [group for group in places.values() if len(group) > 1]


def _refuse_unknown(listed: list[Listed], task: str, licence: str) -> None:
    """Raise UsageError for a task or licence that no learnware has."""
    problems = []
    for option, value, known in (
        ("task", task, sorted({one.task for one in listed})),
        ("licence", licence, sorted({one.licence for one in listed if one.licence})),
    ):
        if value and value not in known:
            others = near(value, known) if known else " None has any."
            problems.append(f"No learnware in the store has the {option} {value!r}.{others}")
    if problems:
        raise UsageError(problems)
