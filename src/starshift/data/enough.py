"""Whether examples are enough to learn from: a training part, two classes, and some examples of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from starshift.data.layout import Labelled, Layout
from starshift.data.sources import counted, some
from starshift.records import Picture, SetAside, Target
from starshift.records.dataset import Part


def lacks(layout: Layout, places: Sequence[Labelled], pictures: Sequence[Picture], least: int) -> list[str]:
    """What keeps these pictures from being a data set, as sentences."""
    leading = layout.targets[0] if layout.targets else None
    if leading is not None and not leading.is_classes:
        return _lacks_of_any(places, pictures)
    meant = Counter((place.part, place.label) for place in places)
    readable = Counter((picture.part, picture.label) for picture in pictures)
    groups = {*meant, *layout.folders}
    classes = sorted({name for _, name in groups})
    found = _lacking_parts(groups) if _has_parts(places) else []
    if len(classes) == 1:
        found.append(f"There is only one class, '{classes[0]}'; add pictures of at least one other.")
    learned_from = [group for group in sorted(groups) if group[0] in ("", "train")]
    few = [
        _few_pictures(group, meant[group], readable[group], least, layout)
        for group in learned_from
        if readable[group] < max(least, 1)
    ]
    return found + _shortened(few, "picture")


MOST_SENTENCES = 20
"""Of one kind; after so many, the rest is counted."""


def _shortened(few: list[str], noun: str) -> list[str]:
    """Sentences on so many classes, of very many the first."""
    more = [f"{len(few) - MOST_SENTENCES} more classes have too few {noun}s."]
    return few[:MOST_SENTENCES] + (more if len(few) > MOST_SENTENCES else [])


def too_few(
    target: Target,
    labels: Sequence[str],
    places: Sequence[str],
    fewest: int,
    *,
    noun: str,
    advice: str,
    of: str = "",
    where: str = "",
) -> list[str]:
    """Classes of a target with fewer examples than a split needs, with their places, as sentences.

    labels: of the examples that are learned from. places: where each of them stands, such as "row 5". noun: what one is
    called. of: said behind a class, such as " of 'price'". where: said behind its number, such as " in the train part".
    """
    if not target.is_classes:
        return []
    by_class: dict[str, list[str]] = {name: [] for name in target.classes}
    for label, place in zip(labels, places, strict=True):
        by_class[label].append(place)
    few = [
        f"Class {name!r}{of} has {counted(len(found), noun)}{where}{f' ({some(found)})' if found else ''}; "
        f"{fewest} are needed. {advice}"
        for name, found in by_class.items()
        if len(found) < fewest
    ]
    return _shortened(few, noun)


FEWEST_PICTURES = 3
"""Where no class says how many are needed: one for each part."""


def _lacks_of_any(places: Sequence[Labelled], pictures: Sequence[Picture]) -> list[str]:
    """The same where no classes are predicted."""
    learned = sum(picture.part in ("", "train") for picture in pictures)
    aside = len(places) - len(pictures)
    if _has_parts(places) and not learned:
        return [_NO_TRAIN]
    lost = f" ({aside} cannot be read)" if aside else ""
    few = f"There are {counted(learned, 'readable picture')} with a label to learn from{lost}; at least "
    return [f"{few}{FEWEST_PICTURES} are needed."] if learned < FEWEST_PICTURES else []


def _has_parts(places: Sequence[Labelled]) -> bool:
    return any(place.part for place in places)


def _few_pictures(group: tuple[str, str], meant: int, readable: int, least: int, layout: Layout) -> str:
    part, name = group
    where = f" in the {part} part" if part else ""
    if not meant:
        folder = layout.folders[group].rstrip("/")  # type: ignore[index]
        return f"The class folder '{folder}' holds no pictures. Add some, or remove the folder."
    aside = f" ({meant - readable} cannot be read)" if meant > readable else ""
    has = f"{counted(readable, 'readable picture')}{where}{aside}"
    return f"Class '{name}' has {has}; at least {max(least, 1)} are needed. Add pictures, or take the class out."


_NO_TRAIN = "There is no train part with labelled pictures; name one folder 'train', or give no parts."


def _lacking_parts(groups: set[tuple[Part, str]]) -> list[str]:
    learned = {name for part, name in groups if part == "train"}
    if not learned:
        return [_NO_TRAIN]
    return [
        f"Class '{name}' is in the {part} part and not in the train part, so it cannot be learned. Add "
        "pictures of it to the train part, or remove it."
        for part, name in sorted(groups)
        if name not in learned
    ]


def reasons(unreadable: Sequence[SetAside]) -> list[str]:
    """How many files could not be read, and why, as one sentence; none where all could."""
    if not unreadable:
        return []
    kinds = Counter(lost.kind for lost in unreadable)
    by_kind = some(f"{count} {kind}" for kind, count in kinds.most_common())
    example = f"'{unreadable[0].path}': {unreadable[0].reason}"
    return [f"{counted(len(unreadable), 'file')} could not be read ({by_kind}), such as {example}"]
