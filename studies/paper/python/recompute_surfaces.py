"""Computes the first plane of ResNets without skips again by PyTorch, from a study's checkpoints and directions.

    python recompute_surfaces.py study_full

Needs numpy, safetensors and torch; the digits are read from this repository. The networks, the loss and the plane are
written here from their definitions; all that is taken from the study are the parameters, the two directions, the axes
and how many images were used. In f64 the surface must agree with the study's, which is of f32, to its accuracy.
"""

import json
import math
import pathlib
import sys

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

DIGITS = pathlib.Path(__file__).resolve().parents[3] / "crates/loss-landscape-nets/data/digits"
MEAN, DEVIATION = 0.3053, 0.3762
# f32 has 6e-8; sums over tens of layers and, far from θ, losses of thousands, take some of it.
TOLERANCE = 1e-5


class Block(nn.Module):
    """Two convolutions with batch normalisation, and no way around them."""

    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(x)))


class Network(nn.Module):
    """The residual network of CIFAR-10 of this depth, for one channel, without its skips."""

    def __init__(self, depth):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        inputs = 16
        for stage, channels in enumerate((16, 32, 64)):
            blocks = []
            for block in range((depth - 2) // 6):
                blocks.append(Block(inputs, channels, 2 if stage and not block else 1))
                inputs = channels
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def digits(count):
    raw = (DIGITS / "train-images.idx3-ubyte").read_bytes()
    images = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 1, 8, 8)[:count]
    labels = np.frombuffer((DIGITS / "train-labels.idx1-ubyte").read_bytes(), np.uint8, offset=8)[:count]
    # The study's pixels are numbers of f32.
    pixels = (images.astype(np.float32) / np.float32(16) - np.float32(MEAN)) / np.float32(DEVIATION)
    return torch.tensor(pixels, dtype=torch.float64), torch.tensor(labels.astype(np.int64))


def surface(depth, checkpoint, directions, axes, data):
    images, labels = data
    network = Network(depth).double().eval()
    theta = {name: values.double() for name, values in load_file(checkpoint).items()}
    pair = load_file(directions)
    found = np.empty((len(axes[0]), len(axes[1])))
    with torch.no_grad():
        for i, alpha in enumerate(axes[0]):
            for j, beta in enumerate(axes[1]):
                at = {
                    name: values + alpha * pair["first." + name].double() + beta * pair["second." + name].double()
                    for name, values in theta.items()
                }
                # Counts of batches are no parameters of the study's.
                network.load_state_dict(at, strict=False)
                found[i, j] = functional.cross_entropy(network(images), labels).item()
    return found


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    setting = json.loads((folder / "study.json").read_text())["setting"]
    data = digits(setting["samples"])
    checked = 0
    for path in sorted(folder.glob("directions/*.safetensors")):
        key = path.stem
        depth = int(key.split("_")[0].removeprefix("resnet"))
        # Deeper ones take PyTorch long, and show nothing new.
        if depth > 56:
            continue
        with np.load(folder / "planes" / f"{key}.npz") as file:
            first = file["point_draw"] == file["point_draw"][0]
            axes = [np.unique(file[name][first]) for name in ("point_alpha", "point_beta")]
            ours = file["point_value"][first, 0].reshape(len(axes[0]), len(axes[1]))
        theirs = surface(depth, folder / "trainings" / f"{key}.safetensors", path, axes, data)
        errors = np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-2)
        middle = (len(axes[0]) // 2, len(axes[1]) // 2)
        print(
            f"{key}: {ours.size} points, losses {theirs.min():.4g} to {theirs.max():.4g}, at θ {theirs[middle]:.6g}; "
            f"relative differences: median {np.median(errors):.1e}, largest {errors.max():.1e}"
        )
        if not math.isfinite(errors.max()) or errors.max() > TOLERANCE:
            sys.exit(f"{key}: the surfaces differ by more than {TOLERANCE}")
        checked += 1
    if not checked:
        sys.exit("no directions in this folder: the study has not done C3")


main()
