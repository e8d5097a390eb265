"""hessian-eigenthings 1.0.0a5: the mean over batches of different sizes.

`HessianOperator` averages the products of the batches without regard to how many samples they have. With 100 samples
in batches of 80 and 20, each sample of the second counts four times as much as one of the first, and the operator is
the Hessian of another loss than the mean over the samples. Batches of one size avoid it. The default,
`full_dataset=True`, is what is used here.
"""

import torch
from common import classifier, dense_hessian
from hessian_eigenthings import HessianOperator, lanczos, supervised_loss
from torch.nn.functional import cross_entropy

net, inputs, targets = classifier()
exact = dense_hessian(net, lambda: cross_entropy(net(inputs), targets))


def matrix(batch_size):
    data = list(zip(inputs.split(batch_size), targets.split(batch_size)))
    operator = HessianOperator(net, data, supervised_loss(cross_entropy))
    return torch.stack([operator.matvec(e) for e in torch.eye(operator.size, dtype=torch.float64)]), operator


for batch_size in (100, 50, 80):
    theirs, operator = matrix(batch_size)
    error = float((theirs - exact).norm() / exact.norm())
    top = lanczos(operator, k=1, max_iter=40, which="LA", seed=0).eigenvalues[0]
    print(f"batches of {batch_size:3d}: ‖operator − Hessian of the mean loss‖ / ‖Hessian‖ = {error:.1e}, "
          f"λ_max {top:.5f}")
    assert (error < 1e-12) == (batch_size != 80)
    if batch_size == 80:
        assert error > 0.05
