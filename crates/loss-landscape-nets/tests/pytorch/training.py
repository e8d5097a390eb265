"""What PyTorch's optimisers and BN statistics do to a ResNet-8, for tests.

`python tests/pytorch/training.py` writes `tests/data/training.safetensors`, all in float64. The network is
ResNet-8 (n = 1) on 1x8x8 with ten classes, and theta, inputs, labels and q are those of `networks.py` at gain
1; inputs and labels are numbered on over all steps and batches.

Five steps in training mode (BN momentum 0.1), 24 new images each, from the same theta, mean cross-entropy:

    nesterov    SGD, lr 0.1, momentum 0.9, Nesterov, weight decay 5e-4
    momentum    SGD, lr 0.1, momentum 0.9, weight decay 5e-4
    adam        Adam, lr 1e-3, weight decay 5e-4 added to the gradient

    RUN.losses [5]          each before its step
    RUN.blocks [blocks]     after the steps, the inner product of every block of theta with q, buffers included
    nesterov.step1.running_mean, .running_var [16]    of bn1 after one step

BN statistics estimated anew for the first theta, as SWA does (momentum=None): the mean over consecutive batches
of 16, 16 and 8 of the first 40 images, each batch counting the same, of their mean and unbiased variance:

    restat.blocks [blocks]  inner products of theta with them, with q; trainable blocks as they were
    restat.loss [1]         evaluation mode, all 40 images
    metadata names          JSON: [name, shape] of the blocks in order
"""

import json

import torch
import torch.nn.functional as F
from networks import DATA, ResNet, blocks, blockwise, fill, images, labels
from safetensors.torch import save_file

STEPS, BATCH = 5, 24
Q = 4 * 10**9
SGD = {"lr": 0.1, "momentum": 0.9, "weight_decay": 5e-4}
RUNS = {
    "nesterov": lambda parameters: torch.optim.SGD(parameters, nesterov=True, **SGD),
    "momentum": lambda parameters: torch.optim.SGD(parameters, **SGD),
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=1e-3, weight_decay=5e-4),
}


def fresh():
    net = ResNet(1, channels=1)
    fill(net)
    return net.train()


def train(optimiser_of):
    """Losses, the network after the steps, and bn1's statistics after the first."""
    net = fresh()
    optimiser = optimiser_of(net.parameters())
    losses, first = [], None
    for step in range(STEPS):
        inputs = images((BATCH, 1, 8, 8), start=step * BATCH * 64)
        loss = F.cross_entropy(net(inputs), labels(BATCH, 10, start=step * BATCH))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        first = first or (net.bn1.running_mean.clone(), net.bn1.running_var.clone())
    return torch.tensor(losses), net, first


def restat():
    """The network with new statistics, and its loss."""
    net = fresh()
    inputs, targets = images((40, 1, 8, 8)), labels(40, 10)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    with torch.no_grad():
        for batch in inputs.split(16):
            net(batch)
        return net, F.cross_entropy(net.eval()(inputs), targets)


def main():
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    tensors = {}
    for name, optimiser in RUNS.items():
        losses, net, (mean, var) = train(optimiser)
        print(f"{name:<10}", *(f"{loss:.6f}" for loss in losses.tolist()))
        tensors[f"{name}.losses"] = losses
        tensors[f"{name}.blocks"] = blockwise(net, Q, dict(blocks(net)))
        if name == "nesterov":
            tensors |= {"nesterov.step1.running_mean": mean, "nesterov.step1.running_var": var}
    net, loss = restat()
    print(f"{'restat':<10} {loss.item():.6f}")
    tensors["restat.blocks"] = blockwise(net, Q, dict(blocks(net)))
    tensors["restat.loss"] = loss.reshape(1)
    assert all(t.isfinite().all() for t in tensors.values())
    names = json.dumps([[name, list(t.shape)] for name, t in blocks(net)], separators=(",", ":"))
    save_file(tensors, DATA / "training.safetensors", {"names": names})


if __name__ == "__main__":
    main()
