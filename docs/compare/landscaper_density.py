"""Landscaper 1.3.1: the weights of the spectral density.

Stochastic Lanczos quadrature weighs each Ritz value by the squared first component of its eigenvector: one number a
Ritz value, and they add up to 1. `PyHessian.density` of Landscaper returns the squares of all components, a matrix
for each run, and complex eigenvalues.
"""

import contextlib
import io

import numpy as np
import torch
from common import classifier
from landscaper.hessian import PyHessian
from torch.nn.functional import cross_entropy

net, inputs, targets = classifier(dtype=torch.float32)
torch.manual_seed(0)
with contextlib.redirect_stdout(io.StringIO()):
    tool = PyHessian(net, cross_entropy, [(inputs, targets)], "cpu")
values, weights = tool.density(iter=10, n_v=1)
values, weights = np.array(values), np.array(weights)
print(f"10 Lanczos steps, one run: Ritz values {values.shape} {values.dtype}, weights {weights.shape} {weights.dtype}")
print(f"sum of the weights of the run: {weights.sum().real:.3f}, should be 1")
assert weights.shape == (1, 10, 10) and np.iscomplexobj(values)
assert abs(weights.sum() - 10) < 1e-3
