"""loss-landscapes: where are the points of random_plane and planar_interpolation?

Both walk to and fro: even columns are computed while the second coordinate grows, odd ones while it shrinks. An even
column takes its step before each value, the odd one too, so that the odd column's values belong one step lower than
those beside them. The metric below reports the coordinates of the model it is given.
"""

import numpy as np
import torch
from common import classifier, flat
from loss_landscapes import planar_interpolation, random_plane
from loss_landscapes.metrics import Metric
from torch import nn


class Where(Metric):
    """Records the parameters that it is given."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __call__(self, wrapper):
        self.seen.append(flat(wrapper.get_module_parameters()).clone())
        return float(len(self.seen) - 1)


def coordinates(order, seen, origin, first, second):
    """(α, β) of each point of the array that came back, by least squares."""
    basis = torch.stack([first, second], dim=1)
    points = torch.stack([seen[int(k)] for k in order.ravel()])
    solved = torch.linalg.lstsq(basis, (points - origin).T).solution.T
    return solved.reshape(*order.shape, 2).numpy()


torch.manual_seed(0)
nets = [classifier(seed=s)[0] for s in range(3)]
origin, one, two = (flat(n.parameters()).clone() for n in nets)
metric = Where()
order = planar_interpolation(*nets, metric, steps=4, deepcopy_model=True)
found = coordinates(order, metric.seen, origin, one - origin, two - origin)
print("planar_interpolation, steps=4; second coordinate of each value, a row for each step along the first:")
print(np.round(found[:, :, 1], 3))
assert np.allclose(found[0, :, 1], [0.25, 0.5, 0.75, 1.0])
assert np.allclose(found[1, :, 1], [0.0, 0.25, 0.5, 0.75])

# What that does to a picture: the loss is a round bowl with its minimum at the model.
bowl = nn.Linear(40, 40, bias=False).double()
start = flat(bowl.parameters()).clone()


class Bowl(Metric):
    def __call__(self, wrapper):
        return float(((flat(wrapper.get_module_parameters()) - start) ** 2).sum() / (start**2).sum())


torch.manual_seed(0)
surface = random_plane(bowl, Bowl(), distance=1, steps=10, deepcopy_model=True)
minima = surface.argmin(axis=1)
print("random_plane of a round bowl, steps=10; where each row has its minimum:", minima)
assert set(np.abs(np.diff(minima))) == {1}, "neighbouring rows are one cell apart"
