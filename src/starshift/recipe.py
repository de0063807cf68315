"""Recipes: what is built and how it is trained, as values that are checked when they are made."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from starshift import catalogue
from starshift.augmentation import POLICIES, Augmentation
from starshift.errors import UsageError
from starshift.records.target import Kind, Target

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
        "sharing": bool,
    },
    "convnet-28px": {"dropout": float, "l1": float, "l2": float, "pooling": bool, "sharing": bool},
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
        "sharing": bool,
    },
    "frozen": {
        "bases": tuple,
        "strengths": tuple,
        "views": int,
        "augmentation": str,
        "cuts": tuple,
        "head": str,
        "balance": bool,
    },
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
        "sharing": bool,
    },
    "own": {"build": str},
    "reader": {"channels": tuple, "recurrent": int, "dropout": float},
    "table-linear": {},
    "table-trees": {},
    "table-ensemble": {},
    "table-dense": {"units": tuple, "dropout": float},
    "ngrams": {"views": tuple, "orders": tuple, "strengths": tuple, "balances": tuple, "most": int},
    "word-bag": {"words": int, "units": tuple, "counted": bool, "dropout": float, "orders": tuple},
    "word-sequence": {
        "words": int,
        "length": int,
        "block": str,
        "width": int,
        "filters": tuple,
        "kernel": int,
        "recurrent": int,
        "dropout": float,
    },
    "series-linear": {},
    "series-network": {
        "block": str,
        "filters": tuple,
        "kernel": int,
        "recurrent": int,
        "bidirectional": bool,
        "dropout": float,
    },
}
"""Every builder by name, with the arguments that it takes and their types. "sharing": whether several targets share one
network, as they do where nothing is said."""

_REFERENCE = re.compile(r"[^#]+:[^#]+#[0-9a-f]{16}")


def is_own(name: str) -> bool:
    """Whether this names a function of the user's own, as "module:function#DIGEST" (see compose.own)."""
    return _REFERENCE.fullmatch(name) is not None


HEADS = ("linear", "dense256")
"""On a pretrained base: a linear one on pooled features, or the seeds' own of 256 units on the last map."""

VIEWS = ("words", "ratios", "characters")
"""How a linear model of texts looks at them: see models.ngrams."""

BLOCKS = ("convolution", "pooling", "gru", "lstm")
"""What stands over embedded words: see models.texts."""

AUTO = "auto"
"""In place of a frozen network's bases or cuts: inner folds of the training part choose."""

TOP = "top"
"""A base's own end, its pooled last map, among cuts."""

OPTIMIZERS = ("rmsprop", "adam", "adamw", "sgd", "muon")
SCHEDULES = ("constant", "cosine")
LOSSES = ("crossentropy", "binary crossentropy", "focal", "mean squared error")
"""By name; "crossentropy" stands for the loss that belongs to a target's kind, whatever it is: training.losses."""

_LOSS_KINDS: dict[str, tuple[Kind, ...]] = {
    "binary crossentropy": ("binary", "multi-label", "share"),
    "focal": ("binary", "multi-class", "multi-label"),
    "mean squared error": ("binary", "multi-class", "multi-label", "regression", "share"),
}


def suits(loss: str, target: Target) -> bool:
    """Whether a loss of LOSSES, or of the user's own, is one for targets of this kind."""
    return target.kind in _LOSS_KINDS.get(loss, (target.kind,))


BALANCED, UNCERTAINTY = "balanced", "uncertainty"
"""How the losses of several targets are weighed, where no numbers say it: by the scale of each, or learned."""

METRICS = ("auc", "balanced accuracy", "brier", "log loss", "macro f1", "top-5")
"""What can be computed on the validation pictures after each epoch, beside accuracy; see training.metrics."""

KINDS = ("residual", "inception")
"""The blocks that `modern` is made of."""

NORMS = ("weights", "batch", "none")
"""What `modern` normalizes: the kernels (standardized), the activations (batch norm), nothing."""

ANY_SIZE = ("modern",)
"""Builders whose networks take pictures of any size, so that sizes may grow while they are trained."""


LARGEST_SIZE = 1024
"""Side of pictures in px beyond which no laptop trains."""


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
    loss: str = "crossentropy"  # a name in LOSSES, or a function of one's own: see is_own
    label_smoothing: float = 0.0  # share of each target that is spread over all classes
    augmentation: Augmentation = Augmentation()
    plain_epochs: int = 0  # epochs at the end in which pictures are no longer mixed
    sizes: tuple[int, ...] = ()  # sides of the pictures in px, over equal parts of the epochs; none: the recipe's
    average: float = 0.0  # momentum of the weights' exponential average, per step; 0: none is kept
    patience: int = 0  # epochs without a better loss on pictures held out of training before it stops; 0: never
    # Names in METRICS, or of one's own. Left out of the JSON where there are none, so that the digests of recipes
    # stay what they were before there were metrics, and finished rungs are known again.
    metrics: tuple[str, ...] | UnsetType = UNSET
    # Whether every class counts the same in the loss, however many pictures it has; left out where it does not.
    balance: bool | UnsetType = UNSET
    # What the losses of several targets count, in their order, or "uncertainty"; left out where scales balance them.
    loss_weights: tuple[float, ...] | str | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.loss_weights == BALANCED:
            msgspec.structs.force_setattr(self, "loss_weights", UNSET)
        for name in ("metrics", "balance", "loss_weights"):
            if not getattr(self, name):
                msgspec.structs.force_setattr(self, name, UNSET)
        if problems := _stage_problems(self):
            raise UsageError(problems)


_MOST = {"batch_size": 4096, "epochs": 100_000, "steps_per_epoch": 1_000_000}
"""More would fill the memory, or be a slip of the pen."""


def _stage_problems(stage: Stage) -> list[str]:
    problems = [
        f"{title} {value!r} is not known.{near(value, known)}"
        for title, value, known in (
            ("Optimizer", stage.optimizer, OPTIMIZERS),
            ("Schedule", stage.schedule, SCHEDULES),
            ("Loss", stage.loss, LOSSES),
            *(("Metric", name, METRICS) for name in stage.metrics or ()),
        )
        if value not in known and not (known in (LOSSES, METRICS) and is_own(value))
    ]
    metrics = stage.metrics or ()
    problems += [f"Metric {name!r} is named twice." for name in dict.fromkeys(metrics) if metrics.count(name) > 1]
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
        f"{name} must be at most {most:,}; it is {getattr(stage, name):,}."
        for name, most in _MOST.items()
        if getattr(stage, name) > most
    ]
    problems += [
        f"{name} must be at least 0 and below 1; it is {getattr(stage, name)}."
        for name in ("label_smoothing", "average")
        if not 0 <= getattr(stage, name) < 1
    ]
    problems += [f"A side of {size} px in sizes is below 1." for size in stage.sizes if size < 1]
    problems += loss_weight_problems(stage.loss_weights or BALANCED)
    return problems or _quarrels(stage)


def loss_weight_problems(weights: tuple[float, ...] | str) -> list[str]:
    """What is wrong with what losses shall count, as sentences."""
    if isinstance(weights, str):
        known = (BALANCED, UNCERTAINTY)
        return [] if weights in known else [f"Loss weights {weights!r} are not known.{near(weights, known)}"]
    if all(_is_a(float, weight) and 0 < weight < float("inf") for weight in weights):
        return []
    return [f"Loss weights are numbers above 0, one for each target; {', '.join(map(str, weights))} came."]


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
        if self.size > LARGEST_SIZE:
            problems.append(f"The size of the pictures must be at most {LARGEST_SIZE:,} pixels; it is {self.size:,}.")
        if self.builder == "reader" and any(one.augmentation.mixes or one.label_smoothing for one in self.stages):
            problems.append("Strings cannot be mixed or smoothed: a reader takes no mixup, cutmix or label_smoothing.")
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

    @property
    def own(self) -> tuple[str, ...]:
        """Every function of the user's own that it names, each once."""
        names = [self.arguments.get("build", "")]
        for stage in self.stages:
            names += [stage.loss, *(stage.metrics or ())]
        return tuple(name for name in dict.fromkeys(names) if is_own(name))


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
    if builder == "own" and not is_own(str(arguments.get("build", ""))):
        problems.append("Builder 'own' needs the argument 'build': module:function#DIGEST of a Keras builder.")
    if builder in ("ngrams", "word-sequence", "series-network"):
        problems += _text_problems(arguments)
    return problems or (_pretrained_problems(builder, arguments) if builder in ("frozen", "fine-tuned") else [])


def _text_problems(arguments: Mapping[str, Any]) -> list[str]:
    """What is wrong with arguments on texts."""
    views = arguments.get("views", ())
    problems = [f"View {view!r} is not known.{near(str(view), VIEWS)}" for view in views if view not in VIEWS]
    if (block := arguments.get("block", BLOCKS[0])) not in BLOCKS:
        problems.append(f"Block {block!r} is not known.{near(str(block), BLOCKS)}")
    if "views" in arguments and not arguments["views"]:
        problems.append(f"views must name one or more of {', '.join(VIEWS)}.")
    if "strengths" in arguments and not _are_strengths(arguments["strengths"]):
        problems.append(f"strengths must be one or more numbers above 0; {arguments['strengths']!r} came.")
    balances = arguments.get("balances", (0.0,))
    if not balances or not all(_is_a(float, one) and 0 <= one <= 1 for one in balances):
        problems.append(f"balances must be one or more numbers from 0 to 1; {balances!r} came.")
    if max(arguments.get("orders", ()), default=1) > LONGEST_ORDER:
        problems.append(f"orders go up to {LONGEST_ORDER} words in a row; {arguments['orders']!r} came.")
    return problems


def _pretrained_problems(builder: str, arguments: Mapping[str, Any]) -> list[str]:
    """What is wrong with arguments of the right types on pretrained bases: the bases first, then everything else."""
    if builder == "frozen":
        bases, cuts = tuple(arguments.get("bases", ())), tuple(arguments.get("cuts", ()))
    else:
        bases, cuts = tuple(arguments.get("beside", ())), (arguments.get("cut", ""),)
    if problems := _base_problems(builder, arguments, bases, cuts):
        return problems
    problems = [f"Base {spec!r} is named twice." for spec in dict.fromkeys(bases) if bases.count(spec) > 1]
    problems += [f"Cut {cut!r} is named twice." for cut in dict.fromkeys(cuts) if cuts.count(cut) > 1]
    problems += _view_problems(builder, arguments)
    if (head := arguments.get("head", HEADS[0])) not in HEADS:
        problems.append(f"Head {head!r} is not known.{near(head, HEADS)}")
    if not _are_strengths(strengths := arguments.get("strengths", (1,))):
        problems.append(f"strengths must be one or more numbers above 0; {strengths!r} came.")
    return problems + (_frozen_quarrels if builder == "frozen" else _opened_quarrels)(arguments, bases, cuts)


def _base_problems(
    builder: str, arguments: Mapping[str, Any], bases: tuple[Any, ...], cuts: tuple[Any, ...]
) -> list[str]:
    """What lacks, what is no name at all, and bases that do not exist."""
    needed = ("base", "cut") if builder == "fine-tuned" else ("bases",) if "bases" in arguments else ()
    if lacking := [name for name in needed if not arguments.get(name)]:
        return [f"Builder {builder!r} needs the argument {name!r}." for name in lacking]
    if strangers := [value for value in (*bases, *cuts) if not isinstance(value, str)]:
        return [f"Bases and cuts go by name; {', '.join(map(repr, strangers))} came."]
    problems: list[str] = []
    own = (arguments["base"],) if builder == "fine-tuned" else ()
    for spec in dict.fromkeys((*own, *bases)):
        try:
            catalogue.parse(spec) if spec != AUTO or own else None
        except UsageError as error:
            problems += error.problems
    return problems


def _view_problems(builder: str, arguments: Mapping[str, Any]) -> list[str]:
    """What is wrong with the number of views, or with the policy that makes them."""
    frozen, name = builder == "frozen", arguments.get("augmentation", "none")
    problems, views = [], arguments.get("views", 0 if frozen else 1)
    if frozen and views < 0:
        problems.append(f"views must be 0 (the plain pictures alone) or more; it is {views}.")
    if not frozen and views < 1:
        problems.append(f"views of each training picture must be at least 1 to fine-tune; {views} came.")
    if name not in POLICIES:
        problems.append(f"Augmentation policy {name!r} is not known.{near(name, POLICIES)}")
    elif frozen and views > 0 and POLICIES[name] == Augmentation():
        problems.append("Views without an augmentation are the same picture again; name one, such as 'crops'.")
    elif views > 0 and POLICIES[name].mixes:
        problems.append(
            f"Augmentation policy {name!r} mixes pictures, but a frozen network's features are kept for each view of a "
            f"single picture. Take one without mixup and cutmix{'' if frozen else ', and let the stage mix'}."
        )
    return problems


def _frozen_quarrels(arguments: Mapping[str, Any], bases: tuple[str, ...], cuts: tuple[str, ...]) -> list[str]:
    """What of a frozen network's arguments cannot work together."""
    problems = []
    if AUTO in bases and len(bases) > 1:
        problems.append(f"{AUTO!r} compares all bases at hand, and stands alone; {'+'.join(bases)} came.")
    if cuts and bases == (AUTO,):
        problems.append("Bases and cuts cannot both be chosen; name the base with --base.")
    elif cuts and len(bases) != 1:
        problems.append(f"cuts are of one base; {len(bases)} are given.")
    elif cuts:
        base, _ = catalogue.parse(bases[0])
        problems += [problem for cut in cuts if cut not in (AUTO, TOP) for problem in catalogue.cut_problems(base, cut)]
    if AUTO in cuts and len(cuts) > 1:
        problems.append(f"{AUTO!r} compares all depths, and stands alone among cuts; {'/'.join(cuts)} came.")
    alone = len(bases) == 1 and AUTO not in bases and not cuts and not arguments.get("views")
    if arguments.get("head") == HEADS[1] and not alone:
        problems.append(
            f"Head {HEADS[1]!r} stands on the last map of one base, named with --base; it takes no cuts and no views."
        )
    return problems


def _opened_quarrels(arguments: Mapping[str, Any], beside: tuple[str, ...], cuts: tuple[str, ...]) -> list[str]:
    """What of an opened network's arguments cannot work together."""
    problems = catalogue.cut_problems(catalogue.parse(arguments["base"])[0], cuts[0])
    if beside and beside[0] != arguments["base"]:
        problems.append(
            f"The frozen bases that answer beside a fine-tuned one begin with its own, {arguments['base']!r}; "
            f"{'+'.join(beside)} came."
        )
    return problems


def _are_strengths(values: tuple[Any, ...] | list[Any]) -> bool:
    return len(values) > 0 and all(_is_a(float, value) and 0 < value < float("inf") for value in values)


def _is_a(kind: type, value: Any) -> bool:
    """Whether a value is of a kind; True and False are no numbers, whole numbers may stand for others."""
    wider: dict[type, Any] = {tuple: tuple | list, float: float | int}
    return isinstance(value, wider.get(kind, kind)) and (kind is bool or not isinstance(value, bool))


LONGEST_ORDER = 5
"""Words in a row beyond which no n-gram comes twice."""

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
    **dict.fromkeys(("kernel", "dense", "width", "words", "length", "recurrent", "most"), _COUNT),
    **dict.fromkeys(("channels", "blocks", "units", "orders", "filters"), _COUNTS),
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
