"""The original repository's projection of a training path onto a plane.

`plot_trajectory.py` projects with `proj_method='cos'`, which gives ⟨d, dx⟩/‖dx‖: a length. The axes of a surface
count in multiples of dx. The two agree where ‖dx‖ = 1 (its PCA directions) and the axes are orthogonal; with the
random directions that `--dir_file` takes, the path is drawn too large by the factor ‖dx‖.
"""

import torch
from common import classifier, flat, original_repository

original_repository()
import net_plotter  # of the original repository
import projection

net, _, _ = classifier(dtype=torch.float32)
torch.manual_seed(123)
dx = flat(net_plotter.create_random_direction(net, "weights", "biasbn", "filter"))
dy = flat(net_plotter.create_random_direction(net, "weights", "biasbn", "filter"))

snapshot = 0.5 * dx + 0.25 * dy  # a network that lies in the plane, at (0.5, 0.25)
by_cosine = projection.project_2D(snapshot, dx, dy, "cos")
by_least_squares = projection.project_2D(snapshot, dx, dy, "lstsq")
print(f"‖dx‖ = {dx.norm():.3f}, ‖dy‖ = {dy.norm():.3f}; the snapshot is at (0.5, 0.25)")
print(f"'cos'   (what plot_trajectory.py uses): ({by_cosine[0]:.3f}, {by_cosine[1]:.3f})")
print(f"'lstsq' (there, but not reached by it): ({by_least_squares[0]:.3f}, {by_least_squares[1]:.3f})")
assert abs(by_cosine[0] - 0.5) > 0.2
assert abs(by_least_squares[0] - 0.5) < 1e-4 and abs(by_least_squares[1] - 0.25) < 1e-4
