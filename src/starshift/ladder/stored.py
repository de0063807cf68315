"""The rungs `from-store` and `from-store-tuned`: what others trained, found by the training pictures and built upon."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from msgspec import structs

from starshift import seeds
from starshift.apportion import within
from starshift.augmentation import POLICIES
from starshift.compose.finetuned import BESIDE
from starshift.compose.frozen import FrozenBase, FrozenBases
from starshift.compose.whole import SCRATCH
from starshift.data.decode import Frame
from starshift.errors import DataError, MissingWeights, UsageError
from starshift.evaluation.permits import rows_for
from starshift.inference.network import best_precision
from starshift.ladder import finetuned, linear, networks, rungs, scratch
from starshift.ladder.ensemble import Member, as_one
from starshift.ladder.materials import Materials, Model
from starshift.ladder.options import Options
from starshift.ladder.unfitted import unfitted
from starshift.learnware import candidates, joined, mapped, reuse, shelf, space
from starshift.learnware.candidates import Candidate, Mine
from starshift.learnware.joined import Reused
from starshift.recipe import Recipe, digest
from starshift.records import Epoch, InputContract, Learnware

TUNED = "from-store-tuned"
"""The builder that trains what was found further."""

HEADS_TRIED = 8
"""How many times as long as one head by inner folds all ways of reuse take (measured: 7 to 8, 60 to 3,000 pictures)."""

RUNNING_PACE_NAME, RUNNING_PACE = "running a learnware of a store on a picture", 0.005
"""Seconds, before it was measured here; heads on features that are stored take none."""


def depends_on(recipe: Recipe, materials: Materials) -> tuple[object, ...]:
    """What the rung's result depends on beyond recipe and data: what is in the store, weights, precision.

    Raises MissingWeights; DataError for a class without a training picture.
    """
    base = space.base(materials.cache)
    train = materials.targets[rows_for("weights", materials.split)]
    if lacking := [name for place, name in enumerate(materials.dataset.classes) if not (train == place).any()]:
        raise DataError(
            f"A store is searched by pictures of every class, and the training part has none of {', '.join(lacking)}."
        )
    listed = sorted((one.reference, one.id) for one in _shelved(materials).listed())
    return digest("listed", listed), base.reference.digest, base.precision


def depended_on(learnware: Learnware) -> tuple[object, ...]:
    """What is in a store cannot be told from a model."""
    return (learnware.id,)


def predict_seconds(recipe: Recipe, materials: Materials) -> float:
    """How long `fit` will take: features, learnwares that are run, ways that are tried, and training."""
    base, alone = space.base(materials.cache), plain(materials)
    features = linear.plain_seconds(base, materials)
    head = linear.head_seconds(alone, materials, linear.features_of(FrozenBases((base,))), 0)
    pace = materials.paces.get(RUNNING_PACE_NAME) or RUNNING_PACE
    running = candidates.RUN * len(materials.split.train) * pace
    further = finetuned.training_seconds(_opened(recipe, materials), materials) if recipe.builder == TUNED else 0.0
    return features + HEADS_TRIED * head + running + further


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None]) -> Model:
    """Search by the training pictures, try all ways of reuse on their inner folds, and train further if asked to."""
    return _Reusing(recipe, materials).fit(on_epoch)


@dataclass(frozen=True)
class _Reusing:
    """A recipe on its materials."""

    recipe: Recipe
    materials: Materials

    def fit(self, on_epoch: Callable[[Epoch], None]) -> Model:
        made = self.reused
        found = self._model(made)
        if self.recipe.builder != TUNED:
            return found
        start, parent, whence = self._start(made)
        tuned = self._tuned(start, on_epoch)
        return self._beside(tuned, found, parent, whence)

    @cached_property
    def mine(self) -> Mine:
        """The training pictures, as a search takes them."""
        materials = self.materials
        train = rows_for("weights", materials.split)
        return Mine(
            materials.target,
            materials.targets[train],
            [materials.dataset.digests[index] for index in train],
            lambda frame: materials.part(frame, train.tolist()),
            space.base(materials.cache),
            materials.progress,
        )

    @cached_property
    def found(self) -> tuple[list[Candidate], list[str], int]:
        """Learnwares that were run on the training pictures, sentences about others, and how many were searched."""
        _ = self.mine.features  # under a bar of their own, and no part of the pace below
        began = time.perf_counter()
        found, refused, searched = candidates.found_in(_shelved(self.materials), self.mine)
        if found:
            pictures = len(found) * len(self.mine.labels)
            self.materials.paces.put(RUNNING_PACE_NAME, (time.perf_counter() - began) / pictures)
        others = []
        for one in found:
            if _is_of_these_pictures(one, self.materials):
                refused.append(f"{one.listed.reference} was trained on these very pictures.")
            else:
                others.append(one)
        return others, refused, searched

    @cached_property
    def reused(self) -> Reused:
        """All ways on the inner folds, and the best."""
        materials = self.materials
        groups = within(materials.groups, rows_for("choices", materials.split))
        folds = [linear.folds_of(materials)] if materials.order else []
        seed = seeds.child(materials.seed, "reuse")
        return joined.trial(self.found[0], self.mine, seed=seed, groups=groups, folds=folds)

    # --- the model of the best way ---

    def _model(self, made: Reused) -> Model:
        learnware = structs.replace(
            unfitted(self.recipe, self.materials, bases=made.learnware.bases, precision=made.learnware.precision),
            builder=made.learnware.builder,
            input=made.learnware.input,
            arguments=made.learnware.arguments,
            members=made.learnware.members,
            parents=made.learnware.parents,
            trained_on=made.learnware.trained_on,
        )
        return Model(learnware, made.tensors, details=self._details(made))

    def _details(self, made: Reused) -> dict[str, str]:
        found, refused, searched = self.found
        counts = zip(made.candidates, made.way.formula.weights, strict=True)
        used = [f"{one.listed.reference} ({one.listed.title}), weight {weight:.2g}" for one, weight in counts if weight]
        tried = "; ".join(f"{way.name} {way.accuracy:.1%}, log loss {way.loss:.3f}" for way in made.ways)
        details = {
            "store": _shelved(self.materials).source.place,
            "searched": f"{searched:,} learnwares; {len(found)} run on the training pictures",
            "way": f"{made.way.name}: {reuse.WAYS[made.way.name]}",
            "learnwares": "; ".join(used) or "none: nothing in the store helps more than a head of its own",
            "tried": f"on training pictures that were not fitted on: {tried}",
        }
        if refused:
            details["not run"] = " ".join(refused)
        if used:
            details["beware"] = SEEN
        return details

    # --- trained further ---

    def _start(self, made: Reused) -> tuple[mapped.Member, Candidate | None, str]:
        """What training starts from, the learnware whose network that is, and whence it comes, in words.

        The nearest learnware's own network; else the best way's head on its base; else a network of another learnware;
        else a head of the user's own.
        """
        own = [self._network(one) for one in made.candidates]
        titles = [f"the network of {one.listed.reference}" for one in made.candidates]
        if own and own[0]:
            return own[0], made.candidates[0], titles[0]
        if self._is_linear(made.learnware):
            return mapped.Member(made.learnware, made.tensors), None, f"the head of {made.way.name} on its base"
        for member, candidate, title in zip(own, made.candidates, titles, strict=True):
            if member:
                return member, candidate, title
        head = next(one for one in made.ways if one.name == reuse.OWN)
        learnware, tensors = joined.model(head.formula, [[]] * len(made.candidates), self.mine)
        return mapped.Member(learnware, tensors), None, "an own head: what was found cannot be trained further"

    def _is_linear(self, learnware: Learnware) -> bool:
        base = self.mine.base
        contract = InputContract(base.frame.size, base.frame.fit)
        return mapped.is_linear_on(learnware, base.reference, contract, base.precision)

    def _network(self, one: Candidate) -> mapped.Member | None:
        """The learnware's network for the classes of this task, where it has one that can be trained here."""
        content = one.package
        for member in mapped.mapped(content.learnware, content.tensors, one.match.classes, self.materials.target):
            if member.learnware.builder in SCRATCH:
                return member
            if member.learnware.builder == "fine-tuned" and self._has_its_base(member.learnware):
                return member
        return None

    def _has_its_base(self, learnware: Learnware) -> bool:
        frame = _frame(learnware)
        try:
            base = FrozenBase.find(learnware.arguments["base"], frame, best_precision(), self.materials.cache)
        except MissingWeights:
            return False
        return base.reference.digest == learnware.bases[0].digest

    def _tuned(self, start: mapped.Member, on_epoch: Callable[[Epoch], None]) -> Model:
        learnware = start.learnware
        if learnware.builder in SCRATCH:
            return self._trained(start, on_epoch)
        recipe = _opened(self.recipe, self.materials)
        if learnware.builder == "fine-tuned":
            own = {name: learnware.arguments[name] for name in ("base", "cut", "head") if name in learnware.arguments}
            recipe = structs.replace(
                recipe,
                arguments={**recipe.arguments, **own},
                size=learnware.picture.size,
                fit=learnware.picture.fit,
            )
        mine = {name: array for name, array in start.tensors.items() if not name.startswith(BESIDE)}
        return finetuned.continued(recipe, self.materials, mine, on_epoch)

    def _trained(self, start: mapped.Member, on_epoch: Callable[[Epoch], None]) -> Model:
        """A network with weights of its own, all of them trained further."""
        learnware, materials = start.learnware, self.materials
        frame, size = _frame(learnware), learnware.picture.size
        policy = POLICIES[self.recipe.arguments["augmentation"]]
        stages = tuple(
            structs.replace(one, augmentation=structs.replace(policy, mixup=one.augmentation.mixup))
            for one in self.recipe.stages
        )
        recipe = structs.replace(self.recipe, size=size, fit=frame.fit, stages=stages)
        larger = scratch.larger_size(recipe)

        def build() -> object:
            from starshift.models import declared, heads
            from starshift.models import scratch as builders
            from starshift.training.weights import write_weights

            tensors = heads.without_scales(start.tensors)
            declared.refuse_others(learnware.builder, size, learnware.targets, learnware.arguments, tensors)
            model = builders.build(learnware.builder, (size, size, 3), learnware.targets, learnware.arguments)
            write_weights(model, tensors)
            return model

        trained = networks.train(
            recipe,
            materials,
            build,
            f"training {learnware.builder} of a store at {size} px",
            np.asarray(materials.pixels(frame)),
            on_epoch,
            seed=seeds.child(materials.seed, TUNED),
            larger=materials.pixels(Frame(larger, frame.fit)) if larger else None,
            policy=finetuned.POLICY,
        )
        made = structs.replace(
            unfitted(self.recipe, materials, bases=learnware.bases, precision=best_precision()),
            builder=learnware.builder,
            arguments=learnware.arguments,
            input=learnware.input,
        )
        details = networks.told(recipe, materials, trained)
        return Model(made, trained.weights, trained.history, details, networks.NONDETERMINISTIC)

    def _beside(self, tuned: Model, found: Model, parent: Candidate | None, whence: str) -> Model:
        """What was trained further and the best way, half and half: each errs elsewhere, as with `fine-tuned`."""
        members = Member("trained further", (tuned,), ()), Member("reused", (found,), ())
        recipe = Recipe(
            "ensemble", self.recipe.size, arguments={"combine": "weighted"}, members=(plain(self.materials),)
        )
        made = as_one(recipe, self.materials, [(one, 0.5) for one in members])
        parents = (*found.learnware.parents, *([parent.listed.id] if parent else []))
        learnware = structs.replace(
            made.learnware,
            name=found.learnware.name,
            trained_on=found.learnware.trained_on,
            parents=tuple(dict.fromkeys(parents)),
        )
        details = {
            **(found.details or {}),
            **({"beware": SEEN} if parents else {}),
            "trained further": f"from {whence}; averaged with the way above, half and half",
            **{name: said for name, said in (tuned.details or {}).items() if name != "head"},
        }
        return replace(made, learnware=learnware, history=tuned.history, details=details)


def _is_of_these_pictures(one: Candidate, materials: Materials) -> bool:
    """Whether a learnware says that it was made from this very task: of whoever publishes, and fits again."""
    provenance = one.package.learnware.provenance
    return provenance is not None and provenance.data == materials.task


SEEN = (
    "nobody can tell whether these learnwares were trained on some of the pictures that this rung is scored on; of a "
    "store with your own earlier models, they may have been, and the figures then flatter"
)


def _frame(learnware: Learnware) -> Frame:
    return Frame(learnware.picture.size, learnware.picture.fit)  # type: ignore[arg-type]


def _shelved(materials: Materials) -> shelf.Copy:
    """What is known of the store. Raises UsageError where none was named."""
    if materials.shelved is None:
        raise UsageError("The rungs from-store and from-store-tuned search a store; name one with --store.")
    return materials.shelved


def plain(materials: Materials) -> Recipe:
    """`features` on the space's base alone."""
    return rungs.features(Options(bases=(space.base(materials.cache).reference.spec,)), materials.dataset)


def _opened(recipe: Recipe, materials: Materials) -> Recipe:
    """How the top of the space's base is trained further: as `fine-tuned` does."""
    base = space.base(materials.cache)
    made = rungs.fine_tuned(Options(bases=(base.reference.spec,)), materials.dataset)
    asked = {name: recipe.arguments[name] for name in ("views", "augmentation") if name in recipe.arguments}
    left = {name: value for name, value in made.arguments.items() if name != "beside"}
    return structs.replace(made, arguments={**left, **asked}, stages=recipe.stages, size=base.frame.size)
