from __future__ import annotations

import numpy as np
import pytest

from learnware import hostile
from starshift.evaluation import protocol
from starshift.learnware import specify
from starshift.learnware.card import card
from starshift.records import Evaluation, Predictions, Provenance, SequenceContract, Target

RIGHT = Predictions(("cat", "dog"), tuple("abcdefgh"), np.arange(8) % 2, np.eye(2, dtype=np.float32)[np.arange(8) % 2])
CONSTANT = Predictions(("cat", "dog"), RIGHT.paths, RIGHT.targets, np.tile(np.float32([0.6, 0.4]), (8, 1)))


def test_the_card_has_purpose_data_figures_limits_and_use():
    verdict = protocol.compare("features", RIGHT, "baseline", CONSTANT, noun="picture")
    score = protocol.score(RIGHT, seed=0, noun="picture")
    learnware = hostile.learnware(
        evaluations=(Evaluation("test", score, True, protocol="60, 20 and 20 %, stratified"),),
        beat=verdict,
        licence="CC-BY-4.0",
        synonyms={"cat": ("kitten", "Katze")},
        provenance=Provenance("0.1.0", 7, "ab" * 32, "cd" * 32, "2026-11-22"),
        parents=("ef" * 32,),
    )
    text = card(learnware, specify.read(hostile.specification()).record)
    titles = [line for line in text.splitlines() if line.startswith("#")]
    assert titles == ["# frozen for cat, dog", "## Network", "## Data", "## Figures", "## Limits", "## Use"]
    for said in (
        "Image classification into 2 classes: cat, dog.",
        "- Other names of classes: cat: kitten, Katze",
        "- Specification: of 24 pictures, their mean and those of 2 classes, 640 numbers each in the space of",
        "- Accuracy on the test part (8 pictures, sealed until the end): 100.0%, 95 % interval 67.6% to 100.0%",
        f"- Against baseline, which always answers the same: {verdict.sentence}",
        "- Parts: 60, 20 and 20 %, stratified",
        "- The specification is not anonymous: a mean of few pictures tells whether a given one was among them. Its "
        "smallest is of 12.",
        "- Licence: CC-BY-4.0",
        "- Made on 2026-11-22 with seed 7, recipe abababababababab, data cdcdcdcdcdcdcdcd",
        f"- Made from: learnware {'ef' * 32}",
    ):
        assert said in text


def test_what_is_not_known_is_said():
    text = card(hostile.learnware())
    assert "- Specification: none. This learnware cannot be found by pictures, only by its words." in text
    assert "- Licence: none given" in text and "not anonymous" not in text


def test_small_classes_and_privacy_are_on_the_card():
    features = np.random.default_rng(0).random((30, 1280)).astype(np.float32)
    labels = ["cat"] * 20 + ["dog"] * 4 + ["owl"] * 6
    record = specify.specify(features, labels, hostile.SPACE, precision="f32").record
    assert "their mean and that of 1 class and that of 2 small classes together" in card(hostile.learnware(), record)
    private = specify.specify(features, labels, hostile.SPACE, precision="f32", epsilon=0.5).record
    text = card(hostile.learnware(), private)
    assert "The mean of the pictures is (0.5, 1e-05)-differentially private where one picture is exchanged" in text


@pytest.mark.parametrize("words", ["# Not a title", "<script>alert(1)</script>", "[a](http://evil)", "a\nb", "|x|"])
def test_words_of_the_maker_are_words(words):
    target = (Target.of_classes((words, "dog")),)
    text = card(hostile.learnware(name=words, trained_on=words, targets=target))
    assert words not in text.replace(f"\\{words[0]}", "")
    titles = [line for line in text.splitlines() if line.startswith("#")]
    assert titles[1:] == ["## Network", "## Data", "## Limits", "## Use"]


def test_other_families_are_called_by_their_name():
    text = card(hostile.learnware(builder="majority", input=SequenceContract(5, ("x",))))
    assert "cannot be found by sequences" in text and "predict FOLDER_OF_THIS_FILE FILE" in text
