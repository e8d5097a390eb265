"""What a sweep costs beside a loop written by hand over the same points.

    python benches/overhead.py [points along an axis] [rounds]

The loop does what anyone would write: θ + α·d₁ + β·d₂ parameter by parameter, copied into the module, then the mean
loss over the batches. Both run on one thread, in turns, and the least of all rounds counts: other work only adds.
"""

from __future__ import annotations

import pathlib
import sys
import time
import warnings

import torch
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


main()
