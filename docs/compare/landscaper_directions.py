"""Landscaper 1.3.1: the random directions that are called orthogonal, and the normalisation.

`generate_random_orthogonal_directions` subtracts ⟨r, d⟩ d without dividing by ‖d‖², about the number of parameters.
So the second direction is almost a multiple of the first. `normalize_direction` then gives each tensor of a
direction the norm √numel, whatever the norm of the weights; filters keep the shares that were drawn.
"""

import torch
from common import classifier, cosine, flat
from landscaper.compute import normalize_direction
from landscaper.utils import generate_random_orthogonal_directions

for size in (10, 100):
    net = torch.nn.Linear(size, size)
    cosines = []
    for seed in range(21):
        torch.manual_seed(seed)
        first, second = (flat(d) for d in generate_random_orthogonal_directions(net, 2))
        cosines.append(abs(cosine(first, second)))
    cosines = torch.tensor(cosines)
    print(f"{first.numel():6d} parameters, 21 seeds: |cosine| of the two 'orthogonal' directions, median "
          f"{cosines.median():.5f}, smallest {cosines.min():.3f}")
    assert cosines.median() > 0.98

net, _, _ = classifier()
weights = [p.detach() for p in net.parameters()]
torch.manual_seed(0)
direction = normalize_direction([torch.randn_like(w) for w in weights], weights)
by_filter = torch.stack([d.norm() / w.norm() for d, w in zip(direction[0], weights[0])])
print(f"‖d_f‖/‖θ_f‖ of the 8 filters after normalisation: {by_filter.min():.2f} .. {by_filter.max():.2f}; of the bias "
      f"{direction[1].norm() / weights[1].norm():.2f}")
assert by_filter.max() / by_filter.min() > 1.2
