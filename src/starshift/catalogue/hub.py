"""Vision transformers of KerasHub, by the names of its presets; they need the extra `hub`.

Numbers of parameters and addresses are those of KerasHub's own preset tables (0.32), which count DINOv2's position
embeddings twice and SigLIP with its text encoder, as the files have them; architectures are those of the papers.
tests/models/test_hub.py holds every row against KerasHub. Its ConvNeXt is left out: `applications` has it.
Licences are those of the repositories that the weights were ported from (facebookresearch/dinov2,
google-research/vision_transformer and big_vision).
"""

from __future__ import annotations

from msgspec import Struct, structs

from starshift.catalogue.row import Base, Preprocessing, Transformer


class _Family(Struct, frozen=True):
    """What the members of one family share; see Base."""

    constructor: str
    folder: str  # below KerasHub's at Kaggle
    source: str
    trained_on: str
    preprocessing: Preprocessing


_DINOV2 = _Family(
    "DINOV2Backbone",
    "dinov2",
    "Oquab et al. 2023, DINOv2, arXiv:2304.07193",
    "LVD-142M, 142 million pictures chosen from the web, without labels",
    "torch (0-1, mean/std)",
)
_DINOV2_REGISTERS = structs.replace(
    _DINOV2, source="Darcet et al. 2023, Vision Transformers Need Registers, arXiv:2309.16588"
)
_VIT = _Family(
    "ViTBackbone",
    "vit",
    "Dosovitskiy et al. 2020, An Image is Worth 16x16 Words, arXiv:2010.11929",
    "ImageNet-21k, 14 million photographs, 21,841 classes",
    "scale -1 to 1",
)
_VIT_1K = structs.replace(_VIT, trained_on=f"{_VIT.trained_on}; then ImageNet-1k, 1.28 million, 1,000 classes")
_SIGLIP = _Family(
    "SigLIPBackbone",
    "siglip",
    "Zhai et al. 2023, Sigmoid Loss for Language Image Pre-Training, arXiv:2303.15343",
    "WebLI, pictures from the web with their English texts",
    "scale -1 to 1",
)

_SMALL = Transformer(patch=14, width=384, blocks=12, heads=6, inner=1536, trained_side=518)
_BASE_14 = Transformer(patch=14, width=768, blocks=12, heads=12, inner=3072, trained_side=518)
_BASE_16 = Transformer(patch=16, width=768, blocks=12, heads=12, inner=3072, trained_side=224)
_SMALL_4 = structs.replace(_SMALL, registers=4)
_BASE_4 = structs.replace(_BASE_14, registers=4)


def _base(family: _Family, name: str, title: str, transformer: Transformer, parameters: int, version: int) -> Base:
    return Base(
        name=name,
        title=title,
        constructor=family.constructor,
        size=224,
        min_size=32,
        preprocessing=family.preprocessing,
        features=transformer.width,
        parameters=parameters,
        weights_file=f"{name}/model.weights.h5",
        weights_url=f"https://www.kaggle.com/models/keras/{family.folder}/keras/{name}/{version}",
        weights_hash="",
        licence="Apache-2.0",
        source=family.source,
        trained_on=family.trained_on,
        cut_points=tuple(f"block_{number}" for number in range(1, transformer.blocks)),
        transformer=transformer,
    )


ROWS = (
    _base(_DINOV2, "dinov2_small", "DINOv2 Small", _SMALL, 22_582_656, 1),
    _base(_DINOV2, "dinov2_base", "DINOv2 Base", _BASE_14, 87_632_640, 1),
    _base(_DINOV2_REGISTERS, "dinov2_with_registers_small", "DINOv2 Small with registers", _SMALL_4, 22_584_192, 1),
    _base(_DINOV2_REGISTERS, "dinov2_with_registers_base", "DINOv2 Base with registers", _BASE_4, 87_635_712, 1),
    _base(_VIT, "vit_base_patch16_224_imagenet21k", "ViT Base 21k", _BASE_16, 85_798_656, 3),
    _base(_VIT_1K, "vit_base_patch16_224_imagenet", "ViT Base", _BASE_16, 85_798_656, 4),
    _base(_SIGLIP, "siglip_base_patch16_224", "SigLIP Base", _BASE_16, 203_156_230, 1),
)
