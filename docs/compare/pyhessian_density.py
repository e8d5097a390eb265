"""PyHessian 0.1, the release on the package index: density() calls torch.eig, which PyTorch removed in 1.13.

The repository's main branch calls torch.linalg.eig instead, and has no release with it.
"""

import torch
from common import classifier
from pyhessian import hessian
from torch.nn.functional import cross_entropy

net, inputs, targets = classifier(dtype=torch.float32)
tool = hessian(net, cross_entropy, data=(inputs, targets), cuda=False)
try:
    tool.density(iter=10)
    message = "ran"
except Exception as error:  # whatever it is, it is what the user sees
    message = f"{type(error).__name__}: {str(error).splitlines()[0]}"
print(f"PyTorch {torch.__version__.split('+')[0]}, density():", message)
assert message != "ran"
