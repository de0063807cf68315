"""Pictures that a pretrained base has probably seen, by the names of their classes: figures on them flatter."""

from __future__ import annotations

from starshift import catalogue
from starshift.catalogue.parts import PARTS_OF_IMAGENET, is_numbered, plain
from starshift.records import Dataset, Finding

SHARE = 0.8
"""Of the class names, from which a data set is taken for a known one: a few of one's own may stand beside."""

LEAST_CLASSES = 5
"""Names in common below which nothing is said: anyone may have pictures of a pug and a boxer."""


def findings(dataset: Dataset) -> list[Finding]:
    """Whether the class names are those of a data set that is a part of ImageNet. It never stops a run."""
    if (title := known_part(dataset.classes)) is None:
        return []
    bases = catalogue.BASES.values()
    trained = sum("ImageNet" in base.trained_on for base in bases)
    return [
        Finding(
            "pretrained on",
            "warning",
            f"{title} A base that was trained on ImageNet, as {trained} of the {len(bases)} in the catalogue were, has "
            "probably seen these pictures with these labels: the figures of features, features-augmented and "
            "fine-tuned flatter, and will be lower on new pictures. Names prove nothing; if you took the pictures "
            "yourself, this does not concern you.",
        )
    ]


def known_part(classes: tuple[str, ...]) -> str | None:
    """The sentence that says which known part of ImageNet has these class names; None for none."""
    numbered = sum(is_numbered(name) for name in classes)
    if numbered >= max(LEAST_CLASSES, SHARE * len(classes)):
        return f"{numbered} of {len(classes)} class names begin with ImageNet's own numbers, as {_example(classes)!r}."
    names = {plain(name) for name in classes}
    for title, known in PARTS_OF_IMAGENET.items():
        common = len(names & known)
        if common >= max(LEAST_CLASSES, SHARE * len(names)):
            return f"{common} of {len(names)} class names are those of {title}, whose pictures are a part of ImageNet."
    return None


def _example(classes: tuple[str, ...]) -> str:
    return next(name for name in classes if is_numbered(name))
