"""Bases of one's own: the network from scratch, up to its head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from starshift import catalogue
from starshift.errors import RunError, UsageError
from starshift.models import opened, own, pretrained
from starshift.models.modern import modern
from starshift.records import files
from starshift.training.cost import cost
from tiny import telling

ARGUMENTS = {"width": 4, "blocks": (1, 1)}


def write_base(folder: Path, *, size: int = 24, **changes) -> dict[str, np.ndarray]:
    """A base folder with random weights; returns the whole network's tensors."""
    folder.mkdir(parents=True, exist_ok=True)
    model = modern((size, size, 3), telling(2), **ARGUMENTS)
    tensors = {variable.path: np.asarray(variable) for variable in model.weights}
    fields = dict(
        name="own 0123", title=folder.name, constructor="", size=size, min_size=own.least_size((1, 1)),
        preprocessing="in the model", features=8, parameters=1, weights_file=catalogue.OWN_WEIGHTS, weights_url="",
        weights_hash="", licence="your own", source="starshift pretrain", trained_on="discs",
        cut_points=own.cut_points(ARGUMENTS, size), builder="modern", arguments=ARGUMENTS,
    )  # fmt: skip
    files.write(catalogue.Base(**fields | changes), folder / catalogue.OWN_FILE)
    save_file(own.without_head(tensors), folder / catalogue.OWN_WEIGHTS)
    return tensors


def test_a_folder_is_a_base_whose_features_are_what_the_head_saw(tmp_path):
    tensors = write_base(tmp_path / "mine")
    base, weights = catalogue.parse(str(tmp_path / "mine"))
    network = pretrained.build(base, weights, size=24)
    assert network.output_shape == (None, base.features) and not any("head" in name.path for name in network.weights)
    whole = modern((24, 24, 3), telling(2), **ARGUMENTS)
    for variable in whole.weights:
        variable.assign(tensors[variable.path])
    pixels = np.random.default_rng(0).integers(0, 256, (3, 24, 24, 3)).astype(np.float32)
    features = np.asarray(network(pixels))
    logits = features @ tensors["head/kernel"] + tensors["head/bias"]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), np.asarray(whole(pixels)), atol=1e-5)


def test_it_is_cut_at_the_ends_of_its_stages(tmp_path):
    write_base(tmp_path / "mine")
    base, weights = catalogue.parse(str(tmp_path / "mine"))
    assert [cut.partition("_")[0] for cut in base.cut_points] == ["stem", "stage1"]
    network = opened.build(base, weights, size=24, cut=base.cut_points[-1], heads=telling(3), from_pixels=True)
    trained = [layer.name for layer in cost(network).layers if layer.trainable]
    assert trained[-1] == "head" and all(name.startswith("stage2") for name in trained[:-1]) and len(trained) > 1


@pytest.mark.parametrize("kind", ["residual", "inception"])
def test_every_cut_point_is_a_layer(kind):
    arguments = {"width": 8, "blocks": (2, 1, 1), "kind": kind}
    cuts = own.cut_points(arguments, 32)
    assert [cut.partition("_")[0] for cut in cuts] == ["stem", "stage1", "stage2"]
    assert set(cuts) <= {layer.name for layer in modern((32, 32, 3), telling(2), **arguments).layers}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"builder": "moderm"}, "Builder 'moderm' is not known. Did you mean 'modern'?"),
        ({"builder": "convnet", "arguments": {}}, "A base of one's own is a 'modern' network; this one is 'convnet'."),
        ({"arguments": {"widht": 4}}, "Did you mean 'width'?"),
    ],
)
def test_a_strange_base_is_refused(tmp_path, changes, sentence):
    write_base(tmp_path / "mine", **changes)
    base, weights = catalogue.parse(str(tmp_path / "mine"))
    with pytest.raises(RunError) as caught:
        pretrained.build(base, weights, size=24)
    assert sentence in str(caught.value)


def test_weights_that_do_not_fit_and_pictures_that_are_too_small(tmp_path):
    write_base(tmp_path / "mine", arguments={"width": 8, "blocks": (1, 1)})
    base, weights = catalogue.parse(str(tmp_path / "mine"))
    with pytest.raises(RunError, match=r"base.safetensors does not fit: .* differ in name or shape"):
        pretrained.build(base, weights, size=24)
    weights.write_bytes(b"no tensors")
    with pytest.raises(RunError, match="cannot be read"):
        pretrained.build(base, weights, size=24)
    with pytest.raises(UsageError, match="mine needs pictures of at least 8 px; --size is 7"):
        pretrained.build(base, weights, size=7)


def test_a_damaged_row_is_said(tmp_path):
    write_base(tmp_path / "mine")
    (tmp_path / "mine" / catalogue.OWN_FILE).write_text('{"name": 3}')
    with pytest.raises(RunError, match="is not a Base that this version of Starshift can read"):
        catalogue.parse(str(tmp_path / "mine"))
