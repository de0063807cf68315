"""What `fit` does before it climbs: read, look for what could mislead, split, and say what was understood."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from msgspec import structs

from starshift.api.arrange import Arranged, arrange
from starshift.api.labelled import Labelled
from starshift.api.options import Request
from starshift.api.readers import read_content
from starshift.api.understood import summarize, understood
from starshift.data.content import Content
from starshift.data.decode import Frame
from starshift.data.read import Pictures, read, read_unlabelled
from starshift.errors import DataError, LeakError, RunError
from starshift.findings import duplicates, imbalance
from starshift.findings.inspect import inspect
from starshift.findings.measures import measures_of
from starshift.findings.near import Pair, near_copies
from starshift.ladder.folder import RunFolder
from starshift.ladder.materials import Materials
from starshift.ladder.paces import Paces
from starshift.ladder.rungs import features_size
from starshift.progress import Progress
from starshift.records import Dataset, Finding, Summary
from starshift.report import words


@dataclass(frozen=True)
class Prepared:
    """A task that is ready to be climbed on."""

    materials: Materials
    labelled: Labelled | None  # of pictures: what a person decided on labels, and the search for wrong ones
    summary: Summary
    findings: tuple[Finding, ...]


def prepare(request: Request, folder: RunFolder, cache: Path, progress: Progress) -> Prepared:
    """Read what was asked for, and say what was understood and found.

    Raises RunError where the run's folder is not for this source, LeakError where given parts share copies, and
    UsageError or DataError with all problems of the pictures, their labels, groups or order.
    """
    folder.refuse_strangers()
    _refuse_folder_among_pictures(request, folder)
    _refuse_other_source(request, folder)
    if request.family != "pictures":
        return _prepare_rows(request, cache, progress)
    pictures = _read(request, cache, progress)
    _refuse_leaks(request, pictures.dataset)
    near = _near(request, pictures, cache, progress)
    arranged = arrange(request, pictures, duplicates.groups(pictures.dataset, near))
    labelled = Labelled.laid(_materials(request, pictures, arranged, cache, progress, near), request, folder)
    dataset = labelled.materials.dataset
    measures = measures_of(labelled.materials.pictures, _first_frame(request), cache)
    findings = (*arranged.findings, *inspect(dataset, labelled.materials.near, measures))
    for sentence in [
        *pictures.notes,
        *understood(dataset),
        *arranged.sentences,
        *labelled.sentences,
        *(finding.sentence for finding in findings),
    ]:
        progress.say(sentence)
    materials = _with_unlabelled(request, labelled.materials, cache, progress)
    return Prepared(materials, labelled, summarize(dataset, materials.split), findings)


def _with_unlabelled(request: Request, materials: Materials, cache: Path, progress: Progress) -> Materials:
    """The materials with pictures that have no labels; copies of labelled ones are left out, and said."""
    if request.unlabelled is None:
        return materials
    progress.start("reading pictures without labels", 0)
    found = read_unlabelled(request.unlabelled, cache=cache, progress=progress.update)
    progress.finish()
    labelled = set(materials.dataset.digests)
    new = {one.digest: one for one in reversed(found.dataset.pictures) if one.digest not in labelled}
    if not new:
        raise DataError(f"'{request.unlabelled}' holds no picture that is not among the labelled ones.")
    copies = len(found.dataset.examples) - len(new)
    left = f"; {words.counted(copies, 'copy', 'copies')} left out" if copies else ""
    lost = f"; {len(found.dataset.set_aside)} cannot be read" if found.dataset.set_aside else ""
    progress.say(f"{words.counted(len(new), 'picture')} without labels to learn from{left}{lost}.")
    examples = tuple(sorted(new.values(), key=lambda one: one.path))
    found.dataset = structs.replace(found.dataset, examples=examples)
    return replace(materials, unlabelled=found)


def _prepare_rows(request: Request, cache: Path, progress: Progress) -> Prepared:
    """`prepare` for what is no pictures: no near copies, no overlay, no looks."""
    progress.start("reading", 0)
    content = read_content(request.family, request.source, request.targets, request.min_per_class)
    progress.finish()
    dataset = content.dataset
    _refuse_leaks(request, dataset)
    arranged = arrange(request, content, duplicates.groups(dataset, ()))
    materials = _materials(request, content, arranged, cache, progress)
    findings = (*arranged.findings, *duplicates.findings(dataset), *imbalance.findings(dataset))
    for sentence in [*understood(dataset), *arranged.sentences, *(finding.sentence for finding in findings)]:
        progress.say(sentence)
    return Prepared(materials, None, summarize(dataset, arranged.split), findings)


def _materials(
    request: Request,
    content: Content,
    arranged: Arranged,
    cache: Path,
    progress: Progress,
    near: tuple[Pair, ...] = (),
) -> Materials:
    return Materials(
        content,
        arranged.split,
        arranged.groups,
        request.seed,
        cache,
        Paces(cache),
        progress,
        request.budget_seconds,
        {part.reference: part for rung in request.rungs for part in rung.parts},
        order=arranged.order,
        near=near,
    )


def _refuse_folder_among_pictures(request: Request, folder: RunFolder) -> None:
    """A run inside the source would be read as one of its classes the next time."""
    source, out = request.source.resolve(), folder.path.resolve()
    if source.is_dir() and out.is_relative_to(source):
        raise RunError(
            f"The run's folder {folder.path} would lie among the pictures in {source}. Name one outside with "
            f"--out, such as --out {source.parent / 'runs' / out.name}."
        )


def _refuse_other_source(request: Request, folder: RunFolder) -> None:
    """Two folders of one name must not share a run unless the user says so."""
    if request.out_given or not folder.is_run:
        return
    before = Path(folder.read_run().data.source)
    if before.resolve() != request.source.resolve():
        raise RunError(
            f"{folder.path} holds a run on {before}; name another folder for this one with --out, or give "
            f"--out {folder.path} to go on there."
        )


def _read(request: Request, cache: Path, progress: Progress) -> Pictures:
    progress.start("reading", 0)
    pictures = read(
        request.source,
        labels=request.labels,
        pattern=request.pattern,
        targets=request.targets,
        frame=_first_frame(request),
        min_per_class=request.min_per_class,
        cache=cache,
        progress=progress.update,
    )
    progress.finish()
    return pictures


def _near(request: Request, pictures: Pictures, cache: Path, progress: Progress) -> tuple[Pair, ...]:
    progress.start("looking for near copies", 0)
    near = near_copies(pictures, _first_frame(request), cache)
    progress.finish()
    return near


def _first_frame(request: Request) -> Frame:
    """The frame that is decoded while reading: that of `features` if it will be climbed, else a small one."""
    if any(rung.family == "features" for rung in request.rungs):
        return Frame(features_size(request.options))
    return Frame(64)


def _refuse_leaks(request: Request, dataset: Dataset) -> None:
    leaks = duplicates.across_parts(dataset)
    if leaks and not request.allow_leaks:
        noun = dataset.noun
        shown = [" = ".join(dataset.examples[index].path for index in group) for group in leaks[:20]]
        more = [f"… and {len(leaks) - 20} more"] if len(leaks) > 20 else []
        raise LeakError(
            [
                f"{words.counted(len(leaks), f'{noun} stands', f'{noun}s stand')} in more than one of the given "
                "parts, so that figures would flatter. Remove the copies from one part, or go on all the same "
                "with --allow-leaks (the report will say so):",
                *shown,
                *more,
            ]
        )
