"""nngeom 0.2.0: find_low_loss_path in more than a few dimensions.

It moves the control point of a Bézier curve by `0.1 · ‖θ_b − θ_a‖ · N(0, I)` and keeps what lowers the maximum. The
length of such a step grows with √n: in 1,000 dimensions it is three times the distance between the two models, in
a million a hundred times. The loss below has a circular valley through both models, in the plane of the first two
coordinates, and rises slowly in all others.
"""

import nngeom
import numpy as np


def model(n, angle):
    point = np.zeros(n)
    point[:2] = np.cos(angle), np.sin(angle)
    valley = lambda p, _: float((np.hypot(p["w"][0], p["w"][1]) - 1) ** 2 + 0.1 * np.sum(p["w"][2:] ** 2))
    return nngeom.Model.from_function({"w": point}, valley)


def search(n):
    results = [nngeom.find_low_loss_path(model(n, 0.0), model(n, 2.0), None, seed=s) for s in range(10)]
    return results[0]["straight_barrier"], np.array([r["curved_barrier"] for r in results])


print("dimensions    barrier of the line    of the path found, 10 seeds: best, median")
for n in (2, 10, 100, 1000, 10000):
    line, found = search(n)
    print(f"{n:10d}    {line:.4f}                 {found.min():.4f}, {np.median(found):.4f}")
    if n == 2:
        assert np.median(found) < 0.3 * line
    if n >= 1000:
        # The curve that it starts from has its control point in the middle: the line itself.
        assert np.allclose(found, line)
