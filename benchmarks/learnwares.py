"""A hundred and more learnwares of four sets of pictures, and users who have few pictures of other ones.

Learnwares are linear heads on one frozen base, which takes their features once for all; every third was trained with
30 % of its labels drawn at random. No picture of a user was in any learnware's training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchmarks.common import Options, dataset

if TYPE_CHECKING:
    from starshift.compose.frozen import FrozenBase
    from starshift.learnware.candidates import Mine
    from starshift.records.entry import Changes, Entry

WRONG = 0.3
"""Share of labels that planted noise draws anew."""

PRECISION: Literal["bf16"] = "bf16"


@dataclass(frozen=True)
class Pictures:
    """A set of pictures as features of the base: labels name the class, also by style where there are styles."""

    name: str
    features: np.ndarray  # float32 (N, 1280)
    labels: np.ndarray  # str (N,)
    style: np.ndarray  # str (N,); "" without styles
    for_users: np.ndarray  # bool (N,): pictures that no learnware sees
    digests: tuple[str, ...]  # under which the cache has the features


@dataclass(frozen=True)
class Made:
    """A learnware of the benchmark."""

    title: str
    of: str  # the set
    classes: tuple[str, ...]
    kernel: np.ndarray  # float32 (1280, outputs)
    bias: np.ndarray
    features: np.ndarray  # what it was trained on, and its labels with their noise
    labels: np.ndarray
    noisy: bool


@dataclass(frozen=True)
class User:
    """Labelled pictures, and more of the same classes by which every answer is judged."""

    of: str
    classes: tuple[str, ...]
    digests: tuple[str, ...]
    features: np.ndarray
    labels: np.ndarray  # int, places in classes
    held_features: np.ndarray
    held_labels: np.ndarray
    matched: bool  # whether there is a learnware that tells all its classes


def sets(options: Options, cache: Path) -> dict[str, Pictures]:
    """Features of all pictures, computed once in the cache; half of each class is for users."""
    from PIL import Image
    from sklearn.datasets import load_digits

    from starshift.compose.frozen import FrozenBases
    from starshift.data.decode import Frame
    from starshift.data.read import read

    frame = Frame(224, "stretch")
    bases = FrozenBases.find(("mobilenet_v2",), frame, PRECISION, cache)
    found = {}
    for name in ("caltech-101", "dogs-vs-cats"):
        read_ = read(dataset(options, name), frame=frame)
        matrix = bases.stored(read_.dataset.digests, partial(read_.pixels, frame))
        labels = np.array(read_.dataset.labels())
        found[name] = _halved(name, matrix, labels, np.full(len(labels), ""), read_.dataset.digests)
    folder = dataset(options, "pacs")
    rows = [line.split(",") for line in (folder / "labels.csv").read_text().splitlines()[1:]]
    pixels = [np.asarray(Image.open(folder / "images" / row[0]).convert("RGB").resize((224, 224))) for row in rows]
    names = _names("pacs", len(pixels))
    matrix = bases.stored(names, lambda: np.stack(pixels))
    styles = np.array([row[2] for row in rows])
    found["pacs"] = _halved("pacs", matrix, np.array([row[1] for row in rows]), styles, names)
    digits = load_digits()
    scaled = (255 - digits.images * (255 / 16)).astype(np.uint8)
    pixels = [np.asarray(Image.fromarray(one).resize((224, 224), Image.Resampling.BICUBIC)) for one in scaled]
    names = _names("digits", len(pixels))
    matrix = bases.stored(names, lambda: np.repeat(np.stack(pixels)[..., None], 3, axis=3))
    labels = np.array([f"digit {one}" for one in digits.target])
    found["digits"] = _halved("digits", matrix, labels, np.full(len(labels), ""), names)
    return found


def _names(name: str, count: int) -> list[str]:
    from starshift.recipe import digest

    return [digest("benchmark", name, place) for place in range(count)]


def _halved(name: str, features: np.ndarray, labels: np.ndarray, style: np.ndarray, digests: Sequence[str]) -> Pictures:
    random = np.random.default_rng(11)
    for_users = np.zeros(len(labels), bool)
    for one in np.unique(style):
        for label in np.unique(labels[style == one]):
            rows = random.permutation(np.flatnonzero((labels == label) & (style == one)))
            for_users[rows[: (len(rows) + 1) // 2]] = True
    return Pictures(name, features, labels, style, for_users, tuple(digests))


def make(found: dict[str, Pictures], *, seed: int, small: bool = False) -> list[Made]:
    """110 learnwares: 66 on subsets of caltech-101's classes, 20 on pacs by style, 10 each on dogs-vs-cats and on
    digits, 4 on all classes of pacs and of digits. small: every sixth."""
    random = np.random.default_rng(seed)
    plans: list[tuple[str, str, np.ndarray, int]] = []  # set, style, classes, most pictures per class
    classes = np.unique(found["caltech-101"].labels)
    for _ in range(66):
        plans.append(("caltech-101", "", random.choice(classes, random.integers(4, 21), replace=False), 100))
    pacs = np.unique(found["pacs"].labels)
    for style in np.unique(found["pacs"].style):
        for _ in range(5):
            plans.append(("pacs", str(style), random.choice(pacs, random.integers(4, 8), replace=False), 100))
    for _ in range(10):
        plans.append(("dogs-vs-cats", "", np.unique(found["dogs-vs-cats"].labels), int(random.integers(15, 200))))
    digits = np.unique(found["digits"].labels)
    for _ in range(10):
        plans.append(("digits", "", random.choice(digits, random.integers(4, 11), replace=False), 60))
    for name in ("pacs", "digits"):
        plans += [(name, "*", np.unique(found[name].labels), most) for most in (10, 100)]
    if small:
        plans = plans[::6]
    noisy = np.arange(len(plans)) % 3 == 0
    return [
        _made(found, *plan, is_noisy, random) for plan, is_noisy in zip(plans, random.permutation(noisy), strict=True)
    ]


def _made(
    found: dict[str, Pictures],
    of: str,
    style: str,
    classes: np.ndarray,
    most: int,
    noisy: bool,
    random: np.random.Generator,
) -> Made:
    from starshift.evaluation.protocol import inner_folds
    from starshift.models.classical import fit_head

    pictures, names = found[of], tuple(sorted(str(one) for one in classes))
    rows = []
    for name in names:
        mine = (pictures.labels == name) & ~pictures.for_users
        mine &= (pictures.style == style) | (style in ("", "*"))
        rows.append(random.permutation(np.flatnonzero(mine))[:most])
    chosen = np.concatenate(rows)
    targets = np.concatenate([np.full(len(one), place) for place, one in enumerate(rows)])
    if noisy:
        drawn = random.random(len(targets)) < WRONG
        targets = np.where(drawn, random.integers(len(names), size=len(targets)), targets)
    features = pictures.features[chosen]
    folds = inner_folds(targets, folds=3, seed=0)
    head = fit_head(features, targets, classes=len(names), strengths=(1e-2,), folds=folds)
    title = f"{of}{f', {style}' if style not in ('', '*') else ''}, {len(names)} classes{', noisy' if noisy else ''}"
    return Made(title, of, names, head.kernel, head.bias, features, np.array(names)[targets], noisy)


def users(
    found: dict[str, Pictures],
    made: Sequence[Made],
    *,
    count: int,
    seed: int,
    pictures: int = 24,
    per_class: int = 0,
    matched_share: float = 0.7,
) -> list[User]:
    """Users with 4 to 8 classes each. Some draw classes of one learnware, the others of a whole set.

    pictures: labelled ones of each user, over all classes; per_class: of each class instead.
    """
    random = np.random.default_rng([seed, 77])
    made_users: list[User] = []
    while len(made_users) < count:
        of = str(random.choice(["caltech-101", "pacs", "digits"], p=[0.6, 0.2, 0.2]))
        style = str(random.choice(np.unique(found[of].style)))
        size = int(random.integers(4, 9 if of != "pacs" else 8))
        pool = np.unique(found[of].labels)
        if random.random() < matched_share:
            fitting = [one for one in made if one.of == of and len(one.classes) >= size]
            if fitting:
                pool = np.array(fitting[random.integers(len(fitting))].classes)
        classes = tuple(sorted(str(one) for one in random.choice(pool, size, replace=False)))
        made_users.append(_user(found[of], style, classes, made, random, pictures, per_class))
    return made_users


def _user(
    pictures: Pictures,
    style: str,
    classes: tuple[str, ...],
    made: Sequence[Made],
    random: np.random.Generator,
    count: int,
    per_class: int,
) -> User:
    own, own_labels, held, held_labels = [], [], [], []
    each = [per_class] * len(classes) if per_class else [len(one) for one in np.array_split(range(count), len(classes))]
    for place, (name, take) in enumerate(zip(classes, each, strict=True)):
        rows = np.flatnonzero((pictures.labels == name) & (pictures.style == style) & pictures.for_users)
        rows = random.permutation(rows)
        take = min(take, len(rows) - 5)
        own.append(rows[:take])
        held.append(rows[take : take + 60])
        own_labels += [place] * take
        held_labels += [place] * len(held[-1])
    matched = any(one.of == pictures.name and set(classes) <= set(one.classes) for one in made)
    return User(
        pictures.name,
        classes,
        tuple(pictures.digests[row] for row in np.concatenate(own)),
        pictures.features[np.concatenate(own)],
        np.array(own_labels),
        pictures.features[np.concatenate(held)],
        np.array(held_labels),
        matched,
    )


# ----------------------------------------------------------------------------------------------------
# As a store


class Held:
    """A store in memory."""

    place = "memory"

    def __init__(self, made: Sequence[Made], base: FrozenBase) -> None:
        from starshift.learnware import package, shelf, space, specify
        from starshift.records import LEARNWARE_SCHEMA, InputContract, Learnware, Target
        from starshift.records.entry import Entry

        self.tars: dict[str, tuple[Entry, bytes]] = {}
        listed, specifications = [], []
        for place, one in enumerate(made):
            record = Learnware(
                schema=LEARNWARE_SCHEMA,
                name=one.title,
                task="image classification",
                targets=(Target.of_classes(one.classes),),
                input=InputContract(base.frame.size, base.frame.fit),
                builder="frozen",
                arguments={"bases": (base.reference.spec,), "strengths": (1e-2,)},
                bases=(base.reference,),
                precision=base.precision,
                evaluations=(),
                trained_on=f"{len(one.labels)} pictures",
                made_by="benchmark",
                files={},
                id="",
            )
            made_of = specify.specify(one.features, one.labels.tolist(), space.space_of(base), precision=base.precision)
            tensors = {"head/kernel": one.kernel, "head/bias": one.bias}
            content = package.made(record, tensors, specify.write(made_of))
            tar = package.pack(content)
            entry = Entry(
                f"learnware-{place}", "1.0.0", content.id, one.title, record.task, "", "", len(tar), "", 0, "", "", 1
            )
            self.tars[entry.reference] = entry, tar
            specifications.append(made_of)
            listed.append(shelf.described(entry, content.learnware, made_of))
        self.shelf = shelf.Shelf.of(specifications, listed)
        self.specifications = specifications

    def close(self) -> None:
        """Nothing is open."""

    def pull(self, reference: str) -> tuple[Entry, bytes]:
        """As a store does."""
        return self.tars[reference]

    def changes(self, after: int = 0) -> Changes:
        """Nothing: the shelf is there already."""
        from starshift.records.entry import Changes

        return Changes(after, False, ())


def base_in(cache: Path) -> FrozenBase:
    """The base of all learnwares."""
    from starshift.compose.frozen import FrozenBase
    from starshift.data.decode import Frame

    return FrozenBase.find("mobilenet_v2", Frame(224, "stretch"), PRECISION, cache)


def mine(user: User, base: FrozenBase, *, named: bool = False) -> Mine:
    """A user's pictures as a search takes them. named: whether classes have the names that learnwares give them."""
    from starshift.learnware.candidates import Mine
    from starshift.records import Target

    names = user.classes if named else tuple(f"thing {place}" for place in range(len(user.classes)))
    return Mine(Target.of_classes(names), user.labels, user.digests, lambda frame: None, base)
