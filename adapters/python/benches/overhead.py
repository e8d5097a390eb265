"""What a sweep costs beside a loop written by hand over the same points.

    python benches/overhead.py [points along an axis] [rounds]

The loop does what anyone would write: θ + α·d₁ + β·d₂ parameter by parameter, copied into the module, then the mean
loss over the batches. Both run on one thread, in turns, and the least of all rounds counts: other work only adds. Then
several points in one call are measured beside one at a time.
"""

from __future__ import annotations

import pathlib
import sys
import time
import warnings

import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))

from models import GPT, ResNet20, batches, digits, token_loss, tokens, trained  # noqa: E402

import loss_landscape as ll  # noqa: E402


def by_hand(model, loss_fn, data, theta, first, second, axis):
    parameters = list(model.parameters())
    losses = torch.empty(len(axis), len(axis), dtype=torch.float64)
    with torch.no_grad():
        for i, a in enumerate(axis):
            for j, b in enumerate(axis):
                for p, t, d, e in zip(parameters, theta, first, second):
                    p.copy_(t + a * d + b * e)
                total = count = 0
                for x, y in data:
                    total += float(loss_fn(model(x), y)) * len(x)
                    count += len(x)
                losses[i, j] = total / count
        for p, t in zip(parameters, theta):
            p.copy_(t)
    return losses


def compare(name, model, loss_fn, data, points, rounds):
    model.eval()
    oracle = ll.torch.Oracle(model, loss_fn, data, probe=False)
    plane = ll.random_directions(oracle)
    parts = [oracle.split(d.values) for d in plane]
    names = [name for name, _ in model.named_parameters()]
    theta = [p.detach().clone() for p in model.parameters()]
    first, second = ([torch.from_numpy(part[name].copy()) for name in names] for part in parts)
    axis = torch.linspace(-1, 1, points, dtype=torch.float64).tolist()
    ours, theirs = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        surface = ll.grid_2d(oracle, plane, (-1, 1, points), (-1, 1, points), progress=False)
        ours.append(time.perf_counter() - start)
        start = time.perf_counter()
        losses = by_hand(model, loss_fn, data, theta, first, second, axis)
        theirs.append(time.perf_counter() - start)
    off = float((torch.from_numpy(surface["loss"]) - losses).abs().max() / losses.abs().max())
    ratio = min(ours) / min(theirs)
    each = 1e3 * min(ours) / points**2
    print(f"{name}: {each:.2f} ms a point, {100 * (ratio - 1):+.2f} % beside the loop, losses within {off:.1e}")


def together(name, model, loss_fn, data, points, rounds, count=64):
    """Several points in one call beside one at a time."""
    model.eval()
    oracles = [ll.torch.Oracle(model, loss_fn, data, probe=False, points_at_once=k) for k in (1, count)]
    plane = ll.random_directions(oracles[0])
    least = [float("inf")] * 2
    for _ in range(rounds):
        for k, oracle in enumerate(oracles):
            start = time.perf_counter()
            ll.grid_2d(oracle, plane, points, points, progress=False)
            least[k] = min(least[k], time.perf_counter() - start)
    each = 1e3 * least[0] / points**2
    print(f"{name}: {each:.3f} ms a point, {count} at once {least[0] / least[1]:.2f} times as fast")


def main() -> None:
    points = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    x, y = digits(torch.float32)
    torch.manual_seed(0)
    resnet = trained(ResNet20(), F.cross_entropy, x, y, 5)
    compare("ResNet-20, 1,437 digits", resnet, F.cross_entropy, batches(x, y, 256), points, rounds)
    gpt = trained(GPT(), token_loss, *tokens(), 5)
    compare("a small GPT, 40 texts", gpt, token_loss, batches(*tokens(), 40), 4 * points, rounds)
    perceptron = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10))
    for images in (32, 128):
        few = [(x[:images], y[:images])]
        together(f"a perceptron, {images} images", perceptron, F.cross_entropy, few, 6 * points, rounds + 2)
    for texts in (2, 8):
        few = batches(*(part[:texts] for part in tokens()), texts)
        together(f"a small GPT, {texts} texts", gpt, token_loss, few, 4 * points, rounds + 2)


main()
