"""Builders of models by name: the arguments that each takes, and what is wrong with those that came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starshift import catalogue
from starshift.augmentation import POLICIES, Augmentation
from starshift.errors import UsageError
from starshift.recipe.words import is_a, is_own, near

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
        "joining": bool,  # JOINING
        "strengths": tuple,
        "views": int,
        "augmentation": str,
        "cuts": tuple,
        "sizes": tuple,
        "head": str,
        "balance": bool,
        "mirrored": bool,
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
        "joining": bool,
        "sharing": bool,
    },
    "truncated": {"base": str, "cut": str, "opened": str, "dropout": float},
    "ensemble": {
        "of": tuple,
        "combine": str,
        "starts": int,
        "optimizers": tuple,
        "bagging": bool,
        "folds": int,
        "specialists": int,
    },
    "from-store": {},
    "from-store-tuned": {"views": int, "augmentation": str},
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

HEADS = ("linear", "dense256")
"""On a pretrained base: a linear one on pooled features, or the seeds' own of 256 units on the last map."""

COMBINATIONS = ("weighted", "greedy", "average", "vote", "weights")
"""How an ensemble makes one answer of many: members weighed, or chosen greedily, on pictures that they did not see; all
of them with the same weight, by their logits or by the class that each names; or one model of their averaged
weights."""

BY_HELD_OUT = ("greedy", "weighted")
"""Those of COMBINATIONS that look at what members say of pictures that they did not see."""

VIEWS = ("words", "ratios", "characters")
"""How a linear model of texts looks at them: see models.ngrams."""

BLOCKS = ("convolution", "pooling", "gru", "lstm")
"""What stands over embedded words: see models.texts."""

AUTO = "auto"
"""In place of a frozen network's bases or cuts: inner folds of the training part choose."""

JOINING = "joining"
"""The argument by which inner folds decide whether the bases behind the first join it."""

TOP = "top"
"""A base's own end, its pooled last map, among cuts."""

LARGEST_RATIO = 2
"""Of the sizes at which a frozen network looks at a picture: shrinking further would skip pixels."""

KINDS = ("residual", "inception")
"""The blocks that `modern` is made of."""

NORMS = ("weights", "batch", "none")
"""What `modern` normalizes: the kernels (standardized), the activations (batch norm), nothing."""

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
    **dict.fromkeys(("kernel", "dense", "width", "words", "length", "recurrent", "most", "starts"), _COUNT),
    **dict.fromkeys(("channels", "blocks", "units", "orders", "filters", "sizes"), _COUNTS),
}


def check_builder(builder: str, arguments: Mapping[str, Any]) -> list[str]:
    """Every problem with a builder's name and arguments, as sentences with a guess at what was meant."""
    if builder not in BUILDERS:
        return [f"Builder {builder!r} is not known.{near(builder, BUILDERS)}"]
    takes = BUILDERS[builder]
    problems = []
    for name, value in arguments.items():
        if name not in takes:
            problems.append(f"Builder {builder!r} takes no argument {name!r}.{near(name, takes)}")
        elif not is_a(takes[name], value):
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
    if builder == "truncated":
        problems += _truncated_problems(arguments)
    if builder == "ensemble" and not problems:
        problems += _ensemble_problems(arguments)
    if builder in ("ngrams", "word-sequence", "series-network") and not problems:
        problems += _text_problems(arguments)
    if builder == "from-store-tuned" and not problems:
        problems += _view_problems(builder, arguments)
    return problems or (_pretrained_problems(builder, arguments) if builder in ("frozen", "fine-tuned") else [])


def _truncated_problems(arguments: Mapping[str, Any]) -> list[str]:
    """What is wrong with where a base is cut off, and from where on it is trained."""
    if lacking := [name for name in ("base", "cut") if not arguments.get(name)]:
        return [f"Builder 'truncated' needs the argument {name!r}." for name in lacking]
    try:
        base, _ = catalogue.parse(arguments["base"])
    except UsageError as error:
        return list(error.problems)
    ends, cut = base.cut_points, arguments["cut"]
    problems = [] if cut == TOP else catalogue.cut_problems(base, cut)
    if opened := arguments.get("opened"):
        problems += catalogue.cut_problems(base, opened)
        if not problems and cut != TOP and ends.index(opened) >= ends.index(cut):
            problems.append(f"What is opened begins behind {opened!r}, and the network ends at {cut!r} before it.")
    return problems


def _ensemble_problems(arguments: Mapping[str, Any]) -> list[str]:
    """What of an ensemble's arguments, each of the right type, does not exist or cannot work together."""
    how, problems = arguments.get("combine", COMBINATIONS[0]), []
    if how not in COMBINATIONS:
        problems.append(f"An ensemble is not combined by {how!r}.{near(how, COMBINATIONS)}")
    if (folds := arguments.get("folds", FOLDS)) < 2:
        problems.append(f"folds must be at least 2, so that members can predict what they did not see; {folds} came.")
    if (groups := arguments.get("specialists", 0)) and groups < 2:
        problems.append(f"specialists must be 0 (none), or at least 2 groups of classes; {groups} came.")
    if groups and (how == "weights" or arguments.get("bagging")):
        what = "combine=weights leaves one model" if how == "weights" else "with bagging they see pictures of their own"
        problems.append(f"Specialists stand behind members that are asked about the same pictures, and {what}.")
    if "folds" in arguments and how not in BY_HELD_OUT and not groups:
        problems.append(f"folds are for ways that look at what members did not see; combine={how} does not.")
    if arguments.get("bagging") and how in BY_HELD_OUT:
        problems.append(
            f"With bagging every member sees pictures of its own, and {how} compares members on the same ones; take "
            "combine=average or combine=vote."
        )
    return problems


FOLDS = 3
"""Into which an ensemble divides the training part where nothing is said, so that each picture is predicted by models
that did not see it."""


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
    if not balances or not all(is_a(float, one) and 0 <= one <= 1 for one in balances):
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
    sizes = arguments.get("sizes", ())
    problems += _size_problems(sizes, [catalogue.parse(spec)[0] for spec in bases if spec != AUTO])
    if sizes and cuts:
        problems.append("Cuts are of a base that looks at pictures in one size; leave cuts or sizes out.")
    alone = len(bases) == 1 and AUTO not in bases and not (cuts or sizes or arguments.get("views"))
    if arguments.get("head") == HEADS[1] and not alone:
        problems.append(
            f"Head {HEADS[1]!r} stands on the last map of one base, named with --base; it takes no cuts, no sizes and "
            "no views."
        )
    return problems


def _size_problems(sizes: tuple[int, ...], bases: Sequence[catalogue.Base]) -> list[str]:
    """What is wrong with the sizes at which frozen bases look at a picture, whole numbers of at least 1."""
    problems = [f"Size {size} is named twice." for size in dict.fromkeys(sizes) if sizes.count(size) > 1]
    problems += [
        f"{base.title} needs pictures of at least {base.min_size} px; sizes go down to {min(sizes)}."
        for base in bases
        if sizes and min(sizes) < base.min_size
    ]
    if sizes and max(sizes) > LARGEST_RATIO * min(sizes):
        problems.append(
            f"The largest of sizes may be {LARGEST_RATIO} times the smallest; {'/'.join(map(str, sizes))} came."
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
    return len(values) > 0 and all(is_a(float, value) and 0 < value < float("inf") for value in values)


def _within(limit: str, value: Any) -> bool:
    if limit == _COUNTS:
        return len(value) > 0 and all(is_a(int, one) and one >= 1 for one in value)
    return bool({_SHARE: 0 <= value < 1, _PENALTY: 0 <= value < float("inf"), _COUNT: value >= 1}[limit])
