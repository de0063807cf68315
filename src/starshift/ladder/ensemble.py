"""The `ensemble` builder as a rung: members are fitted, weighed on what they did not see, and kept as one model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from msgspec import structs

from starshift import catalogue, seeds
from starshift.compose import ensemble
from starshift.compose.nested import identified
from starshift.compose.predictor import Predictor
from starshift.errors import RunError, UsageError
from starshift.evaluation.metrics import log_losses
from starshift.evaluation.permits import rows_for
from starshift.ladder import choices, dense, linear, specialists
from starshift.ladder.answering import predict_part
from starshift.ladder.materials import HeldOut, Materials, Model
from starshift.ladder.unfitted import unfitted
from starshift.recipe import BY_HELD_OUT, COMBINATIONS, FOLDS, Recipe
from starshift.records import Epoch, Predictions

Fit = Callable[[Recipe, Materials, Callable[[Epoch], None]], Model]
"""How a single recipe is fitted: ladder.fit.fit."""


@dataclass(frozen=True)
class Member:
    """A recipe of an ensemble, fitted: one model, or one for each fold, which then answer together."""

    title: str
    models: tuple[Model, ...]
    held_out: tuple[HeldOut, ...]  # models that can be asked about training examples; none where nothing needs them


def fit(recipe: Recipe, materials: Materials, fit_one: Fit) -> Model:
    """Fit the members, weigh them, and keep those that count."""
    how, special = combination(recipe), None
    needed = how in BY_HELD_OUT or bool(recipe.arguments.get("specialists"))
    found = members(recipe, materials, fit_one, held_out=needed)
    if how == "weights":
        return _of_one_weight(found)
    held = HeldOutAnswers.of(found, materials) if needed else None
    weights, why = weigh(how, found, held, materials)
    if held and recipe.arguments.get("specialists"):
        special = _specialists(recipe, materials, held, weights, fit_one)
    kept = [(one, weight) for one, weight in zip(found, weights, strict=True) if weight > 0]
    whole = as_one(recipe, materials, kept, special)
    details = {
        "members": f"{len(kept)} of {len(found)} that were tried, {len(whole.members)} models",
        "combined": f"{_IN_WORDS[how]}{why}",
        **{
            f"member {place}": f"{one.title}: {weight / sum(weights):.0%}"
            for place, (one, weight) in enumerate(kept, start=1)
        },
    }
    if left_out := [one.title for one, weight in zip(found, weights, strict=True) if weight == 0]:
        details["left out"] = "; ".join(left_out)
    if special:
        details["specialists"] = _specialists_in_words(special)
    return replace(whole, details=details)


def as_one(
    recipe: Recipe,
    materials: Materials,
    kept: Sequence[tuple[Member, float]],
    special: specialists.Found | None = None,
) -> Model:
    """Members and what each counts, as one model; specialists that help stand behind them."""
    single = [
        (part, share * weight / len(one.models), one.title)
        for one, weight in kept
        for model in one.models
        for part, share in _single(model)
    ]
    models = [(model, weight) for model, weight, _ in single]
    learnwares = tuple(
        structs.replace(model.learnware, name=title, targets=materials.dataset.targets) for model, _, title in single
    )
    if special and special.share:
        learnwares += tuple(structs.replace(one.learnware, name=SPECIALIST) for one in special.models)
    bases = tuple(dict.fromkeys(base for one in learnwares for base in one.bases))
    precision = learnwares[0].precision
    learnware = structs.replace(
        unfitted(recipe, materials, bases=bases, precision=precision),
        members=tuple(structs.replace(one, parents=()) for one in learnwares),
        parents=tuple(dict.fromkeys(id for one, _ in kept for own in one.models for id in own.learnware.parents)),
    )
    nondeterministic = next((model.nondeterministic for model, _ in models if model.nondeterministic), "")
    behind = special.models if special and special.share else ()
    inner = [*(model.tensors for model, _ in models), *(one.tensors for one in behind)]
    tensors = ensemble.together(inner, [weight for _, weight in models])
    if special and behind:
        tensors[ensemble.SHARE] = np.array([special.share], np.float32)
    members = tuple(replace(model, learnware=named) for (model, _), named in zip(models, learnwares, strict=False))
    return Model(learnware, tensors, nondeterministic=nondeterministic, members=members)


def _single(model: Model) -> list[tuple[Model, float]]:
    """The models that one is made of, and their shares: of a weighted ensemble its members, else itself."""
    if not model.learnware.members:
        return [(model, 1.0)]
    weights = model.tensors[ensemble.WEIGHTS]
    inner = ensemble.members(model.learnware, model.tensors)
    return [
        (Model(learnware, tensors, nondeterministic=model.nondeterministic), float(weight))
        for (learnware, tensors), weight in zip(inner, weights, strict=True)
    ]


def predict_seconds(recipe: Recipe, materials: Materials, one: Callable[[Recipe, Materials], float]) -> float:
    """How long `fit` will take: features once, however many members need them; networks for every fold.

    one: the same of a single recipe.
    """
    shared: dict[str, float] = {}
    total, folds = 0.0, int(recipe.arguments.get("folds", FOLDS))
    for member in recipe.members or ():
        if makes_held_out(member) and not choices.is_open(member):
            shared |= linear.seconds_of_each(member, materials)
        else:  # each of them learns from all folds but one
            crossed = combination(recipe) in BY_HELD_OUT and not makes_held_out(member)
            total += (folds - 1 if crossed else 1) * one(member, materials)
    return total + sum(shared.values())


_IN_WORDS = {
    "greedy": "a mean of logits; members chosen greedily",
    "weighted": "a weighted mean of logits",
    "average": "a mean of logits in which all count the same",
    "vote": "a vote: each names one class",
}


def combination(recipe: Recipe) -> str:
    """How a recipe makes one answer of many: one of recipe.COMBINATIONS."""
    return str(recipe.arguments.get("combine", COMBINATIONS[0]))


# ----------------------------------------------------------------------------------------------------
# Members


def members(recipe: Recipe, materials: Materials, fit_one: Fit, *, held_out: bool) -> list[Member]:
    """Fit all members. held_out: whether they must be able to predict the training part as if it were new."""
    found = []
    for place, one in enumerate(recipe.members or ()):
        title = titles(recipe)[place]
        materials.progress.say(f"Member {place + 1} of {len(recipe.members or ())}: {title} …")
        found.append(_Fitting(recipe, place, one, title, materials, fit_one).member(held_out))
    return found


@dataclass(frozen=True)
class _Fitting:
    """A member under way."""

    recipe: Recipe
    place: int
    member_recipe: Recipe
    title: str
    whole: Materials
    fit_one: Fit

    def member(self, held_out: bool) -> Member:
        if not held_out or makes_held_out(self.member_recipe):
            model = self._fit(self.materials)
            return Member(self.title, (model,), model.held_out if held_out else ())
        models, seen_by_others = [], []
        for number, (fitted_on, held) in enumerate(self._folds):
            model = self._fit(self._without(number, fitted_on, held))
            models.append(model)
            seen_by_others.append(HeldOut(self._train[held], model.learnware, model.tensors))
        return Member(self.title, tuple(models), tuple(seen_by_others))

    def _fit(self, materials: Materials) -> Model:
        return self.fit_one(self.member_recipe, materials, lambda epoch: None)

    @cached_property
    def materials(self) -> Materials:
        """What the member learns from: a seed of its own where it is trained by steps, and a sample of its own where
        the ensemble is bagged.
        """
        same_start = not self.member_recipe.is_trained_by_steps and not self.recipe.arguments.get("bagging")
        if same_start:
            return self.whole
        own = replace(self.whole, seed=seeds.child(self.whole.seed, "member", self.place))
        if not self.recipe.arguments.get("bagging"):
            return own
        return replace(own, split=structs.replace(own.split, train=bootstrap(own)))

    @property
    def _train(self) -> np.ndarray:
        return rows_for("weights", self.materials.split)

    @cached_property
    def _folds(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of the training part, the same for every member."""
        return linear.folds_of(self.whole, int(self.recipe.arguments.get("folds", FOLDS)))

    def _without(self, number: int, fitted_on: np.ndarray, held: np.ndarray) -> Materials:
        """The materials of the model that does not see a fold."""
        train = self._train
        split = structs.replace(
            self.materials.split,
            train=tuple(train[fitted_on].tolist()),
            validation=tuple(train[held].tolist()),
            test=(),
        )
        return replace(self.materials, split=split, seed=seeds.child(self.materials.seed, "fold", number))


def makes_held_out(recipe: Recipe) -> bool:
    """Whether fitting the recipe gives models without each fold on its way: linear heads do."""
    return recipe.builder == "frozen" and not dense.is_dense(recipe)


def bootstrap(materials: Materials) -> tuple[int, ...]:
    """As many training examples as there are, drawn with replacement within each class; which of them came, once each.

    Drawing within classes keeps the small ones. An example that was drawn several times counts once: heads choose
    their strength by inner folds, in which the same picture must not stand on both sides. Breiman 1996
    (doi:10.1007/BF00058655); about 63 % of the examples are in a sample.
    """
    generator = np.random.default_rng(seeds.child(materials.seed, "bootstrap"))
    train = rows_for("weights", materials.split)
    return tuple(train[np.unique(drawn(materials.strata[train], generator))].tolist())


def drawn(strata: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """As many rows as there are, drawn with replacement within each stratum: int (N,). strata: int (N,)."""
    rows = [np.flatnonzero(strata == one) for one in np.unique(strata)]
    return np.concatenate([generator.choice(one, len(one)) for one in rows])


# ----------------------------------------------------------------------------------------------------
# Weights


@dataclass(frozen=True)
class HeldOutAnswers:
    """What all members say of the training examples that none of the models asked has seen."""

    indices: np.ndarray  # int (n,), of the examples
    targets: np.ndarray  # int (n,), their classes
    answers: list[np.ndarray]  # of each member, float32 (n, classes)

    @classmethod
    def of(cls, found: Sequence[Member], materials: Materials) -> HeldOutAnswers:
        """Ask the models of each member that did not see an example."""
        answers = [held_out_answers(member, materials) for member in found]
        known = np.all([~np.isnan(one).any(axis=1) for one in answers], axis=0)
        train = rows_for("choices", materials.split)[known]
        return cls(train, materials.targets[train], [one[known] for one in answers])


def weigh(
    how: str, found: Sequence[Member], held: HeldOutAnswers | None, materials: Materials
) -> tuple[list[float], str]:
    """What each member counts, and on what that was chosen, in words. held: for the ways that look at answers."""
    if how not in BY_HELD_OUT:
        return [1 / len(found)] * len(found), ""
    assert held is not None
    weights = ensemble.chosen(how, held.answers, held.targets)
    alone = [log_losses(held.targets, one).mean() for one in held.answers]
    together = log_losses(held.targets, ensemble.combined(held.answers, weights.tolist())).mean()
    return weights.tolist(), (
        f", by log loss on {len(held.targets):,} training {materials.dataset.noun}s that the models asked did not see: "
        f"{together:.4f}, the best member {min(alone):.4f}"
    )


def held_out_answers(member: Member, materials: Materials) -> np.ndarray:
    """What a member says of the training part where it did not see it: float32 (training examples, classes), NaN for
    those that no fold holds out.
    """
    train = rows_for("choices", materials.split)
    place = {int(index): row for row, index in enumerate(train)}
    found = np.full((len(train), len(materials.dataset.classes)), np.nan, np.float32)
    for one in member.held_out:
        rows = [place[int(index)] for index in one.indices]
        found[rows] = said_of(one, materials, one.indices)
    return found


def said_of(model: HeldOut | Model, materials: Materials, indices: np.ndarray) -> np.ndarray:
    """What a model that was not saved says of some examples: float32 (n, classes)."""
    answers = predict_part(opened(model, materials), materials, tuple(indices.tolist()))
    assert isinstance(answers, Predictions)  # ensembles are of classes
    return answers.probabilities


def opened(model: HeldOut | Model, materials: Materials) -> Predictor:
    """A model that was not saved, ready to answer."""
    learnware = identified(model.learnware, model.tensors)
    return Predictor(learnware, model.tensors, materials.cache, materials.builder(learnware))


# ----------------------------------------------------------------------------------------------------
# Specialists

SPECIALIST = "specialist"
"""The name of a member that tells some of the classes apart."""


def _specialists(
    recipe: Recipe, materials: Materials, held: HeldOutAnswers, weights: Sequence[float], fit_one: Fit
) -> specialists.Found:
    """Models for groups of classes that the members together confuse.

    Raises UsageError where no member is a linear head, which specialists are made like.
    """
    like = next((one for one in recipe.members or () if makes_held_out(one) and not choices.is_open(one)), None)
    if like is None:
        raise UsageError("Specialists are linear heads on frozen features; name features among the members.")
    together = ensemble.combined(held.answers, weights, vote=combination(recipe) == "vote")
    groups = specialists.groups_of(together, int(recipe.arguments["specialists"]))
    materials.progress.say(f"Specialists for {len(groups)} groups of classes …")
    models, said = [], []
    for group in groups:
        narrowed = specialists.about(materials, group)
        model = fit_one(like, narrowed, lambda epoch: None)
        models.append(model)
        own = np.full((len(held.indices), len(group)), np.nan, np.float32)
        for one in model.held_out:
            if len(inside := np.flatnonzero(np.isin(held.indices, one.indices))):
                own[inside] = said_of(one, narrowed, held.indices[inside])
        said.append((group, own))
    share, why = specialists.share_of(together, said, held.targets)
    return specialists.Found(tuple(models), share, why)


def _specialists_in_words(found: specialists.Found) -> str:
    groups = "; ".join(", ".join(one.learnware.classes) for one in found.models)
    if not found.models:
        return "none: no group of classes is confused with each other"
    kept = "" if found.share else "none kept: "
    return f"{kept}{len(found.models)} groups ({groups}); on training pictures that they did not see: {found.why}"


# ----------------------------------------------------------------------------------------------------
# One model of averaged weights


def _of_one_weight(found: Sequence[Member]) -> Model:
    """The mean of the members' tensors (model soups: Wortsman et al. 2022, arXiv:2203.05482): one model, which costs
    what a single one does.
    """
    models = [model for one in found for model in one.models]
    first = models[0]
    shapes = [{name: array.shape for name, array in model.tensors.items()} for model in models]
    if any(one != shapes[0] for one in shapes):
        raise RunError(
            "Only models of one architecture can have their weights averaged, and the members' differ. Take "
            "combine=average."
        )
    tensors = {
        name: np.mean([model.tensors[name] for model in models], axis=0, dtype=np.float64).astype(array.dtype)
        for name, array in first.tensors.items()
    }
    details = {**(first.details or {}), "weights": f"the mean of those of {len(models)} models"}
    return Model(first.learnware, tensors, details=details, nondeterministic=first.nondeterministic)


# ----------------------------------------------------------------------------------------------------
# In words

START = ", start "
"""Between a title and the number of the start, or sample, where a recipe is a member several times."""


def titles(recipe: Recipe) -> list[str]:
    """The members for a reader, each with a title of its own."""
    plain = [title(member) for member in recipe.members or ()]
    seen: dict[str, int] = {}
    found = []
    for one in plain:
        seen[one] = seen.get(one, 0) + 1
        found.append(f"{one}{START}{seen[one]}" if plain.count(one) > 1 else one)
    return found


def title(recipe: Recipe) -> str:
    """A recipe in a few words: "MobileNetV2 + MobileNet, frozen, at 224 and 288 px"."""
    given = recipe.arguments
    parts = []
    if recipe.builder in ("frozen", "fine-tuned"):
        specs = given.get("bases") or (given["base"],)
        parts.append(" + ".join(catalogue.parse(spec)[0].title for spec in specs if spec != "auto"))
        parts.append("frozen" if recipe.builder == "frozen" else f"opened behind {given['cut']}")
        parts += [f"pooled at {' and '.join(given['cuts'])}"] if given.get("cuts") else []
        parts += [f"at {' and '.join(map(str, given['sizes']))} px"] if given.get("sizes") else []
        parts += [f"{given['views']} views"] if given.get("views") and recipe.builder == "frozen" else []
        parts += ["mirror images too"] if given.get("mirrored") else []
    else:
        parts.append(recipe.builder)
        parts += [f"{name} {value}" for name, value in given.items() if isinstance(value, int | float | str)]
    parts += [f"by {recipe.stages[0].optimizer}"] if recipe.stages else []
    return ", ".join(parts)
