"""nngeom 0.2.0: the loss is that of evaluation mode, its derivatives are those of the mode that the module is in.

`Model.loss` calls `eval()`; `Model.gradient` and `Model.hvp` do not. For a module in training mode (as modules are
made) with dropout or batch normalisation, slices and curvature are then of two different functions, and the
curvature changes from call to call with dropout. Calling `eval()` oneself avoids it.
"""

import nngeom
import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)).double()
batch = torch.randn(100, 6).double(), torch.randint(3, (100,))
model = nngeom.Model(net, loss_fn=lambda m, b: cross_entropy(m(b[0]), b[1]))
direction = np.random.default_rng(0).standard_normal(model.num_parameters)

losses = [model.loss(batch) for _ in range(3)]
curvatures = [direction @ model.hvp(batch, direction) for _ in range(3)]
net.eval()
settled = direction @ model.hvp(batch, direction)
print("a module with dropout, in training mode as it was made")
print("loss, three calls:  ", " ".join(f"{x:.4f}" for x in losses))
print("dᵀHd, three calls:  ", " ".join(f"{x:.4f}" for x in curvatures))
print("dᵀHd after eval():  ", f"{settled:.4f}")
assert len(set(losses)) == 1 and len(set(curvatures)) == 3
