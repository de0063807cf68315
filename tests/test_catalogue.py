"""The catalogue as data. Whether it agrees with Keras is asked in tests/models/test_pretrained.py."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from starshift.catalogue import BASES, base, parse
from starshift.errors import RunError, UsageError

KERAS = [row for row in BASES.values() if row.transformer is None]
HUB = [row for row in BASES.values() if row.transformer]


def test_the_bases_that_the_seeds_name_are_there():
    assert {"vgg16", "vgg19", "resnet50", "inception_v3", "xception", "mobilenet"} <= set(BASES)
    assert len(KERAS) == 40


@pytest.mark.parametrize("row", KERAS, ids=lambda row: row.name)
def test_every_row_is_complete(row):
    assert re.fullmatch(r"[a-z][a-z0-9_]*", row.name)
    assert row.weights_file.endswith(".h5")
    assert row.weights_url.startswith("https://storage.googleapis.com/")
    assert len(row.weights_hash) in (0, 32, 64)
    assert re.search(r"arXiv:\d{4}\.\d{5}|arXiv:1409\.1556", row.source)
    assert row.licence in ("Apache-2.0", "MIT", "BSD-3-Clause", "CC-BY-4.0")
    assert "ImageNet" in row.trained_on
    assert row.cut_points
    assert row.min_size < row.size
    assert msgspec.json.decode(msgspec.json.encode(row), type=type(row)) == row


@pytest.mark.parametrize("row", HUB, ids=lambda row: row.name)
def test_every_row_of_kerashub_is_complete(row):
    assert row.weights_file == f"{row.name}/model.weights.h5"
    assert re.fullmatch(
        rf"https://www\.kaggle\.com/models/keras/(dinov2|vit|siglip)/keras/{row.name}/\d", row.weights_url
    )
    assert re.search(r"arXiv:\d{4}\.\d{5}$", row.source)
    assert row.licence == "Apache-2.0"
    assert row.features == row.transformer.width
    assert row.cut_points == tuple(f"block_{number}" for number in range(1, 12))
    assert row.transformer.width % row.transformer.heads == 0
    assert row.transformer.trained_side % row.transformer.patch == 0
    assert msgspec.json.decode(msgspec.json.encode(row), type=type(row)) == row


def test_weights_files_do_not_collide():
    assert len({row.weights_file for row in BASES.values()}) == len(BASES)


def test_base_finds_by_name_and_offers_the_nearest():
    assert base("mobilenet_v2").features == 1280
    with pytest.raises(UsageError, match=r"There is no base 'MobilNetV2'\. Did you mean 'mobilenet_v2'\?"):
        base("MobilNetV2")
    with pytest.raises(UsageError, match=r"There is no base 'zzz'\. Known: mobilenet, mobilenet_v2,"):
        base("zzz")


@pytest.mark.parametrize("row", BASES.values(), ids=BASES)
def test_a_base_is_found_by_its_title_too(row):
    assert base(row.title) is base(row.name.upper()) is row


@pytest.mark.parametrize("row", KERAS, ids=lambda row: row.name)
def test_a_base_of_keras_is_found_by_its_constructor(row):
    assert base(row.constructor) is row


def test_parse_reads_a_name_with_and_without_a_file():
    assert parse("vgg16") == (BASES["vgg16"], None)
    assert parse("mobilenet_v2@birds/base.h5") == (BASES["mobilenet_v2"], Path("birds/base.h5"))
    assert parse("mobilenet_v2@~/a@b.h5")[1] == Path.home() / "a@b.h5"
    with pytest.raises(UsageError, match="names no file after the @"):
        parse("mobilenet_v2@")


def test_a_folder_without_a_base_is_said(tmp_path):
    with pytest.raises(UsageError, match=r"There is no base in '.*/mine': it has no base\.json\. Give a folder of"):
        parse(str(tmp_path / "mine"))


def test_a_folder_whose_base_names_no_builder_is_refused(tmp_path):
    row = msgspec.structs.replace(BASES["dinov2_small"], builder="")
    (tmp_path / "base.json").write_bytes(msgspec.json.encode(row))
    with pytest.raises(RunError, match=r"base\.json names no builder of ours; it is no base of `starshift pretrain`"):
        parse(str(tmp_path))


def test_megabytes_are_those_of_the_file():
    assert BASES["mobilenet_v2"].weights_megabytes == 10  # the published file has 9.4
    assert BASES["vgg16"].weights_megabytes == 59  # 58.9
    assert BASES["siglip_base_patch16_224"].weights_megabytes == 813  # with its text encoder


def test_importing_the_catalogue_imports_nothing_heavy():
    code = "import sys, starshift.catalogue; print({'keras', 'numpy', 'h5py'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
