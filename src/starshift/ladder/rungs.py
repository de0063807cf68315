"""The rungs as values: what each is, and which recipe it stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from msgspec import structs

from starshift import catalogue
from starshift.augmentation import POLICIES, Augmentation
from starshift.compose.own import Own
from starshift.errors import MissingWeights, UsageError
from starshift.ladder.options import Options
from starshift.ladder.reader import reader
from starshift.ladder.variants import STORED, Changes, with_policy
from starshift.models import weights
from starshift.recipe import AUTO, BUILDERS, HEADS, JOINING, METRICS, Recipe, Stage, suits
from starshift.records import KINDS, Dataset, Kind, Picture, Target

FROM_SCRATCH = ("convnet", "convnet-28px", "modern")
"""Builders without pretrained weights."""

SEEDS_SIZE = 150
"""Side in pixels of the seeds' pictures for their network from scratch."""

SMALL_SIZE = 28
"""Side in pixels of the seeds' template for small pictures."""

FIRST_BASE, SECOND_BASE = "mobilenet_v2", "mobilenet"
"""The bases of `features` unless the user names others: the first always, the second where inner folds say so."""

MANY_CLASSES = 10
"""Classes above which the second base is tried. Measured on folds of training pictures: 1.3 points more accuracy on
101 classes (caltech-101), 0.1 on two (dogs-vs-cats), for 1.8 times the time."""

FEW_PICTURES = 1000
"""Pictures up to which the second base is tried all the same: it then costs two seconds or less."""

STRENGTHS = (3e-3, 1e-2, 3e-2)
"""Inverse L2 penalties that the inner folds choose from (scikit-learn's C, on standardized features)."""


CUTS = {"mobilenet_v2": "block_12_add", "mobilenet": "conv_pw_11_relu"}
"""Behind which `fine-tuned` opens a base; others are opened behind their last cut point, the seeds' top block."""

VIEWS, VIEW_AUGMENTATION = 4, "crops"
"""Augmented views of each training picture that `features-augmented` and `fine-tuned` learn from. Measured on folds of
training pictures, see docs/features.md: more than four buy next to nothing."""

MODERN_SIZE, MODERN_SMALLEST = 128, 32
"""Side in pixels of the pictures of `modern`, and the least that its sizes begin with."""

MODERN_SIZES = (0.5, 0.5, 0.75, 1.0)
"""Shares of that side at which it is trained, in turn."""

MODERN_NETWORK: dict[str, Any] = {"width": 48, "blocks": (2, 2, 2), "norm": "weights", "drop_path": 0.1}

MODERN = Stage(
    optimizer="muon",
    learning_rate=5e-3,
    schedule="cosine",
    warmup_epochs=8,
    weight_decay=0.1,
    batch_size=64,
    epochs=160,
    label_smoothing=0.1,
    augmentation=POLICIES["strong"],
    plain_epochs=3,
)
"""How `modern` is trained. On a fold of 1,500 training pictures of dogs-vs-cats, Muon reached 80 % in 30 epochs at
64 px where SGD reached 71 %, and standardized kernels 84 % in two thirds of a step's time; see docs/rungs.md."""

TUNING = Stage(
    optimizer="adamw",
    learning_rate=5e-4,
    schedule="cosine",
    warmup_epochs=0.5,
    weight_decay=1e-2,
    batch_size=32,
    epochs=5,
    augmentation=Augmentation(mixup=0.2),
)
"""How what is opened is trained, together with its head. Views were augmented before; what is mixed are activations."""

TUNING_RATE_OF_MANY = 1e-3
"""Its learning rate for more than MANY_CLASSES classes. Measured on five folds of training pictures: caltech-101 94.2 %
at 5e-4 and 94.7 % at this rate (log loss 0.199 and 0.191), dogs-vs-cats 99.1 and 98.9 % (0.0322 and 0.0317)."""


ALL_BUT_STRINGS: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "string")
"""Kinds of targets that a head of one layer can serve."""


@dataclass(frozen=True)
class Rung:
    """One step of the ladder, or a variant of one."""

    name: str  # "convnet", or of a variant "convnet:l2=0.001"
    description: str  # one sentence
    make: Callable[[Options, Dataset], Recipe]
    builders: tuple[str, ...]  # that the recipe may have
    fixed: tuple[str, ...] = ()  # arguments of the builder that no variant changes: the rung stands for them
    augments: bool = False  # whether it changes pictures at random
    changes: Changes | None = None  # of a variant
    like: str = ""  # of a rung of the user's own: the one whose network and training it has
    parts: tuple[Own, ...] = ()  # the user's own functions in it
    kinds: tuple[Kind, ...] = ALL_BUT_STRINGS  # of targets that it can be fitted to
    alone: bool = False  # whether it takes one target only

    @property
    def family(self) -> str:
        """The rung that a variant is of; its own name otherwise."""
        return (self.like or self.name).partition(":")[0]

    def takes(self, kind: Kind, count: int) -> bool:
        """Whether it can be fitted to so many targets, of which one of that kind leads."""
        return kind in self.kinds and (count == 1 or not self.alone)

    @property
    def searches(self) -> bool:
        """Whether its recipe looks for learnwares in a store."""
        inside = (*self.changes.arguments.get("of", ()), self.changes.teacher) if self.changes else ()
        return any(name in STORED for name in (*self.builders, *inside))

    @property
    def takes_head(self) -> bool:
        """Whether its recipe has a head that can be chosen."""
        return any("head" in BUILDERS[builder] for builder in self.builders) and "head" not in self.fixed

    def recipe(self, options: Options, dataset: Dataset) -> Recipe:
        """What this rung is for a data set. Raises UsageError where changes or options cannot work together."""
        changes = self.changes or Changes()
        given = changes.arguments if self.builders == ("ensemble",) else {}
        asked = replace(
            options,
            size=changes.largest_size or options.size,
            ensemble=given,
            student=changes.student or options.student,
            teacher=changes.teacher or options.teacher,
        )
        recipe = self.make(asked, dataset)
        if options.augment is not None and changes.augment is None:
            recipe = with_policy(recipe, options.augment)
        recipe = changes.applied(recipe)
        if options.loss_weights is not None and "loss_weights" not in changes.stage:
            stages = (structs.replace(stage, loss_weights=options.loss_weights) for stage in recipe.stages)
            recipe = structs.replace(recipe, stages=tuple(stages))
        if recipe.arguments.get("sharing"):  # as it is where nothing is said
            arguments = {name: value for name, value in recipe.arguments.items() if name != "sharing"}
            recipe = structs.replace(recipe, arguments=arguments)
        if problems := [*_metric_problems(recipe, dataset), *_loss_problems(recipe, dataset)]:
            raise UsageError(problems)
        return recipe


def _metric_problems(recipe: Recipe, dataset: Dataset) -> list[str]:
    """What of the metrics after each epoch the leading target does not have."""
    named = list(dict.fromkeys(name for stage in recipe.stages for name in stage.metrics or () if name in METRICS))
    if named and not dataset.target.is_classes:
        target = dataset.target
        return [f"{', '.join(named)} are metrics of classes; {target.name!r} is a {target.kind} target."]
    classes = len(dataset.classes)
    if classes > 5 or "top-5" not in named:
        return []
    return [f"The metric top-5 needs more than 5 classes; there are {classes}, and it would always be 1."]


def _loss_problems(recipe: Recipe, dataset: Dataset) -> list[str]:
    """Losses that are of none of the targets' kinds."""
    problems = []
    for name in dict.fromkeys(stage.loss for stage in recipe.stages):
        if not any(suits(name, target) for target in dataset.targets):
            kinds = " and ".join(dict.fromkeys(target.kind for target in dataset.targets))
            problems.append(f"The loss {name} is not for targets of kind {kinds}; without it they have their own.")
    return problems


def baseline(options: Options, dataset: Dataset) -> Recipe:
    """The majority class, or the mean; it looks at no example."""
    return Recipe(builder="majority", size=1)


def convnet(options: Options, dataset: Dataset) -> Recipe:
    """The seeds' network and training exactly (seed 001, "Build the CNN"), or their template for small pictures."""
    return _seeds_network(
        options, dataset, {}, Stage(optimizer="rmsprop", learning_rate=1e-4, batch_size=20, epochs=30)
    )


def regularized(options: Options, dataset: Dataset) -> Recipe:
    """The same with the seeds' remedies in their true amounts: dropout 0.5, augmentation, 320,000 pictures in all."""
    stage = Stage(
        optimizer="rmsprop",
        learning_rate=1e-4,
        batch_size=32,
        steps_per_epoch=100,
        epochs=100,
        augmentation=POLICIES["seeds"],
        average=0.998,
    )
    return _seeds_network(options, dataset, {"dropout": 0.5}, stage)


def _seeds_network(options: Options, dataset: Dataset, arguments: dict[str, Any], stage: Stage) -> Recipe:
    size = options.size or scratch_size(dataset)
    if size < smallest_for_four_stages():
        return Recipe(builder="convnet-28px", size=size, arguments=arguments, stages=(stage,))
    arguments = {"channels": (32, 64, 128, 128), "dense": 512, **arguments}
    return Recipe(builder="convnet", size=size, arguments=arguments, stages=(stage,))


def modern(options: Options, dataset: Dataset) -> Recipe:
    """A residual network with what small recipes have today; pictures grow while it is trained."""
    size = options.size or max(min(MODERN_SIZE, shorter_side(dataset)), MODERN_SMALLEST)
    sizes = tuple(round(size * share / 8) * 8 for share in MODERN_SIZES)
    growing = (*sizes[:-1], size) if sizes[0] >= MODERN_SMALLEST else ()
    stage = structs.replace(MODERN.with_enough_steps(len(dataset.examples)), sizes=growing)
    return Recipe(builder="modern", size=size, arguments=dict(MODERN_NETWORK), stages=(stage,))


def features(options: Options, dataset: Dataset) -> Recipe:
    """Frozen bases at the size that they were trained at, and a logistic head."""
    bases = options.bases or default_bases(dataset)
    arguments: dict[str, Any] = {"bases": bases, "strengths": STRENGTHS, **_joining(options, bases)}
    if options.head is not None:
        arguments["head"] = options.head
        if options.head != HEADS[0] and not options.bases:
            arguments["bases"] = (FIRST_BASE,)  # it stands on one
            arguments.pop(JOINING, None)
    return Recipe(builder="frozen", size=features_size(options), arguments=arguments)


def features_augmented(options: Options, dataset: Dataset) -> Recipe:
    """`features`, whose head also learns from augmented views of the training pictures; fewer where time is short."""
    recipe = features(replace(options, head=None), dataset)
    arguments = {**recipe.arguments, "views": VIEWS, "augmentation": VIEW_AUGMENTATION}
    return structs.replace(recipe, arguments=arguments)


def fine_tuned(options: Options, dataset: Dataset) -> Recipe:
    """`features`, then the top of its first base opened, from the head that this base's frozen features ended with.

    Its answers are averaged with those of `features`: what was opened errs elsewhere, and is too sure of itself.
    """
    if AUTO in options.bases:
        raise UsageError(
            f"a base is opened by name; --base {AUTO} compares frozen bases. Let it choose with --rungs features "
            "first, then name the winner with --base."
        )
    specs = options.bases or default_bases(dataset)
    base, _ = catalogue.parse(specs[0])
    size = options.size or base.size
    if size < base.min_size:
        raise UsageError(f"{base.title} needs pictures of at least {base.min_size} px; --size is {size}.")
    arguments = {
        "base": specs[0],
        "cut": CUTS.get(base.name, base.cut_points[-1]),
        "views": VIEWS,
        "augmentation": VIEW_AUGMENTATION,
        "strengths": STRENGTHS,
        "merged": options.merge_stages,
        "beside": specs,
        **_joining(options, specs),
        **({"head": options.head} if options.head is not None else {}),
    }
    return Recipe(builder="fine-tuned", size=size, arguments=arguments, stages=(_tuning(dataset),))


def _tuning(dataset: Dataset) -> Stage:
    rate = TUNING_RATE_OF_MANY if len(dataset.classes) > MANY_CLASSES else TUNING.learning_rate
    return structs.replace(TUNING.with_enough_steps(len(dataset.examples)), learning_rate=rate)


def from_store(options: Options, dataset: Dataset) -> Recipe:
    """The best way to reuse learnwares of a store."""
    return Recipe(builder="from-store", size=catalogue.base(FIRST_BASE).size)


def from_store_tuned(options: Options, dataset: Dataset) -> Recipe:
    """The same, trained further as `fine-tuned` trains."""
    arguments = {"views": VIEWS, "augmentation": VIEW_AUGMENTATION}
    return Recipe("from-store-tuned", catalogue.base(FIRST_BASE).size, arguments=arguments, stages=(_tuning(dataset),))


def default_bases(dataset: Dataset) -> tuple[str, ...]:
    """The bases for a task of this size: the second joins where it pays, if its weights are to be had."""
    if second_base_pays(dataset):
        try:
            weights.obtain(catalogue.base(SECOND_BASE))
        except MissingWeights:
            return (FIRST_BASE,)  # the record of the rung says what could be added
        return FIRST_BASE, SECOND_BASE
    return (FIRST_BASE,)


def _joining(options: Options, bases: tuple[str, ...]) -> dict[str, bool]:
    """That inner folds decide whether the second base joins the first, where nobody asked for it."""
    return {JOINING: True} if len(bases) > 1 and not options.bases else {}


def second_base_pays(dataset: Dataset) -> bool:
    """Whether a second base is worth its time by default, to be tried at least: with many classes or few pictures."""
    return len(dataset.classes) > MANY_CLASSES or len(dataset.pictures) <= FEW_PICTURES


def features_size(options: Options) -> int:
    """The side of pictures for the bases: as asked for, or the largest that one of them was trained at."""
    specs = options.bases if options.bases not in ((), (AUTO,)) else (FIRST_BASE, SECOND_BASE)
    bases = [catalogue.parse(spec)[0] for spec in specs]
    return options.size or max(base.size for base in bases)


RUNGS = {
    "baseline": Rung(
        "baseline",
        "The majority class: the first thing that a model must beat.",
        baseline,
        ("majority",),
        kinds=KINDS,
    ),
    "convnet": Rung(
        "convnet",
        "A small convolutional network trained from scratch on these pictures alone.",
        convnet,
        ("convnet", "convnet-28px"),
    ),
    "regularized": Rung(
        "regularized",
        "The same network with dropout, trained longer on pictures that are changed at random.",
        regularized,
        ("convnet", "convnet-28px"),
        augments=True,
    ),
    "modern": Rung(
        "modern",
        "A residual network trained from scratch by a recipe of today.",
        modern,
        ("modern",),
        augments=True,
    ),
    "features": Rung(
        "features",
        "A pretrained network, frozen, and a linear head trained on what it sees.",
        features,
        ("frozen",),
        ("views", "augmentation"),
    ),
    "features-augmented": Rung(
        "features-augmented",
        "The same head, trained on augmented views of each picture as well.",
        features_augmented,
        ("frozen",),
        ("head",),
        augments=True,
    ),
    "fine-tuned": Rung(
        "fine-tuned",
        "A pretrained network with a linear head, then its top layers trained further together with that head.",
        fine_tuned,
        ("fine-tuned",),
        augments=True,
    ),
    "from-store": Rung(
        "from-store",
        "What others trained, found in a store by the training pictures, and the best way to build on it.",
        from_store,
        ("from-store",),
        kinds=("binary", "multi-class"),
        alone=True,
    ),
    "from-store-tuned": Rung(
        "from-store-tuned",
        "What was found in a store, trained further on these pictures, and averaged with the best way to reuse it.",
        from_store_tuned,
        ("from-store-tuned",),
        ("size", "fit"),
        augments=True,
        kinds=("binary", "multi-class"),
        alone=True,
    ),
    "reader": Rung(
        "reader",
        "A convolutional network whose columns are read from left to right, for strings.",
        reader,
        ("reader",),
        augments=True,
        kinds=("string",),
    ),
}
"""The ladder for pictures; the names that `--rungs` takes."""


def try_on_photographs(variant: Rung) -> None:
    """Raise UsageError for a variant that works on no pictures, before any are read."""
    picture = Picture("", "0", "", "", 500, 375, "JPEG", "RGB", 0)
    photographs = Dataset("", "class folders", (Target.of_classes(tuple("012345")),), (picture,) * 2000)
    if variant.recipe(Options(), photographs) == RUNGS[variant.family].recipe(Options(), photographs):
        raise UsageError(f"{variant.name} changes nothing: {variant.family} is that already.")


def scratch_size(dataset: Dataset) -> int:
    """The side for networks from scratch: the seeds' 150 px, or less where the pictures have less.

    Enlarging pictures adds work and no information, so the median of their shorter sides is the limit; below
    what four stages need, the seeds' own size for small pictures is taken.
    """
    shorter = shorter_side(dataset)
    return SMALL_SIZE if shorter < smallest_for_four_stages() else min(SEEDS_SIZE, shorter)


def shorter_side(dataset: Dataset) -> int:
    """The median of the pictures' shorter sides in px."""
    return int(median(min(picture.width, picture.height) for picture in dataset.pictures))


def smallest_for_four_stages() -> int:
    """46 px: each stage (3×3 valid convolution, 2×2 pooling) needs 2 n + 2 px to leave n; 1 ← 4 ← 10 ← 22 ← 46."""
    side = 1
    for _ in range(4):
        side = 2 * side + 2
    return side
