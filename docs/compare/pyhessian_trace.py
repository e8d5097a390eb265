"""PyHessian 0.1: how many probes does trace() take, and how right is it?

It stops when the mean of the probes changes by less than `tol` (0.1 %) relative to itself. The release forgets the
absolute value in the denominator, so that a negative mean stops it at the second probe; the main branch has it.
And in both, the mean moves little whenever a probe happens to be near it: the rule says nothing about the error. The
probes are returned, so that a standard error can be computed from them.
"""

import numpy as np
import torch
from common import NO_DATA, Quadratic, output_is_loss
from pyhessian import hessian


class Dense(Quadratic):
    """L(w) = ½ wᵀ A w for a full symmetric A, so that probes differ."""

    def __init__(self, matrix):
        super().__init__(torch.zeros(matrix.shape[0]), dtype=torch.float64)
        self.register_buffer("matrix", matrix)

    def forward(self, _inputs):
        return 0.5 * (self.weight * (self.matrix @ self.weight)).sum()


def with_trace(trace, n=60, seed=0):
    """A random symmetric matrix with the given trace."""
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(n, n, generator=generator, dtype=torch.float64)
    a = (a + a.T) / 2
    return a + torch.eye(n, dtype=torch.float64) * (trace - a.trace()) / n


def runs(matrix, count=100):
    torch.manual_seed(0)
    tool = hessian(Dense(matrix), output_is_loss, data=NO_DATA, cuda=False)
    probes = [tool.trace() for _ in range(count)]
    return np.array([len(p) for p in probes]), np.array([np.mean(p) for p in probes])


for trace in (100.0, -100.0):
    taken, found = runs(with_trace(trace))
    error = np.sqrt(np.mean((found - trace) ** 2)) / abs(trace)
    print(f"trace {trace:6.1f}: probes, median {np.median(taken):.0f} (from {taken.min()} to {taken.max()}); "
          f"root mean square error {100 * error:.0f} %")
    if trace < 0:
        assert np.median(taken) == 2
    else:
        assert error > 0.05, "fifty times the tolerance of 0.1 %"
