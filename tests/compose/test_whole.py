from __future__ import annotations

import numpy as np
import pytest
from msgspec import structs

from starshift import catalogue
from starshift.compose.finetuned import BESIDE
from starshift.compose.predictor import Predictor
from starshift.compose.whole import assemble
from starshift.data.cache import cache_root
from starshift.errors import RunError
from starshift.learnware import package
from starshift.models import heads, opened, weights
from starshift.models.heads import Scale
from starshift.records import BaseReference, Learnware, Target, TextContract

SIZE = 64


@pytest.fixture(scope="module")
def convnet(finished_run):
    return package.read(finished_run.path / "rungs/convnet/model")


def pixels(count: int, size: int) -> np.ndarray:
    """Blotches: uint8 (count, size, size, 3)."""
    coarse = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return coarse.repeat(size // 8 + 1, axis=1).repeat(size // 8 + 1, axis=2)[:, :size, :size]


def said(model, shown: np.ndarray) -> list[np.ndarray]:
    """What an assembled model puts out, target by target."""
    found = model.predict(shown, verbose=0)
    return found if isinstance(found, list) else [found]


def agree(learnware: Learnware, tensors: dict[str, np.ndarray], shown: np.ndarray, within: float = 1e-5) -> list:
    """Hold the whole network against the predictor in float32; returns its answers."""
    exact = Predictor(structs.replace(learnware, precision="f32"), tensors, cache_root()).all(shown)
    found = said(assemble(learnware, tensors, cache_root()), shown)
    for one, other in zip(found, exact, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, atol=within)
    return found


@pytest.mark.parametrize("temperature", [1.0, 0.6, 2.5])
def test_a_network_from_scratch_answers_as_the_predictor_does_temperature_included(convnet, temperature):
    learnware, tensors = convnet
    found = agree(structs.replace(learnware, temperature=temperature), tensors, pixels(9, 28))
    assert found[0].dtype == np.float32 and found[0].shape == (9, 3)


def last_map(model):
    """The last convolutional map in the model's own graph."""
    return [one.output for one in model.layers if len(getattr(one.output, "shape", ())) == 4][-1]


def test_the_last_map_is_found_and_connected(convnet):
    import keras

    model = assemble(*convnet, cache_root())
    found = last_map(model)
    assert tuple(found.shape[1:]) == (3, 3, 64)
    both = keras.Model(model.input, [found, model.output])
    maps, answers = both.predict(pixels(2, 28), verbose=0)
    assert maps.shape == (2, 3, 3, 64) and answers.shape == (2, 3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"builder": "majority"}, "the baseline, which looks at no picture"),
        ({"builder": "own"}, "nothing that is loaded runs code"),
        ({"builder": "reader"}, "spells out strings"),
        ({"builder": "table-trees"}, "'table-trees', which cannot be put together"),
        ({"input": TextContract("")}, "takes no pictures"),
    ],
)
def test_what_is_no_network_of_pictures_is_refused_in_words(convnet, changes, words):
    with pytest.raises(RunError, match=words):
        assemble(structs.replace(convnet[0], **changes), convnet[1], cache_root())


def test_models_that_share_nothing_are_refused(convnet):
    learnware, tensors = convnet
    with pytest.raises(RunError, match="is 2 models, one for each target, that share nothing"):
        assemble(structs.replace(learnware, apart=(learnware, learnware)), tensors, cache_root())


def test_an_ensemble_is_refused_and_its_student_named(convnet):
    learnware, tensors = convnet
    with pytest.raises(RunError, match=r"is 2 models that answer together.*The rung distilled teaches one network"):
        assemble(structs.replace(learnware, builder="ensemble", members=(learnware,) * 2), tensors, cache_root())


def test_tensors_of_another_network_are_refused(convnet):
    learnware, tensors = convnet
    with pytest.raises(RunError, match="do not fit its network"):
        assemble(learnware, {**tensors, "head/other": tensors["head/bias"]}, cache_root())


HEADS = {
    "binary": Target.of_classes(("no", "yes")),
    "multi-class": Target.of_classes(("a", "b", "c")),
    "multi-label": Target("marks", "multi-label", ("x", "y")),
    "regression": Target("age", "regression"),
    "share": Target("cover", "share"),
}


@pytest.mark.usefixtures("weights_home")
class TestOnABase:
    """MobileNetV2 at 64 px, with heads and opened weights that are made up."""

    @pytest.fixture
    def learnware(self, convnet, weights_file) -> Learnware:
        made = convnet[0]
        return structs.replace(
            made,
            input=structs.replace(made.input, size=SIZE),
            builder="frozen",
            arguments={"bases": ("mobilenet_v2",)},
            bases=(BaseReference("mobilenet_v2", weights.digest(weights_file), "mobilenet_v2"),),
            targets=(HEADS["binary"],),
        )

    def head(self, targets, features: int = 1280, before: str = "") -> dict[str, np.ndarray]:
        rng = np.random.default_rng(1)
        tensors: dict[str, np.ndarray] = {}
        for place, target in enumerate(targets):
            name, units = f"{before}{heads.layer_name(place)}", heads.outputs_of(target)
            tensors[f"{name}/kernel"] = (rng.standard_normal((features, units)) / 30).astype(np.float32)
            tensors[f"{name}/bias"] = np.zeros(units, np.float32)
        scales = [Scale(40.0, 12.0) if target.kind == "regression" else None for target in targets]
        return tensors | {f"{before}{name}": array for name, array in heads.scale_tensors(scales).items()}

    @pytest.mark.parametrize("kinds", [["binary"], ["multi-class", "regression"], ["multi-label", "share"]])
    def test_frozen_with_every_kind_of_head(self, learnware, kinds):
        targets = tuple(HEADS[kind] for kind in kinds)
        learnware = structs.replace(learnware, targets=targets, temperature=1.3 if targets[0].is_classes else 1.0)
        agree(learnware, self.head(targets), pixels(6, SIZE), within=2e-4)

    def test_frozen_at_two_sizes_of_which_one_is_resized_in_the_graph(self, learnware):
        learnware = structs.replace(learnware, arguments={"bases": ("mobilenet_v2",), "sizes": (48, SIZE)})
        tensors = self.head(learnware.targets, 2 * 1280)
        agree(learnware, tensors, pixels(6, SIZE), within=5e-3)
        assert tuple(last_map(assemble(learnware, tensors, cache_root())).shape[1:]) == (2, 2, 1280)

    def test_frozen_at_a_depth(self, learnware):
        arguments = {"bases": ("mobilenet_v2",), "cuts": ("block_12_add", "top")}
        learnware = structs.replace(learnware, arguments=arguments)
        agree(learnware, self.head(learnware.targets, 96 + 1280), pixels(6, SIZE), within=2e-4)

    @pytest.mark.parametrize("mirrored", [False, True])
    @pytest.mark.parametrize("beside", [(), ("mobilenet_v2",)])
    def test_fine_tuned_with_all_that_it_is_averaged_with(self, learnware, weights_file, mirrored, beside):
        arguments = {"base": "mobilenet_v2", "cut": "block_15_add", "mirrored": mirrored, "beside": beside}
        targets = (HEADS["binary"], HEADS["multi-label"], HEADS["regression"])
        learnware = structs.replace(
            learnware, builder="fine-tuned", arguments=arguments, targets=targets, temperature=0.8
        )
        base = catalogue.BASES["mobilenet_v2"]
        network = opened.build(base, weights_file, size=SIZE, cut="block_15_add", heads=targets, from_pixels=True)
        tensors = {name: np.asarray(one) * np.float32(1.01) for name, one in opened.opened(network).items()}
        tensors |= self.head(targets)
        if beside:
            tensors |= self.head(targets, before=BESIDE)
        learnware = structs.replace(learnware, files={"model.safetensors": f"{mirrored} {beside}"})
        agree(learnware, tensors, pixels(6, SIZE), within=2e-4)
        assert tuple(last_map(assemble(learnware, tensors, cache_root())).shape[1:]) == (2, 2, 1280)
