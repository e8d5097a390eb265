"""The original repository's eigenvalue ratio, on Hessians whose eigenvalues are known.

`hess_vec_prod.min_max_hessian_eigs` runs ARPACK twice to a relative tolerance of 1e-2: once for the eigenvalue of
largest magnitude, λ_a, and once for the Hessian shifted by 0.51 λ_a. The second tolerance is relative to the
shifted value, about half of λ_max, so that an error of half a per cent of λ_max is allowed in λ_min. And where
λ_min > 0.02 λ_max the shifted eigenvalue of largest magnitude is λ_max again.
"""

import numpy as np
from common import NO_DATA, Quadratic, original_repository, output_is_loss

original_repository()
import hess_vec_prod  # of the original repository

RUNS = 20


def found(eigenvalues):
    """λ_min by the original in several runs (its start vector is ARPACK's, and not seeded), and products a run."""
    net = Quadratic(eigenvalues)
    runs = [hess_vec_prod.min_max_hessian_eigs(net, [NO_DATA], output_is_loss) for _ in range(RUNS)]
    return np.array([r[1] for r in runs]), runs[0][2]


def network_like(lowest):
    """Like a network's near a minimiser: ten outliers, a bulk above zero, and a tail that reaches below it."""
    bulk = 0.15 * (np.arange(2890) / 2890) ** 2
    below = lowest * (np.arange(1, 101) / 100) ** 2
    return np.concatenate([np.linspace(1.0, 10.0, 10), bulk, below])


print("3,000 eigenvalues, λ_max = 10, and 20 runs each")
print("true λ_min    found, mean (from .. to)          |λ_min/λ_max| true, found    products a run")
for lowest in (-0.002, -0.02, -0.2):
    truth = network_like(lowest)
    lambda_min, products = found(truth)
    print(
        f"{truth.min():<12.4f}  {lambda_min.mean():.5f} ({lambda_min.min():.5f} .. {lambda_min.max():.5f})"
        f"    {-lowest / 10:.4f}, {abs(lambda_min.mean()) / 10:.5f}        {products}"
    )
    if lowest == -0.002:
        assert lambda_min.mean() > 0.5 * lowest, "less than half of the negative curvature is found"
        assert products >= 40

# Strictly convex: the ratio is 0.1 and positive.
convex = np.linspace(1.0, 10.0, 200)
lambda_min, _ = found(convex)
print(f"eigenvalues 1 .. 10: true λ_min 1, found {lambda_min.mean():.3f}; "
      f"ratio 0.1, found {lambda_min.mean() / 10:.3f}")
assert lambda_min.min() > 9.0, "λ_max is returned as λ_min"
