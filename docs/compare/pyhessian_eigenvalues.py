"""PyHessian 0.1 (and its main branch): the top eigenvalue by power iteration.

It stops when the Rayleigh quotient changes by less than 0.1 % from one iteration to the next, or after 100
iterations, and says neither which nor with what residual. The quotient moves slowly where the largest eigenvalues
are close together, and where −λ_min is close to λ_max it need not be near any eigenvalue at all.
"""

import torch
from common import NO_DATA, Quadratic, output_is_loss
from pyhessian import hessian

CLUSTERED = "0 .. 10, evenly"
BOTH_SIGNS = "10, −9.9 and a bulk in −1 .. 1"
CASES = {
    "10 and a bulk in 0 .. 1": torch.cat([torch.tensor([10.0]), torch.linspace(0, 1, 199)]),
    CLUSTERED: torch.linspace(0, 10, 200),
    BOTH_SIGNS: torch.cat([torch.tensor([10.0, -9.9]), torch.linspace(-1, 1, 198)]),
}
for name, spectrum in CASES.items():
    found = []
    for seed in range(20):
        tool = hessian(Quadratic(spectrum), output_is_loss, data=NO_DATA, cuda=False)
        torch.manual_seed(seed)
        found.append(tool.eigenvalues()[0][0])
    found = torch.tensor(found)
    print(f"200 eigenvalues, {name}: found {found.min():.3f} .. {found.max():.3f} in 20 runs; true 10")
    if name == BOTH_SIGNS:
        assert found.min() < 5.0
    elif name == CLUSTERED:
        assert found.max() < 9.95
    else:
        assert (found - 10).abs().max() < 0.05
