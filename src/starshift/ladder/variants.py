"""Variants: a rung with something changed, read from NAME:key=value:key=value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from msgspec import structs

from starshift.augmentation import POLICIES, Augmentation
from starshift.data.decode import Fit
from starshift.errors import UsageError
from starshift.recipe import (
    BALANCED,
    BUILDERS,
    COMBINATIONS,
    HEADS,
    JOINING,
    KINDS,
    LOSSES,
    METRICS,
    NORMS,
    OPTIMIZERS,
    SCHEDULES,
    UNCERTAINTY,
    Recipe,
    Stage,
    loss_weight_problems,
    near,
)

STORED = ("from-store", "from-store-tuned")
"""Builders of models that build on learnwares of a store."""

OF_PICTURES = (
    *("convnet", "convnet-28px", "modern", "frozen", "fine-tuned", "truncated", "ensemble", "own", "reader"),
    *STORED,
)
"""Builders that take pictures; of others there is no size, no fit and no augmentation to change."""

TRAINED = (
    *("convnet", "convnet-28px", "modern", "reader", "fine-tuned", "truncated", "from-store-tuned"),
    *("table-dense", "word-bag", "word-sequence", "series-network"),
)
"""Builders that are trained by stages."""

ONLY_OF_PICTURES = ("augmentation", "plain_epochs", "sizes")
"""Fields of a stage that say something of pictures alone."""

TEACHING: dict[str, type] = {"temperature": float, "soft": float, "views": int}
"""What a variant may change of how a student is taught, with the types: see recipe.Teaching."""

POLICY_BY_NAME = "augmentation"
"""The argument of builders that keep augmented views: they take a policy by its name only."""

AUGMENT = "augment"
"""The key that names a policy."""


@dataclass(frozen=True)
class Changes:
    """What a variant changes about its rung's recipe."""

    size: int | None = None
    fit: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)  # of the builder
    stage: Mapping[str, Any] = field(default_factory=dict)  # of every stage
    augment: str | None = None  # name of a policy
    policy: Mapping[str, Any] = field(default_factory=dict)  # of the policy, named or the rung's own
    teaching: Mapping[str, Any] = field(default_factory=dict)  # of how a student is taught
    student: str | None = None  # who is taught: see combining.STUDENTS
    teacher: str | None = None  # by whom: see combining.TEACHERS

    @property
    def largest_size(self) -> int | None:
        """The side of the pictures, in px, where it is changed: of several sizes the largest."""
        sizes = [size for size in self.arguments.get("sizes", ()) if isinstance(size, int)]
        return self.size or max(sizes, default=None)

    def applied(self, recipe: Recipe) -> Recipe:
        """The recipe with the changes. Raises UsageError with all that cannot work together."""
        problems: list[str] = []
        asked = {"bases", "beside"} & set(self.arguments)  # then nothing is left to find out
        kept = {name: value for name, value in recipe.arguments.items() if not (asked and name == JOINING)}
        arguments = kept | dict(self.arguments)
        named = self.augment
        if POLICY_BY_NAME in BUILDERS[recipe.builder]:  # views are made before the stages, which only mix them
            named = None
            arguments |= {POLICY_BY_NAME: self.augment} if self.augment is not None else {}
        teaching = recipe.teaching
        if teaching:  # views are made before, for teacher and student alike
            views = {POLICY_BY_NAME: self.augment} if self.augment is not None else {}
            teaching = _tried(problems, partial(structs.replace, teaching, **{**self.teaching, **views}), teaching)
            named = None
        stages = tuple(_tried(problems, partial(self._stage, stage, named), stage) for stage in recipe.stages)
        whole = partial(structs.replace, recipe, fit=self.fit or recipe.fit, arguments=arguments, stages=stages)
        changed = _tried(problems, partial(whole, teaching=teaching), recipe)
        if problems:
            raise UsageError(problems)
        return changed

    def _stage(self, stage: Stage, named: str | None) -> Stage:
        policy = stage.augmentation if named is None else POLICIES[named]
        changes = {"augmentation": structs.replace(policy, **self.policy), **_kept_in_step(stage, self.stage)}
        if not changes["augmentation"].mixes and "plain_epochs" not in self.stage:
            changes["plain_epochs"] = 0
        return structs.replace(stage, **changes)


def _kept_in_step(stage: Stage, changes: Mapping[str, Any]) -> dict[str, Any]:
    """With other epochs, the warm-up and the plain epochs keep their shares, unless they are given."""
    if "epochs" not in changes:
        return dict(changes)
    share = changes["epochs"] / stage.epochs
    return {
        "warmup_epochs": stage.warmup_epochs * share,
        "plain_epochs": int(stage.plain_epochs * share),
        **changes,
    }


Made = TypeVar("Made")


def _tried(problems: list[str], make: Callable[[], Made], otherwise: Made) -> Made:
    try:
        return make()
    except UsageError as error:
        problems.extend(error.problems)
        return otherwise


def with_policy(recipe: Recipe, name: str) -> Recipe:
    """The recipe with another policy wherever it augments; others come back as they are."""
    return Changes(augment=name).applied(recipe) if policies(recipe) else recipe


def policies(recipe: Recipe) -> list[Augmentation]:
    """The policies by which a recipe changes pictures; none for one that does not."""
    if recipe.teaching:
        found = [POLICIES[recipe.teaching.augmentation]]
    elif name := recipe.arguments.get(POLICY_BY_NAME):
        found = [POLICIES[name]]  # whose stages mix activations, and no pictures
    else:
        found = [stage.augmentation for stage in recipe.stages]
    return [policy for policy in dict.fromkeys(found) if policy != Augmentation()]


# --- from words ---


def parse(rung: str, words: Sequence[str], builders: Sequence[str], fixed: Sequence[str] = ()) -> Changes:
    """The changes that `words` (each "key=value") ask of a rung.

    builders: those that its recipe may have. fixed: their arguments, and the size, that this rung stands for, and which
    are not to be changed. Raises UsageError with every problem and near matches.
    """
    known = keys(builders, fixed)
    problems: list[str] = []
    values: dict[str, Any] = {}
    for word in words:
        key, equals, text = (part.strip() for part in word.partition("="))
        if not equals:
            problems.append(f"{rung}:{word} is no change; write key=value, such as epochs=50.")
        elif key not in known:
            problems.append(_unknown(rung, key, known))
        elif key in values:
            problems.append(f"{rung} is given {key} twice.")
        else:
            values[key] = _tried(problems, partial(_read, rung, key, text, known[key][1]), None)
    if problems:
        raise UsageError(problems)
    return _sorted_out(values, known)


def keys(builders: Sequence[str], fixed: Sequence[str] = ()) -> dict[str, tuple[str, Any]]:
    """What may be changed: key → (where it belongs, its type). Empty for a rung that has nothing to be changed."""
    if tuple(builders) in ((), ("majority",), ("from-store",)):
        return {}
    arguments = {name: kind for builder in builders for name, kind in BUILDERS[builder].items() if name not in fixed}
    by_name = arguments.pop(POLICY_BY_NAME, None)
    if not any(builder in OF_PICTURES for builder in builders):
        return _keys_without_pictures(arguments, builders)
    every: dict[str, tuple[str, Any]] = {"size": ("recipe", int), "fit": ("recipe", Fit)}
    found = {name: place for name, place in every.items() if name not in fixed}
    found |= {name: ("arguments", kind) for name, kind in arguments.items()}
    if any(builder in TRAINED for builder in builders):
        found |= {name: ("stage", kind) for name, kind in get_type_hints(Stage).items() if name != "augmentation"}
        found |= {"metrics": ("stage", tuple[str, ...]), "balance": ("stage", bool), "loss_weights": ("stage", str)}
    if "truncated" in builders:
        found |= {name: ("teaching", TEACHING[name]) for name in TEACHING}
        found |= {"student": ("recipe", str), "teacher": ("recipe", str), AUGMENT: ("recipe", str)}
        return found | {"mixup": ("policy", float)}
    if by_name:
        found[AUGMENT] = ("recipe", str)
        if any(builder in TRAINED for builder in builders):
            found["mixup"] = ("policy", float)
    elif any(builder in TRAINED for builder in builders):
        found[AUGMENT] = ("recipe", str)
        found |= {name: ("policy", kind) for name, kind in get_type_hints(Augmentation).items()}
    return found


def _keys_without_pictures(arguments: Mapping[str, type], builders: Sequence[str]) -> dict[str, tuple[str, Any]]:
    found: dict[str, tuple[str, Any]] = {name: ("arguments", kind) for name, kind in arguments.items()}
    if any(builder in TRAINED for builder in builders):
        fields = get_type_hints(Stage).items()
        found |= {name: ("stage", kind) for name, kind in fields if name not in ONLY_OF_PICTURES}
        found |= {"metrics": ("stage", tuple[str, ...]), "balance": ("stage", bool), "loss_weights": ("stage", str)}
    return found


def _unknown(rung: str, key: str, known: Mapping[str, Any]) -> str:
    if not known:
        return f"{rung} has nothing that could be changed; {key!r} came."
    pictures_change = key == AUGMENT or key in get_type_hints(Augmentation)
    if pictures_change and AUGMENT in known:
        return f"{rung} takes a policy by its name only, as augment=NAME; {key!r} came."
    if pictures_change:
        return f"{rung} sees every picture once and as it is, so that {key!r} would change nothing."
    return f"{rung} takes no {key!r}.{near(key, known)}"


def _sorted_out(values: Mapping[str, Any], known: Mapping[str, tuple[str, Any]]) -> Changes:
    def belonging(place: str) -> dict[str, Any]:
        return {key: value for key, value in values.items() if known[key][0] == place}

    return Changes(
        **belonging("recipe"),
        arguments=belonging("arguments"),
        stage=belonging("stage"),
        policy=belonging("policy"),
        teaching=belonging("teaching"),
    )


_CHOICES = {
    "optimizer": OPTIMIZERS,
    "optimizers": OPTIMIZERS,
    "schedule": SCHEDULES,
    "loss": LOSSES,
    "kind": KINDS,
    "norm": NORMS,
    "head": HEADS,
    "combine": COMBINATIONS,
}
_TRUTH = {"yes": True, "true": True, "no": False, "false": False}


def _read(rung: str, key: str, text: str, kind: Any) -> Any:
    """A value by the type of its field. Raises UsageError."""
    if key == AUGMENT:
        return _one_of(POLICIES, "Augmentation policy", text)
    if key == "metrics":
        return tuple(_one_of(METRICS, "Metric", _as_metric(part)) for part in text.split("/")) if text else ()
    if key == "loss_weights":
        return read_loss_weights(text)
    if key == "loss":
        text = text.replace("-", " ").replace("_", " ")
    if key in _CHOICES and kind is tuple:
        return tuple(_one_of(_CHOICES[key], key.capitalize(), part) for part in text.split("/")) if text else ()
    if key in _CHOICES:
        return _one_of(_CHOICES[key], key.capitalize(), text)
    if kind is str:
        return text
    if kind is tuple:
        return tuple(_number(part) for part in text.split("/")) if text else ()
    if get_origin(kind) is Literal:
        return _one_of(get_args(kind), key, text)
    try:
        if get_origin(kind) is tuple:
            return tuple(get_args(kind)[0](part) for part in text.split("/")) if text else ()
        return _TRUTH[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        wanted = {bool: "yes or no", int: "a whole number", float: "a number"}.get(kind, "numbers such as 64/96/128")
        raise UsageError(f"{key} of {rung} is {wanted}; {text!r} came.") from None


def read_loss_weights(text: str) -> tuple[float, ...] | str:
    """ "1/0.5/2" or "1,0.5,2" → numbers, one for each target; "balanced" and "uncertainty" stay. Raises UsageError."""
    word = text.strip().lower()
    if word and not any(character.isdigit() for character in word):
        weights: tuple[float, ...] | str = word
    else:
        try:
            weights = tuple(float(part) for part in word.replace("/", ",").split(","))
        except ValueError:
            raise UsageError(
                f"Loss weights are {BALANCED}, {UNCERTAINTY}, or numbers above 0, one for each target, such as "
                f"1,0.5,2; {text!r} came."
            ) from None
    if problems := loss_weight_problems(weights):
        raise UsageError(problems)
    return weights


def _as_metric(text: str) -> str:
    """ "log-loss" → "log loss": words are joined by hyphens where a blank would end the argument."""
    spelt = {name.replace(" ", "-"): name for name in METRICS}
    return spelt.get(text.strip().lower().replace("_", "-").replace(" ", "-"), text.strip())


def _one_of(known: Any, what: str, text: str) -> str:
    if text not in known:
        raise UsageError(f"{what} {text!r} is not known.{near(text, tuple(known))}")
    return text


def _number(text: str) -> int | float | str:
    """A whole number, another number, or a word."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
