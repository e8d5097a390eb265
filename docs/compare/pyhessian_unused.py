"""PyHessian 0.1 (and its main branch): a parameter that the loss does not use.

Its gradient is put into the list as the number 0.0, and PyTorch refuses to differentiate a number.
"""

import torch
from common import classifier
from pyhessian import hessian
from torch import nn
from torch.nn.functional import cross_entropy


def outcome(net, data):
    try:
        return f"λ = {hessian(net, cross_entropy, data=data, cuda=False).eigenvalues()[0][0]:.3f}"
    except Exception as error:  # whatever it is, it is what the user sees
        return f"{type(error).__name__}: {error}"


net, *data = classifier(dtype=torch.float32)
print("a network:                   ", outcome(net, data))
net.other_head = nn.Linear(8, 2)
net.forward = lambda x: net[2](net[1](net[0](x)))
message = outcome(net, data)
print("with a layer that is not used:", message)
assert "Error" in message
