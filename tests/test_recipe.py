from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from starshift.augmentation import POLICIES
from starshift.errors import UsageError
from starshift.recipe import BUILDERS, LOSSES, Recipe, Stage, Teaching, check_builder, digest, near


def test_a_stage_is_the_seeds_recipe_unless_told_otherwise():
    assert Stage() == Stage(optimizer="rmsprop", learning_rate=1e-4, batch_size=20, epochs=30)


def test_a_stage_names_everything_that_is_wrong_with_it():
    with pytest.raises(UsageError) as caught:
        Stage(optimizer="adma", learning_rate=0, batch_size=0, epochs=-1)
    assert caught.value.problems == (
        "Optimizer 'adma' is not known. Did you mean 'adam'?",
        "The learning rate must be above 0; it is 0.",
        "batch_size must be at least 1; it is 0.",
        "epochs must be at least 1; it is -1.",
    )


def test_a_learning_rate_that_is_no_number_is_refused():
    with pytest.raises(UsageError, match="must be above 0; it is nan"):
        Stage(learning_rate=float("nan"))


@pytest.mark.parametrize("builder", BUILDERS)
def test_every_builder_makes_a_recipe_that_survives_json(builder):
    all_needed = {"fine-tuned": {"base": "vgg16", "cut": "block4_pool"}, "own": {"build": "m:f#0123456789abcdef"}}
    all_needed["truncated"] = {"base": "vgg16", "cut": "block4_pool"}
    single, needed = Recipe("convnet", 64), all_needed.get(builder, {})
    inside = {"ensemble": {"members": (single,)}, "truncated": {"teaching": Teaching(single)}}.get(builder, {})
    recipe = Recipe(builder=builder, size=64, arguments=needed, stages=(Stage(),), **inside)
    assert msgspec.json.decode(msgspec.json.encode(recipe), type=Recipe) == recipe


def test_an_unknown_builder_gets_a_guess():
    with pytest.raises(UsageError, match=r"Builder 'convent' is not known. Did you mean 'convnet'\?"):
        Recipe(builder="convent", size=64)


def test_unknown_and_mistyped_arguments_are_said_together():
    assert check_builder("convnet", {"kernle": 3, "dense": "many", "channels": [1, 2]}) == [
        "Builder 'convnet' takes no argument 'kernle'. Did you mean 'kernel'?",
        "Argument 'dense' of 'convnet' must be an int; 'many' came.",
    ]


def test_a_picture_has_at_least_one_pixel():
    with pytest.raises(UsageError, match="at least 1 pixel; it is 0"):
        Recipe(builder="majority", size=0)


def test_near_offers_one_word_or_lists_all():
    assert near("convnt", ["convnet", "features"]) == " Did you mean 'convnet'?"
    assert near("xyz", ["convnet", "features"]) == " Known: convnet, features."
    assert near("xyz", []) == ""


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.floats(allow_nan=False)))
def test_equal_values_have_equal_digests_whatever_their_order(values):
    reverse = dict(reversed(values.items()))
    assert digest(values) == digest(reverse)
    assert len(digest(values)) == 64


def test_different_values_have_different_digests():
    recipe = Recipe(builder="convnet", size=64, stages=(Stage(),))
    others = [
        msgspec.structs.replace(recipe, size=65),
        msgspec.structs.replace(recipe, fit="crop"),
        msgspec.structs.replace(recipe, stages=(Stage(epochs=31),)),
        msgspec.structs.replace(recipe, arguments={"dense": 64}),
    ]
    assert len({digest(one) for one in [recipe, *others]}) == 5
    assert digest("a", "b") != digest("ab")


def test_a_tuple_and_a_list_that_json_reads_back_are_one():
    assert digest({"channels": (1, 2)}) == digest({"channels": [1, 2]})


@pytest.mark.parametrize(
    ("stage", "sentence"),
    [
        ({"loss": "focal", "augmentation": POLICIES["strong"]}, "The focal loss is made for targets of one true class"),
        ({"loss": "focal", "label_smoothing": 0.1}, "leave none. Take crossentropy, or do without them."),
        ({"plain_epochs": 3}, "plain_epochs 3 are without mixing, and the policy mixes nothing."),
        (
            {"plain_epochs": 30, "augmentation": POLICIES["strong"]},
            "plain_epochs 30 leave none of 30 epochs for mixing.",
        ),
        ({"warmup_epochs": 30.0}, "warmup_epochs 30 leave none of 30 epochs at full rate."),
        ({"sizes": (8,) * 31}, "31 sizes do not fit into epochs 30."),
        ({"sizes": (32, 64), "patience": 2}, "patience compares the losses of epochs"),
        ({"patience": 30}, "patience 30 never ends a training of 30 epochs."),
        ({"average": 1.0}, "average must be at least 0 and below 1; it is 1.0."),
        ({"weight_decay": float("nan")}, "weight_decay must be at least 0; it is nan."),
        ({"loss": "cross-entropy"}, "Loss 'cross-entropy' is not known. Did you mean 'crossentropy'?"),
        ({"sizes": (0,)}, "A side of 0 px in sizes is below 1."),
    ],
)
def test_what_cannot_work_together_or_would_change_nothing_is_refused(stage, sentence):
    with pytest.raises(UsageError) as caught:
        Stage(**stage)
    assert sentence in str(caught.value)


def test_metrics_go_by_name_or_are_ones_own_and_change_no_digest_where_there_are_none():
    own = "my_module:my_metric#0123456789abcdef"
    stage = Stage(metrics=("auc", own), loss="my_module:my_loss#0123456789abcdef")
    assert msgspec.json.decode(msgspec.json.encode(stage), type=Stage) == stage
    assert Recipe("convnet", 64, stages=(stage,)).own == ("my_module:my_loss#0123456789abcdef", own)
    assert b"metrics" not in msgspec.json.encode(Stage())
    assert Stage(metrics=()) == Stage() and digest(Stage(metrics=())) == digest(Stage())
    with pytest.raises(UsageError) as caught:
        Stage(metrics=("acu", "auc", "auc"), loss="my_module:my_loss")
    assert caught.value.problems == (
        f"Loss 'my_module:my_loss' is not known. Known: {', '.join(LOSSES)}.",
        "Metric 'acu' is not known. Did you mean 'auc'?",
        "Metric 'auc' is named twice.",
    )


def test_a_network_of_ones_own_is_named_by_module_function_and_digest():
    [problem] = check_builder("own", {"build": "my_builder"})
    assert problem == "Builder 'own' needs the argument 'build': module:function#DIGEST of a Keras builder."


def test_sizes_need_a_network_that_takes_any_and_stay_below_the_recipes_own():
    stage = Stage(sizes=(64, 96))
    with pytest.raises(UsageError, match=r"networks that take pictures of any size \(modern\); 'convnet' takes 96 px"):
        Recipe(builder="convnet", size=96, stages=(stage,))
    with pytest.raises(UsageError, match="sizes go up to 96 px, above the 80 px of the pictures"):
        Recipe(builder="modern", size=80, stages=(stage,))
    assert Recipe(builder="modern", size=96, stages=(stage,)).stages == (stage,)


def test_arguments_are_held_against_their_limits():
    assert check_builder("convnet", {"dropout": 1.0, "l2": -1, "dense": 0, "channels": ()}) == [
        "dropout must be at least 0 and below 1; 1.0 came.",
        "l2 must be at least 0; -1 came.",
        "dense must be at least 1; 0 came.",
        "channels must be one or more whole numbers of at least 1; () came.",
    ]
    assert check_builder("modern", {"kind": "inceptoin"}) == [
        "Kind 'inceptoin' is not known. Did you mean 'inception'?"
    ]
    assert check_builder("modern", {"kind": "inception", "skip": True}) == [
        "Inception blocks have no skip connection; take kind=residual for it, or leave skip out."
    ]
    assert check_builder("convnet", {"dense": True, "pooling": 1}) == [
        "Argument 'dense' of 'convnet' must be an int; True came.",
        "Argument 'pooling' of 'convnet' must be a bool; 1 came.",
    ]
    assert check_builder("convnet", {"dropout": 0, "l1": 0.0}) == []


def test_arguments_of_pretrained_builders_are_held_against_what_is_known():
    assert check_builder("frozen", {"bases": ("mobilenet", "auto"), "views": -1, "augmentation": "crop"}) == [
        "views must be 0 (the plain pictures alone) or more; it is -1.",
        "Augmentation policy 'crop' is not known. Did you mean 'crops'?",
        "'auto' compares all bases at hand, and stands alone; mobilenet+auto came.",
    ]
    assert check_builder("frozen", {"bases": ("mobilenet",), "head": "dense265"}) == [
        "Head 'dense265' is not known. Did you mean 'dense256'?"
    ]


@pytest.mark.parametrize(
    ("arguments", "sentences"),
    [
        ({"bases": ("mobilnet", "vgg61")}, ["There is no base 'mobilnet'. Did", "There is no base 'vgg61'. Did"]),
        ({"bases": (3,)}, ["Bases and cuts go by name; 3 came."]),
        ({"bases": ("vgg16", "vgg16")}, ["Base 'vgg16' is named twice."]),
        ({"bases": ("auto",), "cuts": ("auto",)}, ["Bases and cuts cannot both be chosen; name the base with --base."]),
        (
            {"bases": ("vgg16",), "cuts": ("top", "block3_pol", "top")},
            ["Cut 'top' is named twice.", "VGG16 cannot be cut behind 'block3_pol'. Did you mean 'block3_pool'?"],
        ),
        ({"bases": ("vgg16",), "views": 2}, ["Views without an augmentation are the same picture again"]),
        (
            {"bases": ("vgg16",), "views": 2, "augmentation": "strong"},
            ["Augmentation policy 'strong' mixes pictures, but a frozen network's features are kept"],
        ),
        ({"bases": ()}, ["Builder 'frozen' needs the argument 'bases'."]),
        ({"bases": ("vgg16",), "strengths": ()}, ["strengths must be one or more numbers above 0; () came."]),
        (
            {"bases": ("vgg16",), "strengths": (-1, "a")},
            ["strengths must be one or more numbers above 0; (-1, 'a') came"],
        ),
        ({"bases": ("vgg16",), "cuts": ("auto", "top")}, ["'auto' compares all depths, and stands alone among cuts"]),
        (
            {"bases": ("vgg16", "vgg19"), "head": "dense256"},
            ["Head 'dense256' stands on the last map of one base, named with --base; it takes no cuts"],
        ),
        (
            {"bases": ("vgg16",), "sizes": (64, 160, 64)},
            ["Size 64 is named twice.", "The largest of sizes may be 2 times the smallest; 64/160/64 came."],
        ),
        ({"bases": ("vgg16",), "sizes": (20, 32)}, ["VGG16 needs pictures of at least 32 px; sizes go down to 20."]),
        ({"bases": ("vgg16",), "sizes": ()}, ["sizes must be one or more whole numbers of at least 1; () came."]),
        (
            {"bases": ("vgg16",), "sizes": (64, 96), "cuts": ("top",)},
            ["Cuts are of a base that looks at pictures in one size; leave cuts or sizes out."],
        ),
        (
            {"bases": ("vgg16",), "sizes": (64, 96), "head": "dense256"},
            ["Head 'dense256' stands on the last map of one base, named with --base; it takes no cuts, no sizes and"],
        ),
    ],
)
def test_what_a_frozen_network_cannot_have_is_said_at_once(arguments, sentences):
    found = check_builder("frozen", arguments)
    assert len(found) == len(sentences)
    assert all(problem.startswith(sentence) for problem, sentence in zip(found, sentences, strict=True))


@pytest.mark.parametrize(
    ("arguments", "sentences"),
    [
        ({"cut": "block4_pool"}, ["Builder 'fine-tuned' needs the argument 'base'."]),
        ({"base": "vgg16", "cut": ""}, ["Builder 'fine-tuned' needs the argument 'cut'."]),
        ({"base": "auto", "cut": "block4_pool"}, ["There is no base 'auto'."]),
        ({"base": "vgg16", "cut": "block4_pool", "beside": ("vgg16", "vgg91")}, ["There is no base 'vgg91'. Did you"]),
        ({"base": "vgg16", "cut": "block4_pool", "beside": ("vgg16", "vgg16")}, ["Base 'vgg16' is named twice."]),
    ],
)
def test_what_an_opened_network_cannot_have_is_said_at_once(arguments, sentences):
    found = check_builder("fine-tuned", arguments)
    assert len(found) == len(sentences)
    assert all(problem.startswith(sentence) for problem, sentence in zip(found, sentences, strict=True))


def test_numbers_that_no_machine_bears_are_refused():
    with pytest.raises(UsageError) as caught:
        Stage(batch_size=10**6, epochs=10**12)
    assert caught.value.problems == (
        "batch_size must be at most 4,096; it is 1,000,000.",
        "epochs must be at most 100,000; it is 1,000,000,000,000.",
    )
    with pytest.raises(UsageError, match="must be at most 1,024 pixels; it is 100,000"):
        Recipe(builder="convnet", size=100_000)
