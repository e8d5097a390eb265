"""The original repository's rule for directions, entry by entry. Nothing here is a defect; porting needs it."""

import torch
from common import classifier, cosine, flat, original_repository
from torch import nn

original_repository()
import net_plotter  # of the original repository

net, _, _ = classifier(dtype=torch.float32)
weights = [p.data for p in net.parameters()]


def drawn(norm, ignore):
    torch.manual_seed(123)
    return net_plotter.create_random_direction(net, "weights", ignore, norm)


direction = drawn("filter", "biasbn")
ratios = torch.stack([d.norm() / w.norm() for d, w in zip(direction[0], weights[0])])
print(f"'filter', 'biasbn': ‖d_f‖/‖θ_f‖ of the 8 filters {ratios.min():.6f} .. {ratios.max():.6f}; "
      f"bias {direction[1].abs().max():.1f}")
assert (ratios - 1).abs().max() < 1e-6 and not direction[1].any()

kept = drawn("filter", "")
same = bool((kept[1] == weights[1]).all())
print("'filter', '' (nothing ignored, the default): the direction of a bias is the bias itself:", same)
assert torch.equal(kept[1], weights[1])

unnormalised = drawn("", "")
print(f"'', '' (both defaults): ‖d‖/‖θ‖ of the first weight {unnormalised[0].norm() / weights[0].norm():.2f}: as drawn")
assert abs(unnormalised[0].norm() / weights[0].norm() - 1) > 0.5

first = flat(net_plotter.create_random_direction(net, "weights", "biasbn", "filter"))
second = flat(net_plotter.create_random_direction(net, "weights", "biasbn", "filter"))
print(f"cosine of two directions {cosine(first, second):.4f}: not made orthogonal")
assert abs(cosine(first, second)) > 1e-4

# Axis 0 is the output channel of Linear and Conv2d. It is the input channel of a transposed convolution.
transposed = nn.ConvTranspose2d(2, 5, 3, bias=False)
(d,) = net_plotter.create_random_direction(transposed, "weights", "biasbn", "filter")
w = transposed.weight.data
by_output = torch.stack([d[:, k].norm() / w[:, k].norm() for k in range(5)])
print(f"ConvTranspose2d: ‖d_f‖/‖θ_f‖ by output channel {by_output.min():.3f} .. {by_output.max():.3f}: "
      "the filters are taken along the input channels")
assert by_output.max() - by_output.min() > 0.05
zero = nn.Linear(3, 2, bias=False)
zero.weight.data[0] = 0.0
(d,) = net_plotter.create_random_direction(zero, "weights", "biasbn", "filter")
print("a filter of zeros stands still:", d[0].tolist())
