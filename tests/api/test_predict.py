from __future__ import annotations

import shutil
import threading
import zipfile
from pathlib import Path

import pytest

import starshift
from discs import COLOURS, draw
from starshift.api import predict as module
from starshift.api.predict import model_folder, open_model, predict, predict_each
from starshift.errors import RunError, UsageError
from starshift.learnware import package
from starshift.progress import Silent


def test_new_pictures_get_a_label_a_probability_and_all_probabilities(finished_run, tmp_path):
    draw(COLOURS["sky"], 77, 60).save(tmp_path / "new.png")
    (one,) = predict(finished_run.path, tmp_path / "new.png")
    assert one.file == str(tmp_path / "new.png") and one.reason == ""
    assert set(one.probabilities) == set(COLOURS)
    assert one.probability == max(one.probabilities.values()) == one.probabilities[one.label]
    assert sum(one.probabilities.values()) == pytest.approx(1, abs=1e-3)


def test_a_model_knows_what_it_was_trained_on(finished_run, finished_pictures):
    found = predict(finished_run.path, finished_pictures)
    assert len(found) == 36
    right = sum(Path(one.file).parent.name == one.label for one in found)
    assert right > 24


def test_a_run_its_model_folder_and_a_copy_of_that_answer_alike(finished_run, finished_pictures, tmp_path):
    shutil.copytree(finished_run.path / "model", tmp_path / "copy")
    picture = finished_pictures / "red/red-00.png"
    answers = [predict(place, picture) for place in (finished_run.path, finished_run.path / "model", tmp_path / "copy")]
    assert answers[0] == answers[1] == answers[2]
    assert finished_run.predict(picture) == answers[0] == starshift.predict(str(finished_run.path), str(picture))


def test_a_tar_of_the_model_answers_alike_and_is_not_unpacked(finished_run, finished_pictures, tmp_path, monkeypatch):
    tar = tmp_path / "model.tar"
    tar.write_bytes(package.pack(package.load(finished_run.path / "model")))
    monkeypatch.chdir(tmp_path)
    assert predict(tar, finished_pictures / "red") == predict(finished_run.path, finished_pictures / "red")
    assert [file.name for file in tmp_path.iterdir()] == ["model.tar"]


def test_a_file_that_is_no_learnware_is_refused(finished_pictures):
    with pytest.raises(RunError, match="cannot be used:\nIt is no tar"):
        predict(finished_pictures / "red/red-00.png", finished_pictures / "red")


def test_unreadable_files_have_a_reason_and_stop_nothing(finished_run, finished_pictures, tmp_path):
    good = finished_pictures / "red/red-00.png"
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "cut.png").write_bytes(good.read_bytes()[:100])
    paths = [tmp_path / "empty.jpg", good, tmp_path / "cut.png", tmp_path / "nowhere.jpg"]
    found = predict(finished_run.path, paths)
    assert [one.file for one in found] == [str(path) for path in paths]
    assert [bool(one.reason) for one in found] == [True, False, True, True]
    assert all(one.label == "" and one.probability is None for one in found if one.reason)
    assert "empty" in found[0].reason


def test_files_folders_and_zips_come_in_the_order_given(finished_run, finished_pictures, tmp_path):
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as packed:
        packed.write(finished_pictures / "sky/sky-00.png", "inside/a.png")
    found = predict(
        finished_run.path, [tmp_path / "some.zip", finished_pictures / "red/red-01.jpg", finished_pictures / "green"]
    )
    assert found[0].file == f"{tmp_path}/some.zip/inside/a.png"
    assert found[1].file.endswith("red-01.jpg")
    assert len(found) == 2 + 12


def test_a_folder_without_pictures_gives_nothing(finished_run, tmp_path):
    (tmp_path / "none").mkdir()
    assert predict(finished_run.path, tmp_path / "none") == []


def test_pictures_are_held_a_chunk_at_a_time_and_progress_is_told(finished_run, finished_pictures, monkeypatch):
    whole = predict(finished_run.path, finished_pictures)
    monkeypatch.setattr(module, "CHUNK", 10)
    seen = []

    class Counting(Silent):
        def update(self, done, total):
            seen.append((done, total))

        def finish(self):
            seen.append("finished")

    parts = list(predict_each(open_model(finished_run.path), finished_pictures, progress=Counting()))
    assert seen == [(10, 36), (20, 36), (30, 36), (36, 36), "finished"]
    assert [one.label for one in parts] == [one.label for one in whole]


def test_decoding_goes_ahead_of_the_network_by_two_chunks_and_no_more(finished_run, finished_pictures, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 4)
    decoded, ahead = [], []

    def counted(data, frame, decode=module.decode):
        decoded.append(1)
        return decode(data, frame)

    monkeypatch.setattr(module, "decode", counted)
    predictor = open_model(finished_run.path)
    for done, _ in enumerate(predict_each(predictor, finished_pictures)):
        ahead.append(len(decoded) - done)
    assert len(decoded) == 36
    assert max(ahead) <= 12 and sum(one > 4 for one in ahead[:24]) > 12


def test_of_large_pictures_fewer_are_held(finished_run, finished_pictures, monkeypatch):
    predictor = open_model(finished_run.path)
    sizes = []
    monkeypatch.setattr(
        predictor, "all", lambda pixels, all=predictor.all: sizes.append(len(pixels[predictor.frame])) or all(pixels)
    )
    whole = list(predict_each(predictor, finished_pictures))
    monkeypatch.setattr(module, "CHUNK_BYTES", 5 * predictor.frame.size**2 * 3)
    assert list(predict_each(predictor, finished_pictures)) == whole
    assert sizes == [36, *[5] * 7, 1]


def test_left_early_it_ends_what_is_under_way(finished_run, finished_pictures):
    each = predict_each(open_model(finished_run.path), finished_pictures)
    next(each)
    each.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("starshift")]


def test_below_a_threshold_there_is_no_label(finished_run, finished_pictures):
    plain = predict(finished_run.path, finished_pictures)
    middle = sorted(one.probability for one in plain)[18]
    found = finished_run.predict(finished_pictures, threshold=middle)
    assert [one.label for one in found] == [one.label if one.probability >= middle else "" for one in plain]
    assert sum(not one.label for one in found) == sum(one.probability < middle for one in plain) > 0


def test_files_are_sorted_while_they_are_predicted(finished_run, finished_pictures, tmp_path):
    (tmp_path / "in").mkdir()
    for number, file in enumerate(sorted(finished_pictures.rglob("*.*g"))[::6]):
        shutil.copy(file, tmp_path / f"in/{number}{file.suffix}")
    (tmp_path / "in/bad.jpg").write_bytes(b"")
    for _ in range(2):  # the second time over what the first left in the folder itself
        found = predict(finished_run.path, tmp_path / "in", sort_into=tmp_path / "in/out")
        assert len(found) == 7
        for one in found:
            place = tmp_path / "in/out" / one.label / Path(one.file).name
            assert bool(one.reason) != (place.is_file() and place.read_bytes() == Path(one.file).read_bytes())
        assert sum(file.is_file() for file in (tmp_path / "in/out").rglob("*")) == 6
    linked = finished_run.predict(tmp_path / "in", sort_into=tmp_path / "links", link=True, threshold=1)
    assert {one.label for one in linked} <= {"", *COLOURS}
    assert all(file.is_symlink() for file in (tmp_path / "links").rglob("*.*g"))


def test_links_are_for_sorting(finished_run, finished_pictures):
    with pytest.raises(UsageError, match="Links are made where files are sorted into class folders; name the folder"):
        predict(finished_run.path, finished_pictures, link=True)


def test_what_holds_no_model_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"holds no model: neither learnware.json nor model/learnware.json is there"):
        model_folder(tmp_path)


def test_a_tampered_model_is_refused(finished_run, tmp_path):
    shutil.copytree(finished_run.path / "model", tmp_path / "model")
    with (tmp_path / "model/model.safetensors").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(RunError, match="its digest differs"):
        predict(tmp_path, [])
