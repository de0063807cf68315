"""Augmentation policies: by how much training pictures are changed at random, as named and checked values.

`data.augment` carries them out. Sources: the seeds (001, "Data augmentation") for `seeds`; mixup (Zhang et al. 2018,
arXiv:1710.09412), CutMix (Yun et al. 2019, arXiv:1905.04899), random erasing (Zhong et al. 2020, arXiv:1708.04896),
RandAugment (Cubuk et al. 2020, arXiv:1909.13719), random resized crops (Szegedy et al. 2015, arXiv:1409.4842).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, get_args

from msgspec import Struct

from starshift.errors import UsageError

Fill = Literal["nearest", "reflect", "black"]


class Augmentation(Struct, frozen=True, forbid_unknown_fields=True):
    """One policy. Every amount is drawn anew for every picture; 0 (or 1 for `crop` and `aspect`) changes nothing."""

    rotation: float = 0.0  # degrees, uniform in ± this
    shift: float = 0.0  # share of the side, uniform in ± this, on each axis
    shear: float = 0.0  # degrees, uniform in ± this
    zoom: float = 0.0  # factor uniform in 1 ± this, on each axis by itself
    flip: bool = False  # left and right exchanged, half of the time
    flip_vertical: bool = False  # up and down exchanged, half of the time
    crop: float = 1.0  # smallest share of the picture's area that a random crop keeps
    aspect: float = 1.0  # largest ratio of a crop's sides, log-uniform in 1 / this to this
    fill: Fill = "nearest"  # what stands where the picture has ended
    brightness: float = 0.0  # factor uniform in 1 ± this
    contrast: float = 0.0  # factor uniform in 1 ± this, about the picture's mean
    saturation: float = 0.0  # factor uniform in 1 ± this, about each pixel's gray
    noise: float = 0.0  # standard deviation of Gaussian noise, in gray levels of 255
    erase: float = 0.0  # probability that a rectangle of 2 to 25 % of the area is painted over
    operations: int = 0  # RandAugment: so many operations per picture, drawn with replacement
    magnitude: float = 0.5  # RandAugment: their strength, 0 to 1
    mixup: float = 0.0  # parameter of the Beta distribution that pairs of pictures are mixed by
    cutmix: float = 0.0  # the same for a rectangle of the other picture; with both, one of them by a coin

    def __post_init__(self) -> None:
        if problems := _problems(self):
            raise UsageError(problems)

    @property
    def mixes(self) -> bool:
        """Whether pictures and labels of a batch are mixed with each other, so that targets are no longer 0 and 1."""
        return self.mixup > 0 or self.cutmix > 0


_LIMITS: dict[str, tuple[float, float]] = {
    "rotation": (0, 180),
    "shift": (0, 1),
    "shear": (0, 80),
    "zoom": (0, 0.9),
    "crop": (0.01, 1),
    "aspect": (1, 4),
    "brightness": (0, 1),
    "contrast": (0, 1),
    "saturation": (0, 1),
    "noise": (0, 255),
    "erase": (0, 1),
    "operations": (0, 10),
    "magnitude": (0, 1),
    "mixup": (0, 10),
    "cutmix": (0, 10),
}


def _problems(policy: Augmentation) -> list[str]:
    problems = [
        f"{name} must be a number from {low:g} to {high:g}; it is {getattr(policy, name)!r}."
        for name, (low, high) in _LIMITS.items()
        if not _lies(getattr(policy, name), low, high)
    ]
    if policy.fill not in get_args(Fill):
        problems.append(f"fill must be {', '.join(get_args(Fill)[:-1])} or black; it is {policy.fill!r}.")
    problems += [
        f"{name} must be True or False; it is {getattr(policy, name)!r}."
        for name in ("flip", "flip_vertical")
        if not isinstance(getattr(policy, name), bool)
    ]
    if not problems:
        problems += _ignored(policy)
    return problems


def _lies(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _ignored(policy: Augmentation) -> list[str]:
    """What was given and would change nothing."""
    problems = []
    if not isinstance(policy.operations, int):
        problems.append(f"operations must be a whole number; it is {policy.operations!r}.")
    if policy.aspect != 1 and policy.crop == 1:
        problems.append(
            f"aspect {policy.aspect:g} is of crops, and nothing is cropped away; give crop below 1, such as 0.5."
        )
    if policy.magnitude != 0.5 and not policy.operations:
        problems.append(f"magnitude {policy.magnitude:g} is of RandAugment's operations; give operations, such as 2.")
    return problems


POLICIES: dict[str, Augmentation] = {
    "none": Augmentation(),
    "flip": Augmentation(flip=True),
    "seeds": Augmentation(rotation=40, shift=0.2, shear=0.2, zoom=0.2, flip=True),
    "crops": Augmentation(flip=True, crop=0.5, aspect=4 / 3, fill="reflect"),
    "digits": Augmentation(rotation=10, shift=0.1, zoom=0.1),
    "strong": Augmentation(
        rotation=10,
        flip=True,
        crop=0.3,
        aspect=4 / 3,
        fill="reflect",
        brightness=0.3,
        contrast=0.3,
        saturation=0.3,
        erase=0.25,
        mixup=0.2,
    ),
    "randaugment": Augmentation(flip=True, operations=2, magnitude=0.5, fill="reflect"),
}
"""Every policy by name; `seeds` has the amounts of the seeds' generator, whose shear of 0.2 is in degrees."""


# ---- a policy in words ----------------------------------------------------------------------------


def title(policy: Augmentation) -> str:
    """What to call a policy: "seeds", "crops with mixup 0.2", "none with rotation 10, flip"."""
    differing = {name: _differing(policy, other) for name, other in POLICIES.items()}
    nearest = min(differing, key=lambda name: len(differing[name]))
    changes = [_setting(field, getattr(policy, field)) for field in differing[nearest]]
    return f"{nearest} with {', '.join(changes)}" if changes else nearest


def _differing(policy: Augmentation, other: Augmentation) -> list[str]:
    return [name for name in policy.__struct_fields__ if getattr(policy, name) != getattr(other, name)]


def _setting(field: str, value: float | str | bool) -> str:
    """`mixup 0.2`, `flip`, `no flip`."""
    name = field.replace("_", " ")
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return f"{name} {value}" if isinstance(value, str) else f"{name} {value:.3g}"


def amounts(policy: Augmentation) -> list[str]:
    """Each thing that a policy does, in a few words with its amount; none for a policy that changes nothing."""
    said = [
        (policy.rotation, f"turned by up to {policy.rotation:g}°"),
        (policy.shift, f"shifted by up to {_percent(policy.shift)} of the side"),
        (policy.shear, f"sheared by up to {policy.shear:g}°"),
        (policy.zoom, f"zoomed by up to {_percent(policy.zoom)} on each axis"),
        (policy.flip, "left and right exchanged half of the time"),
        (policy.flip_vertical, "up and down exchanged half of the time"),
        (policy.crop < 1, f"cropped to {100 * policy.crop:g} to 100 % of the area"),
        (policy.aspect > 1, f"crops stretched by up to {_percent(policy.aspect - 1)}"),
        (policy.operations, f"{policy.operations:g} operations of RandAugment at magnitude {policy.magnitude:g}"),
        (_leaves_edges(policy), f"edges filled with {_FILLED[policy.fill]}"),
        (policy.brightness, f"brightness changed by up to {_percent(policy.brightness)}"),
        (policy.contrast, f"contrast by up to {_percent(policy.contrast)}"),
        (policy.saturation, f"saturation by up to {_percent(policy.saturation)}"),
        (policy.noise, f"noise of {policy.noise:g} gray levels"),
        (policy.erase, f"a rectangle painted over {_percent(policy.erase)} of the time"),
        (policy.mixup, f"blended with another picture, and the labels with it (mixup {policy.mixup:g})"),
        (policy.cutmix, f"a part of another picture put in, and of its label (cutmix {policy.cutmix:g})"),
    ]
    return [words for amount, words in said if amount]


_FILLED = {"nearest": "the nearest pixels", "reflect": "the picture's reflection", "black": "black"}


def _leaves_edges(policy: Augmentation) -> bool:
    return any((policy.rotation, policy.shift, policy.shear, policy.zoom, policy.operations))


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


# ---- what could change a label --------------------------------------------------------------------

RISKY_ROTATION = 30.0
"""Degrees from which a turned sign may be taken for another; RandAugment turns by up to 30 at magnitude 1."""

_DIGITS = {
    word: str(digit)
    for digit, word in enumerate(("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"))
}

_SIGN_WORDS = frozenset(
    {"alphabet", "capital", "char", "character", "digit", "kanji", "letter", "lower", "lowercase", "num", "number"}
    | {"numeral", "symbol", "upper", "uppercase"}
)
"""What the name of a class may say beside the sign itself: `digit_6`, `lowercase b`, `number six`."""

_TWINS = (("6", "9"), ("b", "d"), ("p", "q"), ("2", "5"), ("n", "u"), ("M", "W"))
"""Signs that people know to be taken for each other when mirrored or turned."""

_FEWEST_SIGNS = 5
"""Fewer classes than this, without twins among them, are rather numbers or grades (0 and 1; A, B, C) than signs."""

_OPPOSITES: dict[str, tuple[tuple[str, str], ...]] = {
    "flip": (
        ("left", "right"),
        ("east", "west"),
        ("clockwise", "counterclockwise"),
        ("clockwise", "anticlockwise"),
        ("backward", "forward"),
        ("l", "r"),
        ("左", "右"),
    ),
    "flip_vertical": (
        ("up", "down"),
        ("north", "south"),
        ("top", "bottom"),
        ("above", "below"),
        ("upright", "inverted"),
        ("upward", "downward"),
        ("clockwise", "counterclockwise"),
        ("clockwise", "anticlockwise"),
        ("上", "下"),
    ),
    "rotation": (("horizontal", "vertical"), ("portrait", "landscape")),
}
"""By what each change does: words of which it makes the one out of the other. A rotation, out of those of all three."""


def label_risks(policy: Augmentation, classes: Sequence[str]) -> list[str]:
    """Warn about changes after which a picture may belong to another class, judged by the names of the classes.

    classes: their names. Returns one sentence with the policy's amounts, the classes and what to do; nothing where no
    names look like digits, letters or directions. Names are all that is known here: classes 0 to 9 may be numbers of
    something else, so that this is a warning and nothing is refused.
    """
    signs, directed = _signs(classes), _opposites(classes)
    turned = max(policy.rotation, 30 * policy.magnitude if policy.operations else 0.0)
    happening = {
        "flip": "left and right exchanged half of the time" if policy.flip else "",
        "flip_vertical": "up and down exchanged half of the time" if policy.flip_vertical else "",
        "rotation": f"turned by up to {turned:g}°" if turned >= RISKY_ROTATION else "",
    }
    risky = [change for change, what in happening.items() if what and (directed[change] or signs)]
    if not risky:
        return []
    pairs = [*dict.fromkeys(pair for change in risky for pair in directed[change]), *_known_twins(signs)]
    shown = [f"{one!r} and {other!r}" for one, other in pairs[:3]] or [", ".join(map(repr, signs[:3]))]
    return [
        f"Augmentation policy {title(policy)!r} ({', '.join(happening[change] for change in risky)}) may make a "
        f"picture of one class look like another ({', '.join(shown)}). Take the policy 'digits', or test which one "
        "helps: climb 'regularized' and 'regularized:augment=digits' and compare them."
    ]


def _known_twins(signs: Sequence[str]) -> list[tuple[str, str]]:
    named = {_sign(name): name for name in signs}
    return [(named[one], named[other]) for one, other in _TWINS if one in named and other in named]


def _signs(classes: Sequence[str]) -> list[str]:
    """The classes that are named like a digit or a letter, if they are many or twins."""
    found = [name for name in classes if _sign(name)]
    return found if len(found) >= _FEWEST_SIGNS or _known_twins(found) else []


def _sign(name: str) -> str:
    """The one digit or letter that a class's name is, beside words like `digit`; "" for any other name."""
    left = [word for word in _words(name) if word.lower() not in _SIGN_WORDS]
    sign = _DIGITS.get(left[0].lower(), left[0]) if len(left) == 1 else ""
    return sign if len(sign) == 1 else ""


def _words(name: str) -> list[str]:
    """`TurnLeft`, `turn-left` and `turn left` as `turn`, `left`, each as it is written."""
    return re.findall(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])|\d+", name)


def _opposites(classes: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Pairs of classes whose names differ in nothing but a direction, by the change that makes one out of the other."""
    named = {tuple(word.lower() for word in _words(name)): name for name in classes}
    found: dict[str, list[tuple[str, str]]] = {}
    for change, opposites in _OPPOSITES.items():
        pairs = [(named[words], named[other]) for words in named for other in _swapped(words, opposites, named)]
        found[change] = list(dict.fromkeys(pairs))
    found["rotation"] = list(dict.fromkeys(pair for pairs in found.values() for pair in pairs))
    return found


def _swapped(
    words: tuple[str, ...], opposites: Sequence[tuple[str, str]], known: dict[tuple[str, ...], str]
) -> list[tuple[str, ...]]:
    """Names that are known and differ from this one by the second word of a pair in place of the first."""
    swapped = (tuple(other if word == one else word for word in words) for one, other in opposites if one in words)
    return [one for one in swapped if one in known]
