from __future__ import annotations

import hashlib
import tarfile

import msgspec
import numpy as np
import pytest

from starshift.errors import RunError
from starshift.evaluation import protocol
from starshift.learnware import archive, package
from starshift.recipe import digest
from starshift.records import (
    LEARNWARE_SCHEMA,
    BaseReference,
    Evaluation,
    InputContract,
    Learnware,
    OwnPart,
    Predictions,
    Target,
    files,
)

TENSORS = {"head/kernel": np.arange(6, dtype=np.float32).reshape(3, 2), "head/bias": np.array([0.5, -1], np.float32)}


def learnware(**changes) -> Learnware:
    whole = Learnware(
        schema=LEARNWARE_SCHEMA,
        name="convnet for cat, dog",
        task="image classification",
        targets=(Target.of_classes(("cat", "dog")),),
        input=InputContract(64, "stretch"),
        builder="convnet",
        arguments={"dense": 512},
        bases=(),
        precision="f32",
        evaluations=(),
        trained_on="22 pictures of 2 classes",
        made_by="starshift 0.1.0",
        files={},
        id="",
    )
    return msgspec.structs.replace(whole, **changes)


@pytest.fixture
def folder(tmp_path):
    package.write(learnware(), TENSORS, tmp_path / "model")
    return tmp_path / "model"


def refused(folder) -> tuple[str, ...]:
    with pytest.raises(RunError) as caught:
        package.read(folder)
    return caught.value.problems


def edit(folder, **changes) -> None:
    """Change the record and what follows from it, so that nothing but the change is wrong."""
    record = files.read(folder / "learnware.json", dict) | changes
    if not changes.keys() & {"files", "id"}:
        record["files"]["learnware.json"] = digest({k: v for k, v in record.items() if k not in ("files", "id")})
        record["id"] = digest(record["files"])
    files.write(record, folder / "learnware.json")


def test_a_model_comes_back_as_it_was_written(tmp_path):
    written = package.write(learnware(), TENSORS, tmp_path)
    read, tensors = package.read(tmp_path)
    assert read == written
    assert set(written.files) == {"learnware.json", "model.safetensors", "README.md"} and len(written.id) == 64
    for name, array in TENSORS.items():
        np.testing.assert_array_equal(tensors[name], array)
        assert tensors[name].dtype == np.float32


def test_tensors_that_lie_crosswise_in_memory_come_back_the_same(tmp_path):
    crosswise = {"head/kernel": TENSORS["head/kernel"].T}
    package.write(learnware(), crosswise, tmp_path)
    np.testing.assert_array_equal(package.read(tmp_path)[1]["head/kernel"], crosswise["head/kernel"])


def test_the_same_model_has_the_same_id_and_another_has_another(tmp_path):
    one, two = (package.write(learnware(), TENSORS, tmp_path / name) for name in "ab")
    other = package.write(learnware(), TENSORS | {"head/bias": np.zeros(2, np.float32)}, tmp_path / "c")
    assert one.id == two.id != other.id


def test_tampered_tensors_are_refused(folder):
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    assert refused(folder) == (
        f"The model in {folder} cannot be used:",
        "'model.safetensors' is not the file that learnware.json describes (its digest differs).",
    )


@pytest.mark.parametrize("name", ["model.safetensors", "README.md"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    assert refused(folder)[1] == f"It has no {name}."


def test_a_link_in_place_of_a_file_is_not_followed(folder, tmp_path):
    (folder / "model.safetensors").rename(tmp_path / "elsewhere")
    (folder / "model.safetensors").symlink_to(tmp_path / "elsewhere")
    assert refused(folder)[1] == "model.safetensors is a symbolic link, which is not followed."


def test_all_that_is_wrong_is_said_at_once(folder):
    edit(folder, version="new", builder="convent", arguments={}, licence="mit", synonyms={"cats": ["kitten"]})
    (folder / "README.md").write_text("another card")
    assert refused(folder)[1:] == (
        "Builder 'convent' is not known. Did you mean 'convnet'?",
        "Its version is 'new'; a version is three numbers, such as 1.0.0.",
        "Its licence is 'mit', which is no SPDX expression such as MIT or CC-BY-4.0. Did you mean 'MIT'?",
        "It has synonyms of 'cats', which it does not tell. Did you mean 'cat'?",
        "'README.md' is not the file that learnware.json describes (its digest differs).",
    )


@pytest.mark.parametrize(("schema", "who"), [(2, "an older one; fit again"), (99, "a newer version of Starshift")])
def test_another_form_is_said(folder, schema, who):
    edit(folder, schema=schema, future=True)
    said = f"Its form has number {schema}; this version reads {LEARNWARE_SCHEMA}. It was made by {who}"
    assert refused(folder)[1].startswith(said)


def test_arguments_that_the_builder_does_not_take_are_refused(folder):
    edit(folder, arguments={"run": "rm -rf"})
    assert refused(folder)[1].startswith("Builder 'convnet' takes no argument 'run'.")


def test_keys_that_are_not_known_are_refused(folder):
    edit(folder, code="import os")
    assert "unknown field `code`" in refused(folder)[1]


def test_an_id_that_does_not_belong_to_the_files_is_refused(folder):
    edit(folder, id="0" * 64)
    assert refused(folder)[1] == "Its id is not the digest of its files."


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"input": {"of": "pictures", "size": 0, "fit": "stretch"}},
            "Its pictures have 0 px on each side; 1 to 4096 are possible.",
        ),
        ({"input": {"of": "pictures", "size": 64, "fit": "squeeze"}}, "Its pictures are made square by 'squeeze'"),
        ({"precision": "int4"}, "Its precision is 'int4'; bf16 and f32 are known."),
        (
            {"targets": [{"name": "class", "kind": "multi-class", "classes": ["cat"]}]},
            "It has 1 class; a model tells at least 2 apart.",
        ),
        ({"targets": [{"name": "class", "kind": "binary", "classes": ["cat", "cat"]}]}, "It names a class twice."),
    ],
)
def test_a_contract_that_cannot_be_kept_is_refused(folder, change, said):
    edit(folder, **change)
    assert refused(folder)[1].startswith(said)


def test_a_folder_without_a_model_is_refused(tmp_path):
    assert refused(tmp_path)[1] == "It has no learnware.json and no model.safetensors and no README.md."


def test_a_file_that_is_no_safetensors_is_refused(folder):
    (folder / "model.safetensors").write_bytes(b"pickle")
    digests = files.read(folder / "learnware.json", dict)["files"]
    digests["model.safetensors"] = hashlib.sha256(b"pickle").hexdigest()
    edit(folder, files=digests, id=digest(digests))
    assert refused(folder)[1] == "model.safetensors is no safetensors file: it has 6 bytes."


def test_a_tar_is_the_same_for_the_same_model_and_comes_back(folder, tmp_path):
    found = package.load(folder)
    tar = package.pack(found)
    assert package.load(tar) == found and package.pack(package.load(tar)) == tar
    (tmp_path / "model.tar").write_bytes(tar)
    assert package.load(tmp_path / "model.tar") == found
    with tarfile.open(tmp_path / "model.tar") as read_by_others:
        assert read_by_others.getnames() == ["README.md", "learnware.json", "model.safetensors"]
    package.unpack(found, tmp_path / "again")
    assert package.load(tmp_path / "again") == found


def test_nothing_is_unpacked_over_something(folder):
    found = package.load(folder)
    with pytest.raises(RunError, match="is there already; name a folder that is not"):
        package.unpack(found, folder)


def test_the_id_is_of_every_word_of_the_record(folder):
    found = package.load(folder)
    other = package.restated(found, licence="MIT", version="1.1.0", parents=(found.id,))
    assert other.id != found.id and other.learnware.licence == "MIT"
    assert other.contents["model.safetensors"] == found.contents["model.safetensors"]
    again = package.restated(other, licence="", version="1.0.0", parents=())
    assert again == found


def test_reasons_are_short_and_few(folder):
    edit(folder, parents=["x" * 10_000] * 50)
    problems = refused(folder)
    assert len(problems) == 22 and problems[-1] == "And 30 more." and max(map(len, problems)) < 600


def test_what_is_of_one_machine_is_not_packed_nor_taken_from_a_tar(tmp_path):
    base = BaseReference("mobilenet_v2", "ab" * 32, "mobilenet_v2@/home/me/own.h5")
    arguments = {"bases": ["mobilenet_v2@/home/me/own.h5"]}
    tensors = {"head/kernel": np.zeros((1280, 1), np.float32), "head/bias": np.zeros(1, np.float32)}
    package.write(learnware(builder="frozen", arguments=arguments, bases=(base,)), tensors, tmp_path / "model")
    found = package.load(tmp_path / "model")
    said = "Its base is 'mobilenet_v2@/home/me/own.h5', which is a file of one machine; only bases of the catalogue"
    with pytest.raises(RunError) as caught:
        package.pack(found)
    assert caught.value.problems[1].startswith(said)
    with pytest.raises(RunError) as caught:
        package.load(archive.packed(found.contents))
    assert caught.value.problems[1].startswith(said)


def test_the_card_says_what_the_model_is_and_how_good_it_was_found_to_be():
    predictions = Predictions(
        ("cat", "dog"), ("a", "b", "c"), np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], np.float32)
    )
    score = protocol.score(predictions, seed=0, noun="picture")
    evaluations = (Evaluation("validation", score, False), Evaluation("test", score, True))
    text = package.card(
        learnware(bases=(BaseReference("mobilenet_v2", "ab" * 32, "mobilenet_v2"),), evaluations=evaluations)
    )
    assert text.startswith("# convnet for cat, dog\n")
    assert "Image classification into 2 classes: cat, dog." in text
    assert "RGB pictures, made 64×64 pixels (stretch)" in text
    assert f"mobilenet_v2, weights SHA-256 {'ab' * 32}" in text
    assert "validation part (3 pictures, also used to choose the model): 66.7%, 95 % interval" in text
    assert "test part (3 pictures, sealed until the end)" in text


def test_a_model_with_own_code_says_that_it_is_not_for_sharing(tmp_path):
    part = OwnPart("builder", "my_module", "my_builder", "/home/me/my_module.py", "ab" * 32)
    reason = "it was made with code of the user's own, which does not travel with it"
    whole = learnware(builder="own", arguments={"build": part.reference}, own=(part,), unshareable=reason)
    written = package.write(whole, TENSORS, tmp_path / "model")
    assert package.read(tmp_path / "model")[0] == written
    text = (tmp_path / "model/README.md").read_text(encoding="utf-8")
    assert f"- Own builder: my_builder of my_module, source SHA-256 {'ab' * 32}\n" in text
    assert f"- Not for sharing: {reason}.\n" in text
    assert "/home/me" not in text
    edit(tmp_path / "model", unshareable="")
    assert refused(tmp_path / "model")[1].startswith("It was made with own code and does not say that it is not for")


def test_a_temperature_is_on_the_card_and_must_be_above_0(folder, tmp_path):
    package.write(learnware(temperature=1.423), TENSORS, tmp_path / "scaled")
    read, _ = package.read(tmp_path / "scaled")
    assert read.temperature == 1.423
    assert "- Temperature: 1.423. Log probabilities are divided by it" in (tmp_path / "scaled/README.md").read_text()
    assert "Temperature" not in (folder / "README.md").read_text()
    edit(folder, temperature=0.0)
    assert "Its temperature is 0.0; it must be a number above 0." in refused(folder)
