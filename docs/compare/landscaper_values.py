"""Landscaper 1.3.1: the values and coordinates of a landscape.

* The largest value of the grid gets Gaussian noise (1 % of the standard deviation of the others) added; NaN becomes
  the mean of the finite values and infinity their maximum, with no mark left.
* The coordinates are `linspace(−distance, distance, steps)`, while a step is distance·‖θ‖/(steps/2) from the centre
  `steps // 2`: the last point of 41 is at 20/20.5 of its label, and with an even number of steps no label is 0 while
  one of the points is the model.
* `LossLandscape` pairs the values with `meshgrid(*ranges)` in NumPy's default order, so that the first two axes change
  places: the coordinates that it keeps, and gives to its topology, are the transpose. Its plots do the same, and
  label the horizontal axis as the first direction.
"""

import contextlib
import io

import matplotlib
import numpy as np
import torch
from common import flat

matplotlib.use("Agg")
from landscaper.compute import compute_loss_landscape
from landscaper.landscape import LossLandscape


def landscape(function, steps, distance=1.0):
    """Values over the plane of two coordinates of θ = (3, 4, 0, 0), directions e₃ and e₄."""
    net = torch.nn.Linear(4, 1, bias=False).double()
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[3.0, 4.0, 0.0, 0.0]]))
    directions = [[torch.tensor([[0.0, 0.0, 1.0, 0.0]]).double()], [torch.tensor([[0.0, 0.0, 0.0, 1.0]]).double()]]
    silence = io.StringIO()
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
        return compute_loss_landscape(
            net, None, directions, lambda n, _: function(*flat(n.parameters())[2:].tolist()),
            steps=steps, distance=distance, dim=2, device="cpu",
        )


# Coordinates in multiples of ‖θ‖ = 5 are what the labels count. The smallest value is the one without noise.
for steps in (41, 40):
    values, (labels, _) = landscape(lambda a, b: a / 5.0, steps)
    mirrored, _ = landscape(lambda a, b: -a / 5.0, steps)
    first, last = values.min(), -mirrored.min()
    print(f"{steps} steps: labels {labels[0]:+.3f} .. {labels[-1]:+.3f}, points {first:+.3f} .. {last:+.3f} "
          f"(in ‖θ‖); label of the model's own point {labels[steps // 2]:+.3f}")
    assert last < labels[-1] - 0.02

np.random.seed(0)
values, _ = landscape(lambda a, b: min(a * a + b * b, 4.0), 11)
plateau = values[np.abs(values - 4.0) < 0.2]
print(f"a function that is 4 at {len(plateau)} points and lower at the rest: values there "
      f"{plateau.min():.3f} .. {plateau.max():.3f}")
assert plateau.max() > 4.0 and len(np.unique(plateau)) == len(plateau)

values, _ = landscape(lambda a, b: float("nan") if a > 2 else (float("inf") if a < -2 else a * a + b * b), 11)
print("a function that is NaN for α > 2 and infinite for α < −2: finite values in the result:",
      f"{int(np.isfinite(values).sum())} of {values.size}")
assert np.isfinite(values).all()

values, ranges = landscape(lambda a, b: a, 5)
kept = LossLandscape(values, ranges)
along = [abs(np.corrcoef(kept.coords[:, axis], kept.loss.ravel())[0, 1]) for axis in (0, 1)]
print(f"a function of the first coordinate alone: its correlation with coords[:, 0] is {along[0]:.3f}, "
      f"with coords[:, 1] {along[1]:.3f}")
assert along[0] < 0.05 and along[1] > 0.99

with contextlib.redirect_stdout(io.StringIO()):
    axes = kept.show_contour(show=False).axes[0]
lines = [path.vertices for c in axes.collections for path in c.get_paths() if len(path.vertices)]
horizontal = sum(np.ptp(v[:, 1]) < 1e-9 < np.ptp(v[:, 0]) for v in lines)
vertical = sum(np.ptp(v[:, 0]) < 1e-9 < np.ptp(v[:, 1]) for v in lines)
print(f"its contour plot, horizontal axis '{axes.get_xlabel()}': {horizontal} horizontal contour lines, "
      f"{vertical} vertical")
assert horizontal > 0 == vertical
