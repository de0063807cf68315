from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starshift.augmentation import POLICIES, Augmentation
from starshift.errors import UsageError
from starshift.ladder.families import find, select
from starshift.ladder.options import Options
from starshift.ladder.rungs import RUNGS
from starshift.ladder.variants import keys, policies, with_policy
from starshift.recipe import Recipe
from starshift.records import Dataset, Picture, Target


def photographs(side: int = 300) -> Dataset:
    picture = Picture("", "0", "", "", side, side, "JPEG", "RGB", 9)
    return Dataset("x", "class folders", (Target.of_classes(("a", "b")),), (picture,) * 3000)


def recipe(name: str, **options) -> Recipe:
    return find(name).recipe(Options(**options), photographs())


def test_a_variant_is_its_rung_with_something_changed():
    plain, variant = recipe("convnet"), recipe("convnet:l2=1e-3:dropout=0.5:epochs=12:fit=crop")
    assert variant.arguments == plain.arguments | {"l2": 1e-3, "dropout": 0.5}
    assert variant.stages == (msgspec.structs.replace(plain.stages[0], epochs=12),)
    assert (variant.fit, variant.size) == ("crop", plain.size)


def test_values_are_read_by_the_type_of_their_field():
    assert recipe("modern:skip=no:blocks=1/2/3").arguments["blocks"] == (1, 2, 3)
    assert recipe("modern:skip=No").arguments["skip"] is False
    assert recipe("convnet:channels=8/16:pooling=false").arguments["pooling"] is False
    stage = recipe("modern:sizes=32/48:size=64:learning_rate=1e-2:optimizer=adamw:loss=mean-squared-error").stages[0]
    assert (stage.sizes, stage.learning_rate, stage.optimizer) == ((32, 48), 0.01, "adamw")
    assert stage.loss == "mean squared error"
    assert recipe("modern:sizes=").stages[0].sizes == ()


def test_a_policy_is_named_or_changed_or_both():
    assert recipe("regularized:augment=digits").stages[0].augmentation == POLICIES["digits"]
    assert recipe("regularized:mixup=0.2:flip=no").stages[0].augmentation == msgspec.structs.replace(
        POLICIES["seeds"], mixup=0.2, flip=False
    )
    assert recipe("convnet:augment=flip:erase=0.5").stages[0].augmentation == Augmentation(flip=True, erase=0.5)


def test_what_goes_with_the_epochs_or_the_mixing_is_kept_in_step():
    modern, short = recipe("modern").stages[0], recipe("modern:epochs=30").stages[0]
    assert short.warmup_epochs == pytest.approx(modern.warmup_epochs * 30 / modern.epochs)
    assert short.plain_epochs == modern.plain_epochs * 30 // modern.epochs
    assert recipe("modern:epochs=30:warmup_epochs=2").stages[0].warmup_epochs == 2
    assert recipe("modern:augment=flip").stages[0].plain_epochs == 0


def test_a_size_of_a_variant_decides_like_the_option_and_before_it():
    assert recipe("convnet:size=28").builder == "convnet-28px"
    assert recipe("convnet:size=64", size=96).size == 64
    assert recipe("modern:size=96").stages[0].sizes == (48, 48, 72, 96)


def test_pictures_come_in_the_largest_of_several_sizes():
    twice = recipe("features:sizes=64/96", bases=("mobilenet_v2",), size=128)
    assert twice.size == 96 and twice.arguments["sizes"] == (64, 96)
    with pytest.raises(UsageError, match="sizes go up to 96 px, and pictures come in 128 px; leave size out"):
        recipe("features:sizes=64/96:size=128", bases=("mobilenet_v2",))
    with pytest.raises(UsageError, match=r"sizes must be one or more whole numbers of at least 1; .*'big'"):
        recipe("features:sizes=64/big", bases=("mobilenet_v2",))


def test_the_policy_option_is_for_rungs_that_augment_and_a_variants_own_goes_before():
    assert recipe("regularized", augment="crops").stages[0].augmentation == POLICIES["crops"]
    assert recipe("regularized:augment=flip", augment="crops").stages[0].augmentation == POLICIES["flip"]
    assert recipe("convnet", augment="crops") == recipe("convnet")
    assert recipe("fine-tuned:augment=flip", bases=("vgg16",)).arguments["augmentation"] == "flip"
    tuned = recipe("fine-tuned:mixup=0.5", augment="flip", bases=("vgg16",))
    assert tuned.arguments["augmentation"] == "flip"
    assert tuned.stages[0].augmentation == Augmentation(mixup=0.5)


def test_policies_are_those_that_change_pictures():
    assert policies(recipe("convnet")) == []
    assert policies(recipe("regularized")) == [POLICIES["seeds"]]
    assert policies(recipe("fine-tuned", bases=("vgg16",))) == [POLICIES["crops"]]
    assert with_policy(recipe("convnet"), "flip") == recipe("convnet")


@pytest.mark.parametrize(
    ("name", "problems"),
    [
        (
            "convnet:dropuot=0.2:epochs=ten:augment=sed:loss=fcal:pooling=maybe",
            (
                "convnet takes no 'dropuot'. Did you mean 'dropout'?",
                "epochs of convnet is a whole number; 'ten' came.",
                "Augmentation policy 'sed' is not known. Did you mean 'seeds'?",
                "Loss 'fcal' is not known. Did you mean 'focal'?",
                "pooling of convnet is yes or no; 'maybe' came.",
            ),
        ),
        ("convnet:l2", ("convnet:l2 is no change; write key=value, such as epochs=50.",)),
        ("convnet:l2=0.1:l2=0.2", ("convnet is given l2 twice.",)),
        ("convent:l2=1", ("Rung 'convent' is not known. Did you mean 'convnet'?",)),
        ("baseline:size=3", ("baseline has nothing that could be changed; 'size' came.",)),
        (
            "features:augment=flip",
            ("features sees every picture once and as it is, so that 'augment' would change nothing.",),
        ),
        (
            "features:mixup=0.2",
            ("features sees every picture once and as it is, so that 'mixup' would change nothing.",),
        ),
        (
            "fine-tuned:erase=0.2",
            ("fine-tuned takes a policy by its name only, as augment=NAME; 'erase' came.",),
        ),
        ("features:epochs=3", None),
        ("convnet:channels=8/x", ("channels must be one or more whole numbers of at least 1; (8, 'x') came.",)),
        ("modern:sizes=64/x", ("sizes of modern is numbers such as 64/96/128; '64/x' came.",)),
        (
            "modern:kind=inception:skip=yes",
            ("Inception blocks have no skip connection; take kind=residual for it, or leave skip out.",),
        ),
        ("modern:sizes=64/200", ("sizes go up to 200 px, above the 128 px of the pictures.",)),
        (
            "convnet:dropout=2:label_smoothing=3",
            (
                "label_smoothing must be at least 0 and below 1; it is 3.0.",
                "dropout must be at least 0 and below 1; 2.0 came.",
            ),
        ),
        ("convnet:epochs=30", ("convnet:epochs=30 changes nothing: convnet is that already.",)),
        ("convnet:fit=crap", ("fit 'crap' is not known. Did you mean 'crop'?",)),
    ],
)  # fmt: skip
def test_what_a_rung_does_not_take_is_refused_with_everything_at_once(name, problems):
    with pytest.raises(UsageError) as caught:
        find(name)
    if problems is None:
        assert caught.value.problems[0].startswith("features takes no 'epochs'.")
    else:
        assert caught.value.problems == problems


def test_all_wrong_rungs_are_said_in_one_message():
    with pytest.raises(UsageError) as caught:
        select(["convnet:l3=1", "moderm", "features:augment=flip"])
    assert len(caught.value.problems) == 3


def test_variants_stand_behind_their_rung_and_say_what_they_are():
    names = [rung.name for rung in select(["convnet: l2=0.1", "modern:skip=no", "features", "convnet"])]
    assert names == ["baseline", "convnet", "convnet:l2=0.1", "modern:skip=no", "features"]
    variant = find("convnet:l2=0.1:dropout=0.5")
    assert variant.family == "convnet"
    assert variant.description == (
        "A small convolutional network trained from scratch on these pictures alone, with l2=0.1, dropout=0.5."
    )


@pytest.mark.parametrize("rung", RUNGS.values(), ids=RUNGS)
def test_every_rung_says_what_may_be_changed(rung):
    known = keys(rung.builders, rung.fixed)
    assert bool(known) is (rung.name not in ("baseline", "from-store"))
    assert ("augment" in known) is (rung.augments or rung.name == "convnet")


@given(st.lists(st.text(alphabet="abcdefghijklmnop_=:/.0123456789- ", max_size=12), max_size=3))
def test_whatever_is_typed_is_a_rung_or_a_sentence(words):
    name = ":".join(["convnet", *words])
    try:
        problems = () if find(name).family == "convnet" else (name,)
    except UsageError as error:
        problems = tuple(problem for problem in error.problems if problem[-1] not in ".?")
    assert not problems


def test_metrics_are_named_with_hyphens_for_blanks():
    six = msgspec.structs.replace(photographs(), targets=(Target.of_classes(tuple("abcdef")),))
    [stage] = find("convnet:metrics=auc/top-5/log-loss").recipe(Options(), six).stages
    assert stage.metrics == ("auc", "top-5", "log loss")
    with pytest.raises(UsageError, match=r"Metric 'acu' is not known. Did you mean 'auc'\?"):
        find("convnet:metrics=acu/brier")
    with pytest.raises(UsageError, match="The metric top-5 needs more than 5 classes; there are 2"):
        recipe("convnet:metrics=top-5")


def test_every_class_can_be_made_to_count_the_same():
    assert recipe("features:balance=yes").arguments["balance"] is True
    assert recipe("convnet:balance=yes").stages[0].balance is True
    assert recipe("fine-tuned:balance=yes").stages[0].balance is True
    with pytest.raises(UsageError, match="convnet:balance=no changes nothing: convnet is that already"):
        recipe("convnet:balance=no")
    with pytest.raises(UsageError, match="balance of convnet is yes or no; 'perhaps' came"):
        recipe("convnet:balance=perhaps")
