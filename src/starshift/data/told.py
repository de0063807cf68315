"""What label files and file names say of pictures → targets with a label of each picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from starshift.data.kinds import Wanted, understand
from starshift.data.layout import Labelled, Layout
from starshift.data.sources import composed, some
from starshift.records import SetAside, Target
from starshift.records.dataset import Part


class Told(NamedTuple):
    """What is said of one picture."""

    path: str
    part: Part
    cells: tuple[str, ...]  # of each target
    place: int | str  # the number of its row; or its name, where there are no rows


def lay(layout: Layout, wanted: Sequence[Wanted], told: Sequence[Told], where: str) -> None:
    """Add targets, labelled pictures and what is wrong with them to a layout.

    wanted: the first leads; pictures without its label are set aside. where: the label file's name, or "the file
    names". What cannot be a target is among the layout's problems, and nothing is labelled then.
    """
    places = [one.place for one in told]
    columns = [
        understand(one, [composed(each.cells[i]) for each in told], places, where) for i, one in enumerate(wanted)
    ]
    layout.problems += [problem for column in columns for problem in column.problems]
    layout.remarks += [remark for column in columns for remark in column.remarks]
    layout.targets = tuple(column.target for column in columns)
    leading, *further = columns
    for index, one in enumerate(told):
        if leading.labels[index]:
            layout.labelled.append(Labelled(one.path, leading.labels[index], one.part))
        else:
            layout.set_aside.append(SetAside(one.path, "unlabelled", _nothing_said(one, leading.target, where)))
    for column in further:
        layout.further[column.target.name] = {one.path: label for one, label in zip(told, column.labels, strict=True)}


def _nothing_said(one: Told, target: Target, where: str) -> str:
    what = "class" if target.is_classes else "label"
    return f"Row {one.place} of {where} gave it no {what}." if isinstance(one.place, int) else f"It has no {what}."


def present(target: Target, labels: Iterable[str]) -> Target:
    """A target of classes with those that are left once unreadable pictures are set aside; others as they are."""
    there = set(labels)
    left = tuple(name for name in target.classes if name in there)
    if not target.is_classes or left == target.classes or len(left) < 2:
        return target
    return Target.of_classes(left, target.name, target.how)


def too_much_alike(names: Iterable[str]) -> list[str]:
    """Sentences on names that a person takes for one: they differ in capitals, blanks, or how accents are stored."""
    alike: dict[str, set[str]] = defaultdict(set)
    for name in names:
        alike[plain(name).casefold()].add(name)
    return sorted(_alike(group) for group in alike.values() if len(group) > 1)


def _alike(names: set[str]) -> str:
    listed = some(f"'{name}'" for name in sorted(names))
    if len({plain(name) for name in names}) > 1:
        return f"The classes {listed} differ only in capital letters; give them one name."
    return (
        f"The classes {listed} look alike: they differ only in blanks or in how an accent is stored; "
        "give them one name."
    )


def plain(name: str) -> str:
    """A name in Unicode's composed form, without blanks around it."""
    return composed(name).strip()
