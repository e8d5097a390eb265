"""The test that filter normalisation is made for, on every tool that draws random directions.

Two networks that compute the same function should have the same landscape, for the same draws. So:

* layers: the first layer of a ReLU network is multiplied by 10 and the second by 1/10;
* filters: each filter before a batch normalisation is multiplied by a factor of its own, 1/10 to 10 (and the
  statistics of the normalisation with it), which changes nothing behind it. This is the case that the paper argues
  with, and the one that needs the norm of each *filter*: the norm of a whole tensor is not enough.

The networks have no biases, so that no rule for biases matters. The figure is the largest |L' − L|/L over a line.
"""

import contextlib
import copy
import io
import os

import numpy as np
import torch
from common import classifier
from torch import nn
from torch.nn.functional import cross_entropy

torch.set_default_dtype(torch.float64)
POINTS = 11


def layers():
    """A network, and the same function with scaled layers."""
    net, inputs, targets = classifier(bias=False)
    scaled = copy.deepcopy(net)
    with torch.no_grad():
        scaled[0].weight.mul_(10.0)
        scaled[2].weight.div_(10.0)
    return net, scaled, inputs, targets


def filters():
    """A network with batch normalisation, and the same function with scaled filters."""
    _, inputs, targets = classifier()
    normalisation = nn.BatchNorm1d(8, eps=1e-30, affine=False, momentum=None)
    net = nn.Sequential(nn.Linear(6, 8, bias=False), normalisation, nn.ReLU(), nn.Linear(8, 3, bias=False))
    net(inputs)  # in training mode: sets the statistics
    scaled, factors = copy.deepcopy(net.eval()), torch.logspace(-1, 1, 8)
    with torch.no_grad():
        scaled[0].weight.mul_(factors[:, None])
        scaled[1].running_mean.mul_(factors)
        scaled[1].running_var.mul_(factors**2)
    return net, scaled, inputs, targets


def loss(module, data):
    with torch.no_grad():
        return float(cross_entropy(module(data[0]), data[1]))


def along(module, data, direction):
    """The loss at θ + α d for α in −1 .. 1."""
    moved, values = copy.deepcopy(module), []
    for alpha in np.linspace(-1, 1, POINTS):
        with torch.no_grad():
            for p, start, d in zip(moved.parameters(), module.parameters(), direction):
                p.copy_(start + alpha * d)
        values.append(loss(moved, data))
    return np.array(values)


def original(module, data):
    import net_plotter

    torch.manual_seed(1)
    return along(module, data, net_plotter.create_random_direction(module, "weights", "biasbn", "filter"))


def loss_landscapes(module, data):
    from loss_landscapes import random_line
    from loss_landscapes.metrics import Loss

    torch.manual_seed(1)
    return random_line(module, Loss(cross_entropy, *data), distance=1, steps=POINTS, deepcopy_model=True)


def landscaper(module, data):
    from landscaper.compute import compute_loss_landscape
    from landscaper.utils import generate_random_orthogonal_directions

    torch.manual_seed(1)
    directions = generate_random_orthogonal_directions(module, 1)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        # The noise that it adds to the largest value (landscaper_values.py) is at most a few per cent.
        return compute_loss_landscape(
            copy.deepcopy(module), None, directions, lambda m, _: loss(m, data),
            steps=POINTS, distance=1, dim=1, device="cpu",
        )[0]


def nngeom(module, data):
    import nngeom

    model = nngeom.Model(copy.deepcopy(module), loss_fn=lambda m, b: cross_entropy(m(b[0]), b[1]))
    return nngeom.random_slice_1d(model, data, span=1.0, steps=POINTS, seed=1).losses


tools = [("loss-landscapes 3.0.6, 'filter'", loss_landscapes), ("Landscaper 1.3.1", landscaper),
         ("nngeom 0.2.0, 'filter'", nngeom)]
if os.path.exists(os.path.join(os.environ.get("ORIGINAL", ""), "net_plotter.py")):
    import sys

    sys.path.insert(0, os.environ["ORIGINAL"])
    tools.insert(0, ("original, 'filter', 'biasbn'", original))
else:
    print("(without ORIGINAL the original repository is left out)")

print(f"{'largest change of the loss':34s} layers     filters")
changes = {}
for name, tool in tools:
    row = []
    for case in (layers, filters):
        net, scaled, *data = case()
        assert torch.allclose(net(data[0]), scaled(data[0])), "the same function"
        a, b = tool(net, data), tool(scaled, data)
        row.append(float(np.max(np.abs(b - a) / np.abs(a))))
    changes[name] = row
    print(f"{name:34s} {row[0]:.1e}    {row[1]:.1e}")
for name in ("original, 'filter', 'biasbn'", "loss-landscapes 3.0.6, 'filter'"):
    assert max(changes.get(name, [0.0])) < 1e-6
assert changes["nngeom 0.2.0, 'filter'"][0] < 1e-6 < 0.1 < changes["nngeom 0.2.0, 'filter'"][1]
assert min(changes["Landscaper 1.3.1"]) > 0.1
