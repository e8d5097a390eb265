"""The ends of the Hessian's spectrum beside trained ResNets, by PyTorch's products and ARPACK.

`python tests/pytorch/spectra.py` writes `tests/data/spectra.safetensors`, in float64:

    NAME.top3, NAME.bottom3 [3]    largest and smallest eigenvalues, ascending

NAME is `resnet20` or `resnet20_noshort`. The network is that of `tests/data/NAME.safetensors`, moved by 0.25 x - 0.25 y;
x is sin(i + 1) and y is cos(2 i + 1), i numbering the parameters without buffers, with every filter scaled to the norm of
the network's and parameters of rank 1 left where they are. The loss is the mean cross-entropy, in evaluation mode, of the
first 64 training digits, whose inputs are (v/16 - 0.3053)/0.3762 in float32.
"""

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from scipy.sparse.linalg import LinearOperator, eigsh

from networks import DATA, ResNet

SAMPLES = 64


def digits(count):
    folder = DATA.parents[1] / "data" / "digits"
    images = np.frombuffer((folder / "train-images.idx3-ubyte").read_bytes()[16:], np.uint8).reshape(-1, 1, 8, 8)
    labels = np.frombuffer((folder / "train-labels.idx1-ubyte").read_bytes()[8:], np.uint8)
    pixels = torch.from_numpy(images[:count].copy()).float() / 16
    return ((pixels - 0.3053) / 0.3762).double(), torch.from_numpy(labels[:count].astype(np.int64))


def normalized(raw, parameter):
    if parameter.dim() == 1:
        return torch.zeros_like(parameter)
    rows, filters = raw.flatten(1), parameter.flatten(1)
    factors = filters.norm(dim=1, keepdim=True) / (rows.norm(dim=1, keepdim=True) + 1e-10)
    return (factors * rows).view_as(parameter)


def ends(name, samples):
    net = ResNet(3, channels=1, skips=name == "resnet20").double()
    weights = {key: value.double() for key, value in load_file(DATA / f"{name}.safetensors").items()}
    net.load_state_dict(weights, strict=False)
    net.eval()
    parameters = list(net.parameters())
    counts = [p.numel() for p in parameters]
    i = torch.arange(sum(counts), dtype=torch.float64)
    with torch.no_grad():
        for p, x, y in zip(parameters, torch.sin(i + 1).split(counts), torch.cos(2 * i + 1).split(counts)):
            p += 0.25 * normalized(x.view_as(p), p) - 0.25 * normalized(y.view_as(p), p)
    images, labels = digits(samples)
    loss = F.cross_entropy(net(images), labels)
    gradient = torch.cat([g.flatten() for g in torch.autograd.grad(loss, parameters, create_graph=True)])

    def product(v):
        found = torch.autograd.grad(gradient, parameters, torch.from_numpy(v), retain_graph=True)
        return torch.cat([g.flatten() for g in found]).numpy()

    hessian = LinearOperator((sum(counts),) * 2, matvec=product, dtype=np.float64)
    return [np.sort(eigsh(hessian, 3, which=which, tol=1e-12, return_eigenvectors=False)) for which in ("LA", "SA")]


if __name__ == "__main__":
    tensors = {}
    for name in ("resnet20", "resnet20_noshort"):
        top, bottom = ends(name, SAMPLES)
        tensors[f"{name}.top3"], tensors[f"{name}.bottom3"] = torch.from_numpy(top), torch.from_numpy(bottom)
        print(name, top, bottom)
    save_file(tensors, DATA / "spectra.safetensors")
