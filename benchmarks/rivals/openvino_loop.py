"""The loop that one writes first: Pillow opens and resizes, batches of 32 go through OpenVINO as it comes.

Usage: openvino_loop.py FOLDER network.xml SIZE
"""

import json
import sys
from pathlib import Path

import numpy as np
import openvino
from PIL import Image

BATCH = 32


def main(folder: str, network: str, size: int) -> None:
    """Print how many pictures were answered."""
    compiled = openvino.Core().compile_model(network, "CPU")
    files = sorted(Path(folder).rglob("*.jpg"))
    answered = 0
    for start in range(0, len(files), BATCH):
        chunk = files[start : start + BATCH]
        pixels = np.stack([np.asarray(Image.open(file).convert("RGB").resize((size, size))) for file in chunk])
        answered += len(compiled(pixels)[0])
    print(json.dumps({"pictures": answered}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
