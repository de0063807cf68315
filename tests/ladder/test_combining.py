from __future__ import annotations

import pytest

from starshift.errors import UsageError
from starshift.ladder.combining import STUDENTS, bases_at_hand
from starshift.ladder.families import find, select
from starshift.ladder.options import Options
from starshift.models import weights
from starshift.records import Dataset, Picture, Target


def data(classes: int = 2, each: int = 600) -> Dataset:
    names = tuple(f"{number:03}" for number in range(classes))
    pictures = tuple(
        Picture(f"{name}/{i}", name, "", f"{name}{i}", 500, 375, "JPEG", "RGB", 9)
        for name in names
        for i in range(each)
    )
    return Dataset("x", "class folders", (Target.of_classes(names),), pictures)


@pytest.fixture
def both_bases(monkeypatch):
    monkeypatch.setattr(weights, "obtain", lambda base, path=None: path)


def test_the_library_is_made_of_the_bases_at_hand(both_bases):
    recipe = find("ensemble").recipe(Options(), data())
    assert [one.builder for one in recipe.members] == ["frozen", "frozen", "frozen", "fine-tuned"]
    assert recipe.members[0].arguments["bases"] == ("mobilenet_v2", "mobilenet")
    assert recipe.members[0].arguments["sizes"] == (224, 288) and recipe.members[0].arguments["mirrored"]
    assert recipe.size == 288 and recipe.members[-1].size == 224


def test_without_any_weights_one_base_is_named_so_that_the_message_says_what_is_missing():
    assert bases_at_hand() == ("mobilenet_v2",)


def test_members_by_name_by_start_and_by_optimizer():
    recipe = find("ensemble:of=convnet/modern:starts=2:optimizers=rmsprop/adam:combine=average").recipe(
        Options(), data()
    )
    assert [(one.builder, one.stages[0].optimizer) for one in recipe.members] == [
        ("convnet", "rmsprop"), ("convnet", "rmsprop"), ("convnet", "adam"), ("convnet", "adam"),
        ("modern", "rmsprop"), ("modern", "rmsprop"), ("modern", "adam"), ("modern", "adam"),
    ]  # fmt: skip
    assert recipe.arguments["combine"] == "average"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ensemble:of=feature", "'feature' cannot be a member of an ensemble. Did you mean 'features'?"),
        ("ensemble:combine=averages", "Combine 'averages' is not known. Did you mean 'average'?"),
        ("ensemble:bagging=yes", "With bagging every member sees pictures of its own"),
        ("ensemble:of=convnet:starts=2:combine=weights", "'convnet' does not. Take combine=average."),
        ("ensemble:of=features/fine-tuned:combine=weights", "averages models of one architecture"),
        ("ensemble:of=features:optimizers=adam", "optimizers are of members that are trained by steps"),
        ("ensemble:starts=0", "starts must be at least 1; 0 came."),
        ("ensemble:of=features:combine=average:folds=3", "folds are for ways that look at what members did not see"),
        ("ensemble:of=features:bagging=yes:combine=average:specialists=3", "Specialists stand behind members that are"),
        ("ensemble:of=features:combine=weights:specialists=3", "and combine=weights leaves one model."),
        ("ensemble:folds=1", "folds must be at least 2, so that members can predict what they did not see; 1 came."),
        ("ensemble:specialists=1", "specialists must be 0 (none), or at least 2 groups of classes; 1 came."),
    ],
)
def test_what_makes_no_ensemble_is_refused_in_a_sentence(name, said):
    with pytest.raises(UsageError) as caught:
        find(name).recipe(Options(), data())
    assert any(said in problem for problem in caught.value.problems), caught.value.problems


@pytest.mark.parametrize("rung", ["ensemble", "distilled"])
def test_bases_are_named_for_an_ensemble_and_not_compared(rung):
    with pytest.raises(UsageError, match="an ensemble takes bases by name; --base auto compares them"):
        find(rung).recipe(Options(bases=("auto",)), data())


@pytest.mark.parametrize("name", STUDENTS)
def test_students_are_truncated_bases_by_size(name):
    recipe = find("distilled").recipe(Options(student=name), data())
    assert recipe.builder == "truncated" and recipe.size == STUDENTS[name].size
    assert recipe.arguments["base"] == "mobilenet_v2" and recipe.arguments["opened"] == "block_4_add"
    assert recipe.teaching.teacher.builder == "ensemble"


def test_a_network_from_scratch_can_be_taught_too():
    recipe = find("distilled:student=modern").recipe(Options(), data())
    plain = find("modern").recipe(Options(), data())
    assert recipe.builder == "modern" and recipe.arguments == plain.arguments
    assert recipe.teaching and recipe.stages[0].label_smoothing == 0


def test_how_it_is_taught_can_be_changed():
    recipe = find("distilled:temperature=4:soft=0.5:views=2:augment=flip:epochs=3:mixup=0.2").recipe(Options(), data())
    teaching = recipe.teaching
    assert (teaching.temperature, teaching.soft, teaching.views, teaching.augmentation) == (4.0, 0.5, 2, "flip")
    assert recipe.stages[0].epochs == 3 and recipe.stages[0].augmentation.mixup == 0.2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("distilled:student=smal", "Student 'smal' is not known. Did you mean 'small'?"),
        ("distilled:teacher=head", "Teacher 'head' is not known. Did you mean 'heads'?"),
        ("distilled:soft=2", "soft must be a share from 0 (labels alone) to 1 (the teacher alone); it is 2."),
        ("distilled:temperature=0", "temperature must be above 0 and at most 100; it is 0."),
        ("distilled:views=0", "views of each picture must be at least 1; 0 came."),
        ("distilled:augment=strong", "'strong' mixes pictures, and a view that the teacher is asked about is of one"),
        ("distilled:cut=block_3", "block_3"),
        ("distilled:opened=block_16_project_BN", "the network ends at 'block_15_add' before it"),
    ],
)
def test_what_nobody_can_be_taught_is_refused_in_a_sentence(name, said):
    with pytest.raises(UsageError) as caught:
        find(name).recipe(Options(), data())
    assert any(said in problem for problem in caught.value.problems), caught.value.problems


def test_they_are_climbed_last():
    assert [rung.name for rung in select([])][-2:] == ["ensemble", "distilled"]
