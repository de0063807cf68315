"""`starshift.summary` and its command."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

import starshift
from starshift.cli.main import app
from starshift.errors import UsageError


def test_the_seeds_convnet_is_counted_without_pictures():
    counted = starshift.summary("convnet")
    assert (counted.parameters, counted.trainable) == (3_453_121, 3_453_121)
    assert starshift.summary("convnet", size=28).layers[0].shape == (28, 28, 3)


def test_bases_go_by_any_of_their_names():
    counted = starshift.summary("features", base="MobileNetV2", size=96, classes=7)
    assert counted.parameters == 2_257_984 + 1281 * 7
    assert counted.trainable == 1281 * 7


def test_all_problems_at_once_with_near_matches():
    with pytest.raises(UsageError) as caught:
        starshift.summary("convnets", base="VG16", size=4, classes=1)
    assert list(caught.value.problems) == [
        "--classes must be 2 to 100,000; 1 came.",
        "--size is the side of the pictures, 18 to 1024 pixels; 4 came.",
        "Rung 'convnets' is not known. Did you mean 'convnet'?",
        "There is no base 'VG16'. Did you mean 'vgg16'?",
    ]


def test_two_rungs_are_refused():
    with pytest.raises(UsageError, match="A summary is of one rung; 'convnet,features' names several"):
        starshift.summary("convnet,features")


def test_the_command_prints_the_totals_as_the_seeds_do():
    result = CliRunner().invoke(app, ["summary", "convnet"])
    assert result.exit_code == 0, result.output
    assert "3,211,776" in result.stdout and "148 × 148 × 32" in result.stdout
    assert result.stdout.splitlines()[-4:] == [
        "Total parameters: 3,453,121",
        "Trainable parameters: 3,453,121",
        "Non-trainable parameters: 0",
        "Multiply-adds per picture: 236.1 million",
    ]


def test_the_command_says_what_is_wrong():
    result = CliRunner().invoke(app, ["summary", "baseline"])
    assert result.exit_code == 2 and "The baseline has no layers" in result.output


def test_two_rungs_are_said_once():
    with pytest.raises(UsageError) as caught:
        starshift.summary("convnet,features")
    assert len(caught.value.problems) == 1


@pytest.mark.slow
def test_the_command_prints_nothing_but_its_answer():
    command = [sys.executable, "-m", "starshift", "summary", "convnet", "--size", "48"]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0 and finished.stderr == ""
