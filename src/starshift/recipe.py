"""Recipes: what is built and how it is trained, as values that are checked when they are made."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from starshift import catalogue
from starshift.augmentation import POLICIES, Augmentation
from starshift.errors import UsageError

BUILDERS: dict[str, dict[str, type]] = {
    "majority": {},
    "convnet": {
        "channels": tuple,
        "kernel": int,
        "dense": int,
        "dropout": float,
        "l1": float,
        "l2": float,
        "pooling": bool,
    },
    "convnet-28px": {"dropout": float, "l1": float, "l2": float, "pooling": bool},
    "modern": {
        "width": int,
        "blocks": tuple,
        "kind": str,
        "norm": str,
        "skip": bool,
        "auxiliary": bool,
        "dropout": float,
        "drop_path": float,
        "l1": float,
        "l2": float,
    },
    "frozen": {"bases": tuple, "strengths": tuple, "views": int, "augmentation": str, "cuts": tuple, "head": str},
    "fine-tuned": {
        "base": str,
        "cut": str,
        "views": int,
        "augmentation": str,
        "strengths": tuple,
        "head": str,
        "merged": bool,
        "mirrored": bool,
        "beside": tuple,
    },
}
"""Every builder by name, with the arguments that it takes and their types."""

HEADS = ("linear", "dense256")
"""On a pretrained base: a linear one on pooled features, or the seeds' own of 256 units on the last map."""

AUTO = "auto"
"""In place of a frozen network's bases or cuts: inner folds of the training part choose."""

TOP = "top"
"""A base's own end, its pooled last map, among cuts."""

OPTIMIZERS = ("rmsprop", "adam", "adamw", "sgd", "muon")
SCHEDULES = ("constant", "cosine")
LOSSES = ("crossentropy", "focal", "mean squared error")
KINDS = ("residual", "inception")
"""The blocks that `modern` is made of."""

NORMS = ("weights", "batch", "none")
"""What `modern` normalizes: the kernels (standardized), the activations (batch norm), nothing."""

ANY_SIZE = ("modern",)
"""Builders whose networks take pictures of any size, so that sizes may grow while they are trained."""


class Stage(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One course of gradient training."""

    optimizer: str = "rmsprop"  # a name in OPTIMIZERS; "sgd" has Nesterov's momentum of 0.9
    learning_rate: float = 1e-4  # peak, after warm-up
    schedule: str = "constant"  # "cosine" falls to 0 at the end
    warmup_epochs: float = 0.0  # during which the learning rate rises linearly from 0
    weight_decay: float = 0.0  # decoupled, of kernels only: each step takes learning rate times this of them away
    batch_size: int = 20  # pictures per step
    epochs: int = 30
    steps_per_epoch: int = 0  # 0: as many as one pass over the training pictures takes
    loss: str = "crossentropy"
    label_smoothing: float = 0.0  # share of each target that is spread over all classes
    augmentation: Augmentation = Augmentation()
    plain_epochs: int = 0  # epochs at the end in which pictures are no longer mixed
    sizes: tuple[int, ...] = ()  # sides of the pictures in px, over equal parts of the epochs; none: the recipe's
    average: float = 0.0  # momentum of the weights' exponential average, per step; 0: none is kept
    patience: int = 0  # epochs without a better loss on pictures held out of training before it stops; 0: never

    def __post_init__(self) -> None:
        if problems := _stage_problems(self):
            raise UsageError(problems)


def _stage_problems(stage: Stage) -> list[str]:
    problems = [
        f"{title} {value!r} is not known.{near(value, known)}"
        for title, value, known in (
            ("Optimizer", stage.optimizer, OPTIMIZERS),
            ("Schedule", stage.schedule, SCHEDULES),
            ("Loss", stage.loss, LOSSES),
        )
        if value not in known
    ]
    if not 0 < stage.learning_rate < float("inf"):
        problems.append(f"The learning rate must be above 0; it is {stage.learning_rate}.")
    problems += [
        f"{name} must be at least {least}; it is {getattr(stage, name)}."
        for name, least in {
            "batch_size": 1,
            "epochs": 1,
            "steps_per_epoch": 0,
            "warmup_epochs": 0,
            "weight_decay": 0,
            "plain_epochs": 0,
            "patience": 0,
        }.items()
        if not getattr(stage, name) >= least
    ]
    problems += [
        f"{name} must be at least 0 and below 1; it is {getattr(stage, name)}."
        for name in ("label_smoothing", "average")
        if not 0 <= getattr(stage, name) < 1
    ]
    problems += [f"A side of {size} px in sizes is below 1." for size in stage.sizes if size < 1]
    return problems or _quarrels(stage)


def _quarrels(stage: Stage) -> list[str]:
    """What of a stage cannot work together, or would change nothing."""
    problems = []
    if stage.loss == "focal" and (stage.augmentation.mixes or stage.label_smoothing):
        problems.append(
            "The focal loss is made for targets of one true class; mixup, cutmix and label_smoothing leave none. Take "
            "crossentropy, or do without them."
        )
    if stage.plain_epochs and not stage.augmentation.mixes:
        problems.append(f"plain_epochs {stage.plain_epochs} are without mixing, and the policy mixes nothing.")
    if stage.plain_epochs >= stage.epochs and stage.augmentation.mixes:
        problems.append(f"plain_epochs {stage.plain_epochs} leave none of {stage.epochs} epochs for mixing.")
    if stage.warmup_epochs >= stage.epochs:
        problems.append(f"warmup_epochs {stage.warmup_epochs:g} leave none of {stage.epochs} epochs at full rate.")
    if len(stage.sizes) > stage.epochs:
        problems.append(f"{len(stage.sizes)} sizes do not fit into epochs {stage.epochs}.")
    if stage.patience and len(set(stage.sizes)) > 1:
        problems.append(
            "patience compares the losses of epochs, which cannot be compared where sizes grow. Give one or the other."
        )
    if stage.patience >= stage.epochs:
        problems.append(f"patience {stage.patience} never ends a training of {stage.epochs} epochs.")
    return problems


class Recipe(Struct, frozen=True, forbid_unknown_fields=True):
    """A model and its training, complete but for the data and the seed."""

    builder: str  # a name in BUILDERS
    size: int  # side of the square input pictures, in pixels
    fit: str = "stretch"  # how pictures become square: see data.decode.Frame
    arguments: dict[str, Any] = {}  # of the builder
    stages: tuple[Stage, ...] = ()  # empty where nothing is trained by gradient steps

    def __post_init__(self) -> None:
        problems = check_builder(self.builder, self.arguments)
        if self.size < 1:
            problems.append(f"The size of the pictures must be at least 1 pixel; it is {self.size}.")
        for stage in self.stages:
            if stage.sizes and self.builder not in ANY_SIZE:
                problems.append(
                    f"sizes belong to networks that take pictures of any size ({', '.join(ANY_SIZE)}); "
                    f"{self.builder!r} takes {self.size} px."
                )
            elif stage.sizes and max(stage.sizes) > self.size:
                problems.append(f"sizes go up to {max(stage.sizes)} px, above the {self.size} px of the pictures.")
        if problems:
            raise UsageError(problems)


def check_builder(builder: str, arguments: Mapping[str, Any]) -> list[str]:
    """Every problem with a builder's name and arguments, as sentences with a guess at what was meant."""
    if builder not in BUILDERS:
        return [f"Builder {builder!r} is not known.{near(builder, BUILDERS)}"]
    takes = BUILDERS[builder]
    problems = []
    for name, value in arguments.items():
        if name not in takes:
            problems.append(f"Builder {builder!r} takes no argument {name!r}.{near(name, takes)}")
        elif not _is_a(takes[name], value):
            kind = takes[name].__name__
            problems.append(
                f"Argument {name!r} of {builder!r} must be {'an' if kind == 'int' else 'a'} {kind}; {value!r} came."
            )
        elif name in _LIMITS and not _within(_LIMITS[name], value):
            problems.append(f"{name} must be {_LIMITS[name]}; {value!r} came.")
    if builder == "modern" and arguments.get("kind") == "inception" and arguments.get("skip"):
        problems.append("Inception blocks have no skip connection; take kind=residual for it, or leave skip out.")
    if arguments.get("kind", KINDS[0]) not in KINDS:
        problems.append(f"Kind {arguments['kind']!r} is not known.{near(str(arguments['kind']), KINDS)}")
    if arguments.get("norm", NORMS[0]) not in NORMS:
        problems.append(f"Norm {arguments['norm']!r} is not known.{near(str(arguments['norm']), NORMS)}")
    if builder == "fine-tuned" and not problems:
        problems = _fine_tuned_problems(arguments)
    if builder == "frozen" and not problems:
        return _unknown_names(arguments) or _frozen_problems(arguments) + _pretrained_problems(arguments)
    return problems or (_pretrained_problems(arguments) if builder == "fine-tuned" else [])


def _unknown_names(arguments: Mapping[str, Any]) -> list[str]:
    """Bases that do not exist, and what is no name at all."""
    specs = arguments.get("bases", ())
    if strangers := [value for value in (*specs, *arguments.get("cuts", ())) if not isinstance(value, str)]:
        return [f"Bases and cuts go by name; {', '.join(map(repr, strangers))} came."]
    problems: list[str] = []
    for spec in specs:
        try:
            catalogue.parse(spec) if spec != AUTO else None
        except UsageError as error:
            problems += error.problems
    return problems


def _frozen_problems(arguments: Mapping[str, Any]) -> list[str]:
    """What of a frozen network's arguments is named twice or cannot work together, as sentences."""
    specs, cuts = tuple(arguments.get("bases", ())), tuple(arguments.get("cuts", ()))
    policy, views = POLICIES.get(arguments.get("augmentation", "none")), arguments.get("views", 0)
    problems = [f"Base {spec!r} is named twice." for spec in dict.fromkeys(specs) if specs.count(spec) > 1]
    problems += [f"Cut {cut!r} is named twice." for cut in dict.fromkeys(cuts) if cuts.count(cut) > 1]
    if cuts and specs == (AUTO,):
        problems.append("Bases and cuts cannot both be chosen; name the base with --base.")
    if views > 0 and policy == Augmentation():
        problems.append("Views without an augmentation are the same picture again; name one, such as 'crops'.")
    if views > 0 and policy is not None and policy.mixes:
        problems.append(
            f"Augmentation policy {arguments['augmentation']!r} mixes pictures, but a frozen network's features are "
            "kept for each view of a single picture. Take one without mixup and cutmix."
        )
    if arguments.get("head") == HEADS[1] and (len(specs) > 1 or specs == (AUTO,) or cuts or views > 0):
        problems.append(
            f"Head {HEADS[1]!r} stands on the last map of one base, named with --base; it takes no cuts and no views."
        )
    return problems


def _fine_tuned_problems(arguments: Mapping[str, Any]) -> list[str]:
    """What keeps a base from being opened: arguments that lack, and such as cannot work together."""
    lacking = [name for name in ("base", "cut") if name not in arguments]
    if lacking:
        return [f"Builder 'fine-tuned' needs the argument {name!r}." for name in lacking]
    problems: list[str] = []
    try:
        catalogue.parse(arguments["base"])
    except UsageError as error:
        problems += error.problems
    if (views := arguments.get("views", 1)) < 1:
        problems.append(f"views of each training picture must be at least 1 to fine-tune; {views} came.")
    name = arguments.get("augmentation", "none")
    if name in POLICIES and POLICIES[name].mixes:
        problems.append(
            f"Augmentation policy {name!r} mixes pictures, but a frozen network's activations are "
            "kept for each view of a single picture. Take one without mixup and cutmix, and let the stage mix."
        )
    beside = arguments.get("beside", ())
    if beside and beside[0] != arguments["base"]:
        problems.append(
            f"The frozen bases that answer beside a fine-tuned one begin with its own, {arguments['base']!r}; "
            f"{'+'.join(beside)} came."
        )
    return problems


def _pretrained_problems(arguments: Mapping[str, Any]) -> list[str]:
    """What is wrong with the arguments of a builder on pretrained bases, beyond their types."""
    problems = []
    specs, cuts = arguments.get("bases", ()), arguments.get("cuts", ())
    if AUTO in specs and len(specs) > 1:
        problems.append(f"{AUTO!r} compares all bases at hand, and stands alone; {'+'.join(specs)} came.")
    if "views" in arguments and arguments["views"] < 0:
        problems.append(f"views must be 0 (the plain pictures alone) or more; it is {arguments['views']}.")
    policy, head = arguments.get("augmentation", "none"), arguments.get("head", HEADS[0])
    if policy not in POLICIES:
        problems.append(f"Augmentation policy {policy!r} is not known.{near(policy, POLICIES)}")
    if head not in HEADS:
        problems.append(f"Head {head!r} is not known.{near(head, HEADS)}")
    if cuts and len(specs) != 1:
        problems.append(f"cuts are of one base; {len(specs)} are given.")
    elif cuts and specs[0] != AUTO:
        base, _ = catalogue.parse(specs[0])
        problems += [problem for cut in cuts if cut not in (AUTO, TOP) for problem in catalogue.cut_problems(base, cut)]
    if arguments.get("cut") and arguments.get("base"):
        problems += catalogue.cut_problems(catalogue.parse(arguments["base"])[0], arguments["cut"])
    return problems


def _is_a(kind: type, value: Any) -> bool:
    """Whether a value is of a kind; True and False are no numbers, whole numbers may stand for others."""
    wider: dict[type, Any] = {tuple: tuple | list, float: float | int}
    return isinstance(value, wider.get(kind, kind)) and (kind is bool or not isinstance(value, bool))


_SHARE, _PENALTY, _COUNT, _COUNTS = (
    "at least 0 and below 1",
    "at least 0",
    "at least 1",
    "one or more whole numbers of at least 1",
)
_LIMITS = {
    "dropout": _SHARE,
    "drop_path": _SHARE,
    "l1": _PENALTY,
    "l2": _PENALTY,
    **dict.fromkeys(("kernel", "dense", "width"), _COUNT),
    **dict.fromkeys(("channels", "blocks"), _COUNTS),
}


def _within(limit: str, value: Any) -> bool:
    if limit == _COUNTS:
        return len(value) > 0 and all(_is_a(int, one) and one >= 1 for one in value)
    return bool({_SHARE: 0 <= value < 1, _PENALTY: 0 <= value < float("inf"), _COUNT: value >= 1}[limit])


def near(word: str, known: Mapping[str, Any] | tuple[str, ...] | list[str]) -> str:
    """A sentence that offers the nearest known word, or lists them all: " Did you mean 'convnet'?"."""
    matches = difflib.get_close_matches(word, list(known), n=1)
    if matches:
        return f" Did you mean {matches[0]!r}?"
    return f" Known: {', '.join(known)}." if known else ""


def digest(*values: Any) -> str:
    """SHA-256 of values in a canonical JSON form: equal values, equal digest. Hexadecimal, 64 digits."""
    import hashlib

    return hashlib.sha256(msgspec.json.encode(values, order="deterministic")).hexdigest()
