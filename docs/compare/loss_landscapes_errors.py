"""loss-landscapes: three calls that do not do what they say.

* Filter normalisation scales the direction of a bias to the norm of the bias, and then divides each entry by its own
  absolute value. A bias of zeros, as many networks start with, ends in a division by zero.
* Normalisation 'model' computes the norm of the direction anew after each tensor is scaled, so that every tensor gets
  a factor of its own.
* The metric LossGradient cannot run.
"""

import torch
from common import classifier, flat
from loss_landscapes import point, random_line
from loss_landscapes.metrics import Loss, LossGradient
from loss_landscapes.model_interface.model_parameters import ModelParameters, rand_u_like
from torch.nn.functional import cross_entropy


def outcome(call):
    try:
        return call()
    except Exception as error:  # whatever it is, it is what the user sees
        return f"{type(error).__name__}: {error}"


net, inputs, targets = classifier()
with torch.no_grad():
    net[0].bias.zero_()
message = outcome(lambda: random_line(net, Loss(cross_entropy, inputs, targets), steps=3, deepcopy_model=True))
print("random_line, filter normalisation, a bias of zeros:", message)
assert "ZeroDivisionError" in str(message)

net, inputs, targets = classifier()
weights = ModelParameters([p.detach() for p in net.parameters()])
torch.manual_seed(0)
direction = rand_u_like(weights)
before = [p.clone() for p in direction.parameters]
direction.model_normalize_(weights)
factors = [float((after / old).mean()) for after, old in zip(direction.parameters, before)]
expected = float(flat(weights.parameters).norm() / flat(before).norm())
print("model normalisation: the factors of the four tensors are", [f"{f:.3f}" for f in factors],
      f"and should all be {expected:.3f}")
assert max(factors) / min(factors) > 1.05

message = outcome(lambda: point(net, LossGradient(cross_entropy, inputs, targets)))
print("LossGradient:", message)
assert "Error" in str(message)
