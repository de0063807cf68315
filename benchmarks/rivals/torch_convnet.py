"""The seeds' network in native PyTorch, bfloat16 and channels last. Usage: torch_convnet.py TRAIN.npz EPOCHS"""

import json
import os
import sys
import time
from statistics import median

import numpy as np
import torch
from torch import nn

BATCH = 20


def network() -> nn.Module:
    """Four stages, two dense layers; 150 px leave 7 × 7 × 128."""
    stages, before = [], 3
    for filters in (32, 64, 128, 128):
        stages += [nn.Conv2d(before, filters, 3), nn.ReLU(), nn.MaxPool2d(2)]
        before = filters
    return nn.Sequential(*stages, nn.Flatten(), nn.Linear(7 * 7 * 128, 512), nn.ReLU(), nn.Linear(512, 1))


def epoch(model, optimizer, pixels: torch.Tensor, targets: torch.Tensor) -> float:
    """One pass in a new order; its seconds."""
    began = time.perf_counter()
    order = torch.randperm(len(pixels))
    for start in range(0, len(pixels), BATCH):
        rows = order[start : start + BATCH]
        x = (pixels[rows].float() / 255).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(x)
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), targets[rows, None])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.perf_counter() - began


def main(file: str, epochs: int) -> None:
    """Print training pictures per second, the median of the epochs after the first."""
    torch.manual_seed(0)
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else torch.get_num_threads())
    stored = np.load(file)
    pixels = torch.from_numpy(stored["pixels"]).permute(0, 3, 1, 2)
    targets = torch.from_numpy(stored["targets"].astype(np.float32))
    model = network().to(memory_format=torch.channels_last)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-4)
    seconds = [epoch(model, optimizer, pixels, targets) for _ in range(epochs)]
    print(json.dumps({"rate": len(pixels) / median(seconds[1:]), "seconds": seconds}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
