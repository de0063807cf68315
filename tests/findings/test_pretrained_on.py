from __future__ import annotations

import csv

import pytest

from starshift import catalogue
from starshift.catalogue.parts import PARTS_OF_IMAGENET, plain
from starshift.findings.pretrained_on import findings, known_part
from starshift.records import Dataset, Target


def data(*classes: str) -> Dataset:
    return Dataset("x", "class folders", (Target.of_classes(tuple(sorted(classes))),), ())


BREEDS = (
    "n02085620-Chihuahua",
    "n02085782-Japanese_spaniel",
    "n02086240-Shih-Tzu",
    "n02088364-beagle",
    "n02110958-pug",
)
PLAIN_BREEDS = ("Chihuahua", "Japanese spaniel", "shih-tzu", "beagle", "pug")


@pytest.mark.parametrize(
    "classes", [("cats", "dogs"), ("accordion", "beaver", "camera", "dalmatian", "ferry"), ("pug", "boxer"), ()]
)
def test_names_of_ones_own_are_no_known_part(classes):
    assert findings(data(*classes)) == []


def test_stanford_dogs_is_known_by_its_names_however_they_are_written():
    (finding,) = findings(data(*PLAIN_BREEDS))
    assert (finding.kind, finding.severity) == ("pretrained on", "warning")
    assert finding.sentence.startswith("5 of 5 class names are those of Stanford Dogs, whose pictures are a part of")
    assert "the figures of features, features-augmented and fine-tuned flatter" in finding.sentence
    assert "if you took the pictures yourself, this does not concern you" in finding.sentence


def test_how_many_bases_were_trained_on_imagenet_is_counted():
    trained = [base for base in catalogue.BASES.values() if "ImageNet" in base.trained_on]
    assert (
        f"as {len(trained)} of the {len(catalogue.BASES)} in the catalogue" in findings(data(*PLAIN_BREEDS))[0].sentence
    )


def test_imagenets_own_numbers_are_known_whatever_the_names():
    assert known_part(BREEDS) == ("5 of 5 class names begin with ImageNet's own numbers, as 'n02085620-Chihuahua'.")
    assert known_part(tuple(f"n0144076{i}" for i in range(6))).startswith("6 of 6 class names begin with")


def test_a_few_names_of_ones_own_may_stand_beside():
    assert known_part((*PLAIN_BREEDS, "mongrel")) is not None
    assert known_part((*PLAIN_BREEDS, "cat", "horse")) is None


def test_imagenette_is_known():
    names = (
        "tench,English springer,cassette player,chain saw,church,French horn,garbage truck,gas pump,golf ball,parachute"
    )
    assert "Imagenette" in known_part(tuple(names.split(",")))


def test_a_number_is_taken_off_the_name():
    assert plain("n02085620-Chihuahua") == plain("chihuahua") == "chihuahua"
    assert plain("n0208562") == "n0208562"


def test_all_breeds_of_the_shared_data_are_listed(shared):
    file = shared / "data/dog-breeds/labels.csv"
    if not file.is_file():
        pytest.skip(f"{file} is not on this machine")
    with file.open(encoding="utf-8") as stream:
        breeds = {plain(row["breed"]) for row in csv.DictReader(stream)}
    assert breeds == PARTS_OF_IMAGENET["Stanford Dogs"]
