"""Vision transformers of KerasHub as small as they can be, one of each family: rows as the catalogue has them."""

from __future__ import annotations

from msgspec.structs import replace

from starshift.catalogue import Base, Transformer, base

HUB = ("dinov2_small", "dinov2_with_registers_small", "vit_base_patch16_224_imagenet21k", "siglip_base_patch16_224")


def tiny(name: str) -> Base:
    """The base of that name with 3 blocks of 8 numbers, for pictures of 32 px; its own name is "tiny_NAME"."""
    row = base(name)
    shape = Transformer(
        patch=row.transformer.patch // 2,
        width=8,
        blocks=3,
        heads=2,
        inner=16,
        trained_side=56 if name.startswith("dinov2") else 32,
        registers=row.transformer.registers,
    )
    return replace(
        row,
        name=f"tiny_{name}",
        features=8,
        parameters=300_000,  # SigLIP's 32,000 words are most of them
        weights_file=f"tiny_{name}/model.weights.h5",
        cut_points=("block_1", "block_2"),
        transformer=shape,
    )
