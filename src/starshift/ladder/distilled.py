"""The `distilled` rung: one small network that an ensemble teaches (Hinton et al. 2015, arXiv:1503.02531)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from msgspec import structs

from starshift import catalogue, seeds
from starshift.augmentation import POLICIES
from starshift.compose import ensemble
from starshift.compose.frozen import FrozenBases
from starshift.compose.views import Behind, Views
from starshift.data.decode import Frame
from starshift.inference.network import best_precision
from starshift.ladder import linear, networks, stored
from starshift.ladder.ensemble import Fit, HeldOutAnswers, Member, as_one, combination, members, opened, title, weigh
from starshift.ladder.materials import HeldOut, Materials, Model, Part
from starshift.ladder.scratch import CONVERSION_SECONDS, LARGER
from starshift.ladder.unfitted import unfitted
from starshift.models import weights
from starshift.recipe import Recipe, Teaching, digest
from starshift.records import BaseReference, Epoch, Learnware, Split

POLICY = "float32"
"""What is cut from a base is trained in float32: its depthwise convolutions gain nothing by bfloat16 (74 pictures a
second against 61, MobileNetV2 at 128 px up to block 16)."""


def fit(recipe: Recipe, materials: Materials, on_epoch: Callable[[Epoch], None], fit_one: Fit) -> Model:
    """Fit the teacher, ask it about views of all pictures, train the student on the same views."""
    return _Distilling(recipe, materials).fit(on_epoch, fit_one)


def predict_seconds(recipe: Recipe, materials: Materials, one: Callable[[Recipe, Materials], float]) -> float:
    """How long `fit` will take. one: the same of the teacher's recipe."""
    return _Distilling(recipe, materials).seconds(one)


def depends_on(recipe: Recipe, materials: Materials) -> tuple[object, ...]:
    """What the rung's result depends on beyond recipe, data and seed: weights, precision, pictures without labels.

    Raises MissingWeights.
    """
    more = sorted(materials.unlabelled.dataset.digests) if materials.unlabelled else ()
    student = _Distilling(recipe, materials)
    asked = recipe.teaching.teacher if recipe.teaching else recipe
    store = [
        stored.depends_on(one, materials) for one in (asked, *(asked.members or ())) if one.builder == "from-store"
    ]
    return (
        *((reference.digest, best_precision()) for reference in student.references),
        *store,
        *((digest(more),) if more else ()),
    )


def depended_on(learnware: Learnware) -> tuple[object, ...]:
    """The same of a model that is there, by what it says of itself, where it had no pictures without labels."""
    return tuple((reference.digest, learnware.precision) for reference in learnware.bases)


@dataclass(frozen=True)
class Teacher:
    """Members that can each be asked about pictures as if they had never seen them."""

    members: tuple[Member, ...]
    weights: tuple[float, ...]
    whole: Model  # all of them as one, which answers for pictures that none of them saw

    def says(self, views: Callable[[Frame], Views], indices: np.ndarray, materials: Materials) -> np.ndarray:
        """Of views of training examples, by models that did not see these: float32 (views · examples, classes).

        views: the same views, whatever the frame. indices: of the examples that they are of, in the data set.
        """
        row = {int(index): place for place, index in enumerate(indices)}
        answers = []
        for member in self.members:
            found = None
            for model in self._models(member, indices):
                places = np.array([row[int(index)] for index in model.indices])
                said = _asked(model, views, places, len(indices), materials)
                if found is None:
                    found = np.full((len(said) // len(places), len(indices), said.shape[1]), np.nan, np.float32)
                found[:, places] = said.reshape(-1, len(places), said.shape[1])
            assert found is not None  # a member without models is none
            answers.append(found.reshape(-1, found.shape[2]))
        return _together(answers, self.weights)

    def says_of_new(self, views: Callable[[Frame], Views], materials: Materials) -> np.ndarray:
        """Of views of pictures that no model has seen, by all of them: float32 (views, classes)."""
        count = len(materials.unlabelled.dataset.examples) if materials.unlabelled else 0
        answers = []
        for member in self.members:
            said = [
                _asked(HeldOut(np.empty(0), one.learnware, one.tensors), views, None, count, materials)
                for one in member.models
            ]
            answers.append(ensemble.combined(said, [1 / len(said)] * len(said)))
        return _together(answers, self.weights)

    def _models(self, member: Member, indices: np.ndarray) -> Sequence[HeldOut]:
        """The member's models, and one of all for examples that no fold holds out: a class's only picture."""
        held = np.concatenate([one.indices for one in member.held_out])
        left = np.setdiff1d(indices, held)
        if not len(left):
            return member.held_out
        return [*member.held_out, *(HeldOut(left, one.learnware, one.tensors) for one in member.models[:1])]


def _asked(
    model: HeldOut, views: Callable[[Frame], Views], places: np.ndarray | None, count: int, materials: Materials
) -> np.ndarray:
    """What a model says of the views of some of `count` pictures, or of all: float32 (n, classes)."""
    predictor = opened(model, materials)
    whole = views(predictor.frame)
    some = np.arange(count) if places is None else places
    rows = (np.arange(whole.count)[:, None] * count + some).ravel()
    names = whole.names
    return predictor.stored(
        [names[row] for row in rows], lambda frame: Part(views(frame), rows), materials.progress.update
    )


def _together(answers: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Of members; rows that one of them was not asked about stay NaN."""
    known = np.all([~np.isnan(one).any(axis=1) for one in answers], axis=0)
    found = np.full_like(answers[0], np.nan)
    found[known] = ensemble.combined([one[known] for one in answers], weights)
    return found


@dataclass(frozen=True)
class _Distilling:
    """A recipe on its materials."""

    recipe: Recipe
    materials: Materials

    @property
    def teaching(self) -> Teaching:
        assert self.recipe.teaching
        return self.recipe.teaching

    # --- the teacher ---

    def teacher(self, fit_one: Fit) -> Teacher:
        """Fit its members, so that each can be asked about what it did not see, and weigh them."""
        recipe = self.teaching.teacher
        whole = recipe if recipe.members else Recipe("ensemble", recipe.size, recipe.fit, {}, members=(recipe,))
        found = members(whole, self.materials, fit_one, held_out=True)
        held = HeldOutAnswers.of(found, self.materials)
        chosen = [1.0] if len(found) == 1 else weigh(combination(whole), found, held, self.materials)[0]
        kept = [(one, weight) for one, weight in zip(found, chosen, strict=True) if weight > 0]
        members_kept, weights_kept = zip(*kept, strict=True)
        return Teacher(members_kept, weights_kept, as_one(whole, self.materials, kept))

    @property
    def _train(self) -> np.ndarray:
        return np.array(self.materials.split.train)

    def _views(self, frame: Frame, *, size: int = 0) -> Views:
        """Of the training pictures, the same for whatever frame."""
        digests = self.materials.dataset.digests
        names = [digests[index] for index in self._train]
        pictures = partial(self.materials.part, frame, self._train.tolist())
        return Views(pictures, names, POLICIES[self.teaching.augmentation], self.teaching.views, size)

    def _unlabelled_views(self, frame: Frame, *, size: int = 0) -> Views:
        more = self.materials.unlabelled
        assert more is not None
        policy = POLICIES[self.teaching.augmentation]
        return Views(lambda: more.pixels(frame), more.dataset.digests, policy, self.teaching.views, size)

    # --- the student ---

    def fit(self, on_epoch: Callable[[Epoch], None], fit_one: Fit) -> Model:
        materials, soft, teacher = self.materials, None, None
        more = materials.unlabelled if self.teaching.soft > 0 else None
        if self.teaching.soft > 0:
            teacher = self.teacher(fit_one)
            count = len(self._train) * self.teaching.views
            materials.progress.start("asking the teacher", count)
            said = [teacher.says(self._views, self._train, materials)]
            if more:
                said.append(teacher.says_of_new(self._unlabelled_views, materials))
            materials.progress.finish()
            soft = self._in_form(np.concatenate(said))
        trained = self._trained(soft, on_epoch, more is not None)
        details = {
            "network": self._network_in_words(),
            "parameters": f"{trained.parameters:,}",
            "pictures": f"{self.recipe.size}×{self.recipe.size} pixels",
            "taught": self._taught_in_words(more),
            **networks.told(self.recipe, materials, trained),
        }
        learnware = structs.replace(
            unfitted(self.recipe, materials, bases=self.references, precision=best_precision()),
            parents=teacher.whole.learnware.parents if teacher else (),
        )
        return Model(
            learnware,
            trained.weights,
            trained.history,
            details,
            networks.NONDETERMINISTIC,
            teacher=teacher.whole if teacher else None,
        )

    def _in_form(self, answers: np.ndarray) -> np.ndarray:
        """Probabilities in the form of the head: of two classes the second's, float32 (N, 1)."""
        return answers[:, 1:] if self.materials.target.kind == "binary" else answers

    def _trained(self, soft: np.ndarray | None, on_epoch: Callable[[Epoch], None], with_more: bool) -> Any:
        """Train on views; validation pictures stand behind them, as they are."""
        materials, size = self.materials, self.recipe.size
        fit = self.recipe.fit
        larger, plain = Frame(round(size * LARGER), fit), Frame(size, fit)  # type: ignore[arg-type]
        views = [self._views(larger, size=size)]
        if with_more:
            views.append(self._unlabelled_views(larger, size=size))
        validation = materials.part(plain, materials.split.validation)
        learned, held = sum(map(len, views)), len(validation)
        targets = self._targets(learned - len(views[0]))
        if soft is not None:
            soft = np.concatenate([soft, np.full((held, soft.shape[1]), np.nan, np.float32)])
        split = Split(tuple(range(learned)), tuple(range(learned, learned + held)), (), "views; the validation part")
        return networks.train(
            self._staged,
            materials,
            self._build,
            self._pace_name,
            Behind([*views, validation]),
            on_epoch,
            task="teaching" if soft is not None else "training",
            seed=seeds.child(materials.seed, "student"),
            policy=POLICY,
            targets=targets,
            split=split,
            groups=(),
            soft=soft,
        )

    def _targets(self, more: int) -> list[np.ndarray]:
        """Labels of the views, missing where nobody knows them, and of the validation part."""
        labels, views = self.materials.targets, self.teaching.views
        unknown = np.full(more, -1, labels.dtype)
        return [
            np.concatenate(
                [np.tile(labels[self._train], views), unknown, labels[list(self.materials.split.validation)]]
            )
        ]

    @cached_property
    def _staged(self) -> Recipe:
        """An epoch takes one view of each picture."""
        more = self.materials.unlabelled if self.teaching.soft > 0 else None
        pictures = len(self._train) + (len(more.dataset.examples) if more else 0)
        stages = tuple(
            structs.replace(one, steps_per_epoch=one.steps_per_epoch or -(-pictures // one.batch_size))
            for one in self.recipe.stages
        )
        return structs.replace(self.recipe, stages=stages)

    def _build(self) -> Any:
        from starshift.models import scratch
        from starshift.models.truncated import truncated

        shape, targets = (self.recipe.size, self.recipe.size, 3), self.materials.dataset.targets
        if self.recipe.builder != "truncated":
            return scratch.build(self.recipe.builder, shape, targets, self.recipe.arguments, training=True)
        base, path = catalogue.parse(self.recipe.arguments["base"])
        return truncated(shape, targets, **self.recipe.arguments, weights=weights.obtain(base, path))

    @cached_property
    def references(self) -> tuple[BaseReference, ...]:
        """The pretrained bases that the student knows something of: its own, and its teacher's."""
        teacher = self.teaching.teacher
        recipes = [self.recipe, *(teacher.members or (teacher,))] if self.teaching.soft > 0 else [self.recipe]
        specs = [
            spec
            for one in recipes
            for spec in (*one.arguments.get("bases", ()), *([one.arguments["base"]] if "base" in one.arguments else []))
        ]
        frame = Frame(self.recipe.size, self.recipe.fit)  # type: ignore[arg-type]
        return FrozenBases.find(tuple(dict.fromkeys(specs)), frame, best_precision(), self.materials.cache).references

    # --- in words, and in seconds ---

    def _network_in_words(self) -> str:
        given = self.recipe.arguments
        if self.recipe.builder != "truncated":
            return f"{self.recipe.builder}, from scratch"
        base = catalogue.parse(given["base"])[0].title
        opened = f", trained behind {given['opened']}" if given.get("opened") else ", trained from its first layer on"
        return f"{base} up to {given['cut']}{opened}; batch normalization keeps what it learned"

    def _taught_in_words(self, more: Any) -> str:
        teaching = self.teaching
        if teaching.soft == 0:
            return f"by the labels alone, on {teaching.views} views of each picture ({teaching.augmentation})"
        names = [title(one) for one in teaching.teacher.members or (teaching.teacher,)]
        beside = f", and of {len(more.dataset.examples):,} pictures without labels" if more else ""
        return (
            f"by {len(names)} models ({'; '.join(names)}), of which those speak that did not see the picture, on "
            f"{teaching.views} views of each ({teaching.augmentation}){beside}; temperature {teaching.temperature:g}, "
            f"the teacher counts {teaching.soft:.0%}"
        )

    def seconds(self, one: Callable[[Recipe, Materials], float]) -> float:
        """Teacher, its answers on views, training."""
        how = networks.seconds(
            self._staged,
            self.materials,
            self._build,
            self._pace_name,
            f"trains {self.recipe.builder} at {self.recipe.size} px",
            larger=round(self.recipe.size * LARGER),
            policy=POLICY,
        )
        if self.teaching.soft == 0:
            return how + CONVERSION_SECONDS
        return how + CONVERSION_SECONDS + one(self.teaching.teacher, self.materials) + self._asking_seconds()

    def _asking_seconds(self) -> float:
        """Views through the teacher's frozen bases, each base once, as far as they are not stored."""
        teacher, more = self.teaching.teacher, self.materials.unlabelled
        found: dict[str, float] = {}
        for member in teacher.members or (teacher,):
            if member.builder == "from-store":
                member = stored.plain(self.materials)
            if member.builder != "frozen":
                continue
            for base in linear.find_bases(member, self.materials).bases:
                views = [self._views(base.frame), *([self._unlabelled_views(base.frame)] if more else [])]
                missing = base.missing([name for some in views for name in some.names])
                seconds = missing * linear.VIEW_COST * linear.seconds_per_picture(base, self.materials)
                found[f"{base.key} {base.frame.key}"] = seconds
        return sum(found.values())

    @property
    def _pace_name(self) -> str:
        stage = self.recipe.stages[0]
        cut = f" {self.recipe.arguments.get('base', '')} up to {self.recipe.arguments.get('cut', '')}"
        return (
            f"teaching {self.recipe.builder}{cut} behind {self.recipe.arguments.get('opened', 'nothing')} at "
            f"{self.recipe.size} px, {len(self.materials.dataset.classes)} classes, batches of {stage.batch_size}"
        )
