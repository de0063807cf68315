"""The seeds' regularized network in native PyTorch, bfloat16 and channels last, with or without their augmentation.

Usage: torch_augment.py TRAIN.npz EPOCHS none|seeds
"""

import json
import math
import os
import sys
import time
from statistics import median

import numpy as np
import torch
from torch import nn

BATCH = 32


def network() -> nn.Module:
    """Four stages, dropout, two dense layers; 150 px leave 7 × 7 × 128."""
    stages, before = [], 3
    for filters in (32, 64, 128, 128):
        stages += [nn.Conv2d(before, filters, 3), nn.ReLU(), nn.MaxPool2d(2)]
        before = filters
    dense = [nn.Flatten(), nn.Dropout(0.5), nn.Linear(7 * 7 * 128, 512), nn.ReLU(), nn.Linear(512, 1)]
    return nn.Sequential(*stages, *dense)


def uniform(count: int, amount: float) -> torch.Tensor:
    """Drawn in ± amount."""
    return amount * (2 * torch.rand(count) - 1)


def affine(*entries) -> torch.Tensor:
    """Six entries, tensors (N,) or numbers → (N, 3, 3)."""
    count = max(len(one) for one in entries if isinstance(one, torch.Tensor))
    rows = [one if isinstance(one, torch.Tensor) else torch.full((count,), float(one)) for one in (*entries, 0, 0, 1)]
    return torch.stack(rows, dim=1).reshape(-1, 3, 3)


def seeds(x: torch.Tensor) -> torch.Tensor:
    """Rotation 40°, shifts 0.2, shear 0.2°, zoom 0.2, flip, nearest fill, as one sampling of the whole batch.

    Places run from -1 to 1, so that a shift by a share of the side counts twice.
    """
    count = len(x)
    turn, lean = torch.deg2rad(uniform(count, 40)), torch.deg2rad(uniform(count, 0.2))
    flip = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    places = (
        affine(torch.cos(turn), -torch.sin(turn), 0, torch.sin(turn), torch.cos(turn), 0)
        @ affine(1, 0, 2 * uniform(count, 0.2), 0, 1, 2 * uniform(count, 0.2))
        @ affine(1, -torch.sin(lean), 0, 0, torch.cos(lean), 0)
        @ affine(1 + uniform(count, 0.2), 0, 0, 0, 1 + uniform(count, 0.2), 0)
        @ affine(flip, 0, 0, 0, 1, 0)
    )
    grid = nn.functional.affine_grid(places[:, :2], list(x.shape), align_corners=False)
    return nn.functional.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


def epoch(model, optimizer, pixels: torch.Tensor, targets: torch.Tensor, policy: str) -> float:
    """One pass in a new order; its seconds."""
    began = time.perf_counter()
    order = torch.randperm(len(pixels))
    for start in range(0, len(pixels), BATCH):
        rows = order[start : start + BATCH]
        x = (pixels[rows].float() / 255).contiguous(memory_format=torch.channels_last)
        if policy == "seeds":
            x = seeds(x).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(x)
        loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), targets[rows, None])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.perf_counter() - began


def matmul_rate(side: int = 2048, times: int = 5) -> float:
    """Multiply-adds per second of a bfloat16 product of two matrices."""
    one = torch.randn(side, side).to(torch.bfloat16)
    seconds = []
    for _ in range(times + 1):
        began = time.perf_counter()
        one @ one
        seconds.append(time.perf_counter() - began)
    return math.pow(side, 3) / median(seconds[1:])


def main(file: str, epochs: int, policy: str) -> None:
    """Print training pictures per second, the median of the epochs after the first, and the machine's rate."""
    torch.manual_seed(0)
    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else torch.get_num_threads())
    stored = np.load(file)
    pixels = torch.from_numpy(stored["pixels"]).permute(0, 3, 1, 2)
    targets = torch.from_numpy(stored["targets"].astype(np.float32))
    model = network().to(memory_format=torch.channels_last)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-4)
    seconds = [epoch(model, optimizer, pixels, targets, policy) for _ in range(epochs)]
    print(json.dumps({"rate": len(pixels) / median(seconds[1:]), "seconds": seconds, "matmul": matmul_rate()}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
