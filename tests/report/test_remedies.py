"""Remedies in words."""

from __future__ import annotations

from report.fake_run import fake_run
from starshift.report.remedies import with_rungs
from starshift.report.render import render


def test_the_report_ranks_what_was_tried_and_names_what_was_not():
    fake = fake_run(per_class=60)
    shown = fake.view()["curves"][0]["remedies"]
    assert shown["n"] == "120 validation pictures"
    assert [one["name"] for one in shown["tried"]] == ["a pretrained base, frozen (features)"]
    assert shown["tried"][0]["difference"].startswith("+") and shown["tried"][0]["outcome"] == "a gain"
    assert shown["untried"][0]["time"] == "the seeds’ first remedy; no rung can tell what they bring"
    page = render(fake.view())
    assert "What helped here, against convnet on the same 120 validation pictures" in page
    assert "<code>--rungs regularized</code>" in page
    assert "starshift fit photos --budget 5m --seed 0 --out runs/dogs-vs-cats --rungs " in page


def test_a_curve_that_fits_has_none():
    fake = fake_run()
    fits = [
        fake.run.rungs[0],
        fake.run.rungs[1].__class__(
            **{
                **{name: getattr(fake.run.rungs[1], name) for name in fake.run.rungs[1].__struct_fields__},
                "diagnosis": "fits: …",
            }
        ),
        *fake.run.rungs[2:],
    ]
    assert fake.with_run(rungs=tuple(fits)).view()["curves"][0]["remedies"] is None


def test_the_command_asks_for_that_rung_alone():
    assert (
        with_rungs("starshift fit 'my photos' --rungs convnet,features --seed 3", "convnet:dropout=0.5")
        == "starshift fit 'my photos' --seed 3 --rungs convnet:dropout=0.5"
    )


def test_options_that_would_be_refused_with_that_rung_are_left_out():
    command = "starshift fit photos --rungs convnet,regularized --augment flip --merge-stages --seed 3"
    assert with_rungs(command, "convnet:dropout=0.5") == "starshift fit photos --seed 3 --rungs convnet:dropout=0.5"
    assert with_rungs(command, "regularized").endswith("--augment flip --seed 3 --rungs regularized")
    assert "--merge-stages" in with_rungs(command, "fine-tuned")


def test_what_came_from_python_is_no_part_of_the_command():
    command = "starshift fit photos --rungs baseline --head dense256  # and from Python: mine (m:f#0123456789abcdef)"
    assert with_rungs(command, "regularized") == "starshift fit photos --rungs regularized"
    assert with_rungs(command, "features") == "starshift fit photos --head dense256 --rungs features"
