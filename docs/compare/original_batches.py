"""The original repository's Hessian-vector product over several batches.

`hess_vec_prod.eval_hess_vec_prod` adds up the products of the batches, each of them that of the batch's mean loss,
and divides by nothing. So its eigenvalues grow with the number of batches, and the samples of a smaller last batch
count for more than others. |λ_min/λ_max| does not notice the first, but it does the second.
"""

import torch
from common import classifier, dense_hessian, flat, original_repository
from torch.nn.functional import cross_entropy

original_repository()
import hess_vec_prod  # of the original repository

net, inputs, targets = classifier(bias=False, dtype=torch.float32)
batches = list(zip(inputs.split(80), targets.split(80)))  # 80 samples, and 20
exact = dense_hessian(net, lambda: cross_entropy(net(inputs), targets)).double()

columns = []
for i in range(exact.shape[0]):
    vector = torch.zeros(exact.shape[0])
    vector[i] = 1.0
    parts = [v.view_as(p) for v, p in zip(vector.split([p.numel() for p in net.parameters()]), net.parameters())]
    hess_vec_prod.eval_hess_vec_prod(parts, list(net.parameters()), net, cross_entropy, batches)
    columns.append(flat([p.grad for p in net.parameters()]).double())
theirs = torch.stack(columns)

mean, summed = torch.linalg.eigvalsh(exact), torch.linalg.eigvalsh(theirs)
print(f"Hessian of the mean loss of 100 samples: λ_min {mean[0]:.5f}, λ_max {mean[-1]:.5f}, "
      f"ratio {-mean[0] / mean[-1]:.5f}")
print(f"original, batches of 80 and 20 samples:  λ_min {summed[0]:.5f}, λ_max {summed[-1]:.5f}, "
      f"ratio {-summed[0] / summed[-1]:.5f}")
weighted = sum(
    dense_hessian(net, lambda x=x, y=y: cross_entropy(net(x), y)).double() for x, y in batches
)
print(f"difference from the sum of the two batches' Hessians: {(theirs - weighted).abs().max():.1e}")
assert (theirs - weighted).abs().max() < 1e-5
assert summed[-1] > 1.5 * mean[-1]
relative = abs(float(summed[0] / summed[-1]) / float(mean[0] / mean[-1]) - 1.0)
print(f"the ratio is off by {100 * relative:.1f} %")
assert relative > 0.01
