from __future__ import annotations

from pathlib import Path

import pytest

from own_parts import one_conv
from starshift.api.command import as_command
from starshift.api.options import check_request, label_columns, parse_bases, parse_budget, run_name
from starshift.data.kinds import Wanted
from starshift.data.labels import LabelFile
from starshift.errors import UsageError
from starshift.ladder.own import OwnRung


def request(**changes):
    settings = dict(
        labels=None, file_column=None, target=None, rungs=(), size=None, base=None, budget="5m", seed=0, out=None,
        allow_leaks=False, min_per_class=2,
    )  # fmt: skip
    return check_request(changes.pop("source", "photos"), **settings | changes)


def test_every_problem_is_said_at_once_with_guesses():
    with pytest.raises(UsageError) as caught:
        request(rungs="convent", size=7, base="mobilenet_v3", budget="soon", seed=-1, target="breed", min_per_class=1)
    said = caught.value.problems
    assert said[0] == "--budget is a duration such as 90s, 5m or 1h; 'soon' came."
    assert said[1] == "Rung 'convent' is not known. Did you mean 'convnet'?"
    assert said[2].startswith("There is no base 'mobilenet_v3'. Did you mean 'mobilenet_v")
    assert said[3] == (
        "--file-column and --target name columns of a label file, or fields of file names; give it with --labels, or "
        "them with --pattern."
    )
    assert said[4] == "--size is the side of the pictures, 18 to 1024 pixels; 7 came."
    assert said[5] == "--seed must be 0 or more; -1 came."
    assert said[6].startswith("--min-per-class must be at least 2, one picture to train on and one to validate; 1 came")
    assert len(said) == 7


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("5m", 300), ("5 min", 300), ("1.5h", 5400), (" 2H ", 7200), (45, 45), (0.5, 0.5)],
)
def test_a_budget_is_a_duration(text, seconds):
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-5", "5d", "five", "1e3", "nan", "inf", "5 m 3", float("nan")])
def test_what_is_no_budget_is_refused(text):
    with pytest.raises(UsageError, match="--budget is a duration such as 90s, 5m or 1h"):
        parse_budget(text)


def test_variants_and_a_policy_come_into_the_command():
    asked = request(rungs="regularized, modern:skip=no:epochs=20", augment="flip")
    assert [rung.name for rung in asked.rungs] == ["baseline", "regularized", "modern:skip=no:epochs=20"]
    assert as_command(asked) == ("starshift fit photos --rungs regularized,modern:skip=no:epochs=20 --augment flip")


def test_a_store_adds_the_rungs_that_search_it():
    def names(asked):
        return [rung.name for rung in asked.rungs if rung.name.startswith("from-store")]

    assert names(request()) == [] and request().store == ""
    asked = request(store="team")
    assert names(asked) == ["from-store", "from-store-tuned"] and asked.store == "team"
    assert as_command(asked) == "starshift fit photos --store team"
    assert as_command(request()) == "starshift fit photos"


@pytest.mark.parametrize("rung", ["from-store", "distilled:teacher=from-store", "ensemble:of=features/from-store"])
def test_a_rung_that_searches_has_a_store_without_being_told(rung, monkeypatch):
    monkeypatch.setenv("STARSHIFT_STORE", "mine")
    assert request(rungs=rung).store == "mine"


def test_a_stores_password_is_no_part_of_the_command():
    command = as_command(request(rungs="from-store", store="postgresql://me:secret@db/stores"))
    assert "secret" not in command and "me:***@db" in command


def test_of_a_misspelt_rung_a_store_says_nothing():
    with pytest.raises(UsageError) as caught:
        request(rungs="from-stor", store="team")
    assert caught.value.problems == ("Rung 'from-stor' is not known. Did you mean 'from-store'?",)


def test_a_store_that_nothing_would_search_is_refused():
    with pytest.raises(UsageError, match="--store is for the rungs from-store and from-store-tuned, and neither is cl"):
        request(rungs="features", store="team")


def test_a_policy_that_is_unknown_or_that_nothing_would_use_is_refused():
    with pytest.raises(UsageError, match=r"Augmentation policy 'flp' is not known. Did you mean 'flip'\?"):
        request(augment="flp")
    with pytest.raises(
        UsageError, match=r"--augment flip is for rungs that augment \(regularized, modern, .*none of them"
    ):
        request(augment="flip", rungs="convnet,features")


def test_bases_are_joined_by_plus():
    assert parse_bases(None) == ()
    assert parse_bases("mobilenet_v2 + mobilenet") == ("mobilenet_v2", "mobilenet")


def test_a_base_is_not_named_twice():
    with pytest.raises(UsageError, match=r"names a base twice"):
        parse_bases("vgg16+vgg16")


def test_all_unknown_bases_are_named():
    with pytest.raises(UsageError) as caught:
        parse_bases("vgg61+resnet5")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("photos", "photos"),
        ("a b/c d", "c-d"),
        ("x/cats.zip", "cats"),
        ("x/cats.v2", "cats.v2"),
        ("猫", "猫"),
        ("/", "run"),
    ],
)
def test_a_run_is_named_after_its_source(source, name):
    assert run_name(Path(source)) == name
    assert request(source=source).out == Path("runs") / name


def test_rungs_are_names_between_commas_or_a_list():
    for rungs in ("convnet, features,", ["features", "convnet"]):
        assert [rung.name for rung in request(rungs=rungs).rungs] == ["baseline", "convnet", "features"]


def test_columns_want_a_label_file():
    breed = Wanted("breed")
    assert label_columns("labels.csv", "id", [breed]) == LabelFile(Path("labels.csv"), "id", (breed,))
    assert label_columns(None, None, []) is None
    with pytest.raises(UsageError, match="give it with --labels, or them with --pattern"):
        label_columns(None, "id", [])
    with pytest.raises(UsageError, match="--labels and --file-column are for pictures; the source is read as table"):
        label_columns("labels.csv", None, [], "table")


def test_a_pattern_of_names_is_checked_and_takes_no_label_file():
    found = request(pattern="{age:int}_{sex}.jpg", target=["age:regression", "sex"])
    assert found.pattern is not None and found.pattern.fields == ("age", "sex")
    assert as_command(found) == (
        "starshift fit photos --target age:regression --target sex --pattern '{age:int}_{sex}.jpg'"
    )
    with pytest.raises(UsageError, match="from a file; give one") as caught:
        request(pattern="{age:integer}.jpg", labels="l.csv")
    assert "'integer' in {age:integer} is no type of field; int and float are. Did you mean 'int'?" in str(caught.value)


def test_what_figures_are_shown_by_is_checked():
    found = request(slice_by="sex")
    assert str(found.slice_by) == "column:sex"
    assert as_command(found) == "starshift fit photos --slice-by column:sex"
    with pytest.raises(UsageError, match="--slice-by camera:2: camera takes nothing after a colon"):
        request(slice_by="camera:2")


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ({}, "starshift fit photos"),
        ({"source": "my photos", "rungs": "features"}, "starshift fit 'my photos' --rungs features"),
        ({"rungs": "baseline"}, "starshift fit photos --rungs baseline"),
        (
            dict(labels="l.csv", file_column="id", target="breed", size=64, base="vgg16+mobilenet", budget="90s"),
            "starshift fit photos --target breed --labels l.csv --file-column id --size 64 --base vgg16+mobilenet "
            "--budget 90s",
        ),
        (
            dict(seed=3, out="there", allow_leaks=True, min_per_class=5),
            "starshift fit photos --seed 3 --out there --min-per-class 5 --allow-leaks",
        ),
    ],
)
def test_a_request_can_be_said_as_a_command_with_what_is_not_default(options, command):
    assert as_command(request(**options)) == command


def test_a_head_comes_into_the_command_and_is_refused_where_nothing_takes_it():
    asked = request(rungs="features,fine-tuned", head="dense256", base="mobilenet_v2")
    assert asked.options.head == "dense256"
    assert as_command(asked) == "starshift fit photos --rungs features,fine-tuned --head dense256 --base mobilenet_v2"
    with pytest.raises(UsageError, match=r"Head 'dense' is not known. Did you mean 'dense256'\?"):
        request(head="dense")
    with pytest.raises(UsageError, match="--head dense256 is for features and fine-tuned, and none of them is climbed"):
        request(head="dense256", rungs="convnet,features-augmented")


def test_rungs_of_ones_own_stand_beside_named_ones():
    mine = OwnRung("mine", build=one_conv)
    asked = request(rungs=["features", mine])
    assert [rung.name for rung in asked.rungs] == ["baseline", "features", "mine"]
    assert [rung.name for rung in request(rungs=mine).rungs] == ["baseline", "mine"]
    assert as_command(asked).startswith(
        "starshift fit photos --rungs features  # and from Python: mine (own_parts:one_conv#"
    )
    with pytest.raises(UsageError) as caught:
        request(rungs=["feature", mine, mine, one_conv])
    said = caught.value.problems
    assert said[0].startswith("rungs are names or starshift.OwnRung; <function one_conv")
    assert said[1:] == (
        "Rung 'feature' is not known. Did you mean 'features'?",
        "Two rungs are called 'mine'.",
    )


def test_what_is_for_pictures_is_refused_for_other_families_all_at_once():
    with pytest.raises(UsageError) as caught:
        request(source="houses.csv", target="price", size=64, base="mobilenet", overlay="labels.overlay.csv")
    assert caught.value.problems == ("--size, --base and --overlay belong to pictures; the source is read as table.",)
    with pytest.raises(UsageError, match="--merge-stages belongs to pictures; the source is read as sequences"):
        request(source="waves.npz", merge_stages=True)


def test_a_family_comes_into_the_command_where_it_was_given():
    assert as_command(request(source="notes.csv", target="topic", family="texts")).endswith("--family texts")
    assert "--family" not in as_command(request(source="notes.csv", target="topic"))
