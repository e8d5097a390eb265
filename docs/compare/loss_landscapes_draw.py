"""loss-landscapes: what random directions are.

They are uniform on [0, 1): all entries are positive, any two of them point much the same way (cosine 3/4), and the
sign of a step is the same for every weight. Filter normalisation scales each entry of a bias on its own, so that the
direction of a bias is its absolute value and the same for every seed. Afterwards the whole direction is scaled to
`distance` times the norm of the model.
"""

import torch
from common import classifier, cosine, flat
from loss_landscapes import random_line
from loss_landscapes.metrics import Metric


class Parameters(Metric):
    def __call__(self, wrapper):
        return flat(wrapper.get_module_parameters()).clone().numpy()


def line(seed, steps=4, distance=1.0):
    net, _, _ = classifier(seed=5)
    start = flat(net.parameters()).clone()
    torch.manual_seed(seed)
    points = random_line(net, Parameters(), distance=distance, steps=steps, deepcopy_model=True)
    return start, torch.from_numpy(points)


start, points = line(seed=1)
first = points[-1] - start
second = line(seed=2)[1][-1] - start
print(f"entries of a direction that are negative: {int((first < 0).sum())} of {first.numel()}")
print(f"cosine of two directions with different seeds: {cosine(first, second):.3f}")
assert not (first < 0).any() and cosine(first, second) > 0.6

net, _, _ = classifier(seed=5)
sizes = [p.numel() for p in net.parameters()]
bias, moved, moved_again = (v.split(sizes)[1] for v in (start, first, second))
spread = (moved / bias.abs()).max() / (moved / bias.abs()).min() - 1
print(f"a bias moves along its absolute value: entries of d/|b| are equal to {spread:.0e}; "
      f"cosine for two seeds {cosine(moved, moved_again):.6f}")
assert spread < 1e-6 and cosine(moved, moved_again) > 1 - 1e-9

lengths = [(p - start).norm() / start.norm() for p in points]
print("distance=1, steps=4: the points are at", " ".join(f"{x:.2f}" for x in lengths), "times ‖θ‖, none at the model")
assert abs(lengths[0] - 0.25) < 1e-9 and abs(lengths[-1] - 1) < 1e-9

net, _, _ = classifier(seed=5)
torch.manual_seed(1)
random_line(net, Parameters(), distance=1.0, steps=4)
moved = float((flat(net.parameters()) - start).norm() / start.norm())
print(f"without deepcopy_model=True the model is left {moved:.2f} ‖θ‖ away, "
      f"requires_grad = {net[0].weight.requires_grad}")
assert moved > 0.9 and not net[0].weight.requires_grad
