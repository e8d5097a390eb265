"""What the scripts share: small networks, exact Hessians, and the path to a checkout of the original repository."""

import os
import sys

# Before torch and numpy are imported: the scripts are small, and one thread makes their figures repeatable.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import nn


def original_repository():
    """Puts a checkout of tomgoldstein/loss-landscape on the import path and returns its folder.

    It is not a package and has no release, so the reader makes the checkout (see README.md) and names it in the
    environment variable ORIGINAL. The scripts end with status 77 ("skipped") where there is none.
    """
    folder = os.environ.get("ORIGINAL", "")
    if not os.path.exists(os.path.join(folder, "net_plotter.py")):
        print("skipped: set ORIGINAL to a checkout of tomgoldstein/loss-landscape")
        sys.exit(77)
    sys.path.insert(0, folder)
    return folder


class Quadratic(nn.Module):
    """A "network" whose loss is known in full: L(w) = ½ Σ hᵢ wᵢ², so that its Hessian is diag(h)."""

    def __init__(self, eigenvalues, dtype=torch.float32):
        super().__init__()
        self.register_buffer("h", torch.as_tensor(eigenvalues, dtype=dtype).reshape(-1, 1))
        # Two axes, since some tools leave out parameters with fewer.
        self.weight = nn.Parameter(torch.ones_like(self.h))

    def forward(self, _inputs):
        return 0.5 * (self.h * self.weight**2).sum()


def output_is_loss(output, _target):
    """The criterion that goes with a module which already returns its loss."""
    return output


NO_DATA = (torch.zeros(1, 1), torch.zeros(1))


def classifier(seed=0, bias=True, dtype=torch.float64):
    """A ReLU network 6-8-3 with a batch of 100 samples in three classes."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(6, 8, bias=bias), nn.ReLU(), nn.Linear(8, 3, bias=bias)).to(dtype)
    inputs = torch.randn(100, 6, dtype=dtype)
    targets = torch.randint(3, (100,))
    return net, inputs, targets


def dense_hessian(net, loss):
    """The Hessian of loss() in all parameters of the net, row by row."""
    parameters = list(net.parameters())
    gradient = torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss(), parameters, create_graph=True)])
    rows = [
        torch.cat([r.reshape(-1) for r in torch.autograd.grad(g, parameters, retain_graph=True)]) for g in gradient
    ]
    return torch.stack(rows).detach()


def flat(tensors):
    """A list of tensors as one vector."""
    return torch.cat([t.detach().reshape(-1) for t in tensors])


def cosine(a, b):
    return float(a @ b / (a.norm() * b.norm()))
