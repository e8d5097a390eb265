"""The paper's networks in PyTorch, with the original repository's names, and what PyTorch answers for them.

`python tests/pytorch/networks.py` writes `tests/data/networks.safetensors`, all in float64:

    CASE.logits [N, classes], CASE.loss [1]    evaluation mode, BN eps 1e-5, mean cross-entropy
    CASE.blocks_gradient, CASE.blocks_hvp      for every block the inner product of its part of the gradient,
                                               or of the Hessian's product with v, with q; 0 for buffers
    CASE.count [2]                             trainable parameters, length of theta
    CASE.gain [1]                              the factor on the weights, see below
    metadata CASE.names                        JSON: [name, shape] of the blocks in order

Blocks are the entries of the state dict without num_batches_tracked; theta is all of them, flattened, with
running_mean and running_var, and i numbers it 0, 1, ... Everything is made by an integer hash,
u(i) = (splitmix64(i) >> 11) * 2^-53 in [0, 1), with r = 2u - 1:

    weights of convolutions, Linear    gain * r(i) * sqrt(6 / fan_in)
    their biases                       0.1 * r(i)
    BN weight, running_var             0.5 + u(i)
    BN bias, running_mean              0.2 * r(i)
    inputs, element j of [N, C, H, W]  r(10^9 + j)
    v                                  r(2 * 10^9 + i), zero at buffers
    label of sample n                  splitmix64(3 * 10^9 + n) mod classes
    q                                  r(4 * 10^9 + i)

The gain is 1 but for the deep ResNets with skips. Evaluation-mode BN does not normalise what a random theta
makes: at gain 1 the outputs of ResNet-110 reach 1e7, where the softmax has no curvature left to compare.
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"


def conv3x3(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, skips):
        super().__init__()
        self.conv1 = conv3x3(inputs, outputs, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = conv3x3(outputs, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        if not skips:
            self.shortcut = None
        elif stride == 1 and inputs == outputs:
            self.shortcut = nn.Identity()
        else:
            projection = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        if self.shortcut is not None:
            y = y + self.shortcut(x)
        return F.relu(y, inplace=True)


class ResNet(nn.Module):
    """ResNet-(6n+2) for CIFAR, k times as wide; skips=False leaves the additions out (`noshort`)."""

    def __init__(self, n, k=1, channels=3, classes=10, skips=True):
        super().__init__()
        widths = [16 * k, 16 * k, 32 * k, 64 * k]
        self.conv1 = conv3x3(channels, widths[0])
        self.bn1 = nn.BatchNorm2d(widths[0])
        for layer in (1, 2, 3):
            blocks = [
                BasicBlock(widths[layer - (i == 0)], widths[layer], 2 if layer > 1 and i == 0 else 1, skips)
                for i in range(n)
            ]
            setattr(self, f"layer{layer}", nn.Sequential(*blocks))
        self.linear = nn.Linear(widths[3], classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


class VGG9(nn.Module):
    def __init__(self, channels=3, size=32, classes=10):
        super().__init__()
        layers = []
        for width in (64, 64, "M", 128, 128, "M", 256, 256, 256, "M"):
            if width == "M":
                layers.append(nn.MaxPool2d(2, 2, ceil_mode=True))
                size = (size + 1) // 2
            else:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
                channels = width
        self.features = nn.Sequential(*layers)
        self.fc = nn.Sequential(nn.Linear(256 * size**2, 256), nn.BatchNorm1d(256), nn.ReLU(inplace=True))
        self.classifier = nn.Linear(256, classes)

    def forward(self, x):
        return self.classifier(self.fc(self.features(x).flatten(1)))


class Bottleneck(nn.Module):
    def __init__(self, channels, growth):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = conv3x3(4 * growth, growth)

    def forward(self, x):
        y = self.conv1(F.relu(self.bn1(x), inplace=True))
        y = self.conv2(F.relu(self.bn2(y), inplace=True))
        return torch.cat([y, x], 1)


class Transition(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.bn = nn.BatchNorm2d(inputs)
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x):
        return F.avg_pool2d(self.conv(F.relu(self.bn(x), inplace=True)), 2)


class DenseNet121(nn.Module):
    def __init__(self, channels=3, classes=10, growth=32):
        super().__init__()
        width = 2 * growth
        self.conv1 = conv3x3(channels, width)
        for stage, blocks in enumerate((6, 12, 24, 16), 1):
            dense = [Bottleneck(width + growth * i, growth) for i in range(blocks)]
            setattr(self, f"dense{stage}", nn.Sequential(*dense))
            width += growth * blocks
            if stage < 4:
                setattr(self, f"trans{stage}", Transition(width, width // 2))
                width //= 2
        self.bn = nn.BatchNorm2d(width)
        self.linear = nn.Linear(width, classes)

    def forward(self, x):
        x = self.trans1(self.dense1(self.conv1(x)))
        x = self.trans2(self.dense2(x))
        x = self.trans3(self.dense3(x))
        x = F.relu(self.bn(self.dense4(x)), inplace=True)
        return self.linear(x.mean((2, 3)))


class Odd(nn.Module):
    """Made up, to exercise everything, on 2x11x9: 11x9, 6x5 after c2, 2x2 after the first pool, 1x1."""

    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(2, 5, 5, padding=2)
        self.c2 = conv3x3(5, 6, stride=2)
        self.b2 = nn.BatchNorm2d(6)
        self.p = nn.Conv2d(6, 3, 1)
        self.s1 = nn.Conv2d(9, 9, 3, padding=1)
        self.s2 = nn.Conv2d(9, 9, 1, bias=False)
        self.b3 = nn.BatchNorm2d(9)
        self.out = nn.Linear(9, 4)

    def forward(self, x):
        x = self.b2(self.c2(torch.tanh(self.c1(x))))
        x = F.max_pool2d(x, 3, 2)
        x = torch.cat([F.relu(self.p(x)), x], 1)
        x = x + self.s2(torch.tanh(self.s1(x)))
        x = F.relu(self.b3(F.avg_pool2d(x, 2, 1)))
        return self.out(x.flatten(1))


def splitmix64(start, count):
    z = np.arange(start, start + count, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def unit(start, count):
    return torch.from_numpy((splitmix64(start, count) >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def signed(start, shape):
    return (2 * unit(start, math.prod(shape)) - 1).reshape(shape)


def images(shape, start=0):
    return signed(10**9 + start, shape)


def labels(count, classes, start=0):
    return torch.from_numpy((splitmix64(3 * 10**9 + start, count) % np.uint64(classes)).astype(np.int64))


def blocks(net):
    """Name and tensor of every entry of theta, in order; the tensors are the network's own."""
    return [(name, t) for name, t in net.state_dict().items() if not name.endswith("num_batches_tracked")]


def fill(net, gain=1.0):
    """Sets theta."""
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)
    norms = {name for name, m in net.named_modules() if isinstance(m, kinds)}
    start = 0
    for name, t in blocks(net):
        u = unit(start, t.numel()).reshape(t.shape)
        r = 2 * u - 1
        module, kind = name.rsplit(".", 1)
        if kind == "running_var" or (kind == "weight" and module in norms):
            t.copy_(0.5 + u)
        elif kind == "running_mean" or module in norms:
            t.copy_(0.2 * r)
        elif kind == "weight":
            t.copy_(gain * r * math.sqrt(6 / math.prod(t.shape[1:])))
        else:
            t.copy_(0.1 * r)
        start += t.numel()


def blockwise(net, base, parts=None):
    """r(base + i) over theta, as a tensor a block; with parts, their inner products with it."""
    start, found = 0, []
    for name, t in blocks(net):
        r = signed(base + start, t.shape)
        if parts is None:
            found.append(r)
        else:
            found.append((r * parts[name]).sum() if name in parts else torch.tensor(0.0, dtype=torch.float64))
        start += t.numel()
    return found if parts is None else torch.stack(found)


# Name, network, input shape with the number of samples, classes, gain.
CASES = [
    ("resnet20", lambda: ResNet(3), (2, 3, 32, 32), 10, 1.0),
    ("resnet20_noshort", lambda: ResNet(3, skips=False), (2, 3, 32, 32), 10, 1.0),
    ("resnet56", lambda: ResNet(9, channels=1), (20, 1, 8, 8), 10, 0.5),
    ("resnet56_noshort", lambda: ResNet(9, channels=1, skips=False), (20, 1, 8, 8), 10, 1.0),
    ("resnet110", lambda: ResNet(18, channels=1), (3, 1, 8, 8), 10, 0.5),
    ("wrn56_2", lambda: ResNet(9, 2, channels=1), (3, 1, 8, 8), 10, 0.5),
    ("wrn56_2_noshort", lambda: ResNet(9, 2, channels=1, skips=False), (3, 1, 8, 8), 10, 1.0),
    ("wrn20_4", lambda: ResNet(3, 4), (2, 3, 32, 32), 10, 1.0),
    ("wrn20_4_small", lambda: ResNet(3, 4), (2, 3, 16, 16), 10, 1.0),
    ("vgg9", lambda: VGG9(), (2, 3, 32, 32), 10, 1.0),
    ("densenet121", lambda: DenseNet121(), (2, 3, 32, 32), 10, 1.0),
    ("densenet121_small", lambda: DenseNet121(), (2, 3, 16, 16), 10, 1.0),
    ("odd", lambda: Odd(), (37, 2, 11, 9), 4, 1.0),
]


def answers(net, shape, classes):
    inputs, targets = images(shape), labels(shape[0], classes)
    names = [name for name, _ in net.named_parameters()]
    parameters = list(net.parameters())
    logits = net(inputs)
    loss = F.cross_entropy(logits, targets)
    gradient = torch.autograd.grad(loss, parameters, create_graph=True)
    v = {name: part for (name, _), part in zip(blocks(net), blockwise(net, 2 * 10**9))}
    hvp = torch.autograd.grad(gradient, parameters, [v[name] for name in names])
    found = {"logits": logits, "loss": loss.reshape(1)}
    found["blocks_gradient"] = blockwise(net, 4 * 10**9, dict(zip(names, gradient)))
    found["blocks_hvp"] = blockwise(net, 4 * 10**9, dict(zip(names, hvp)))
    total = sum(t.numel() for _, t in blocks(net))
    found["count"] = torch.tensor([sum(p.numel() for p in parameters), total], dtype=torch.float64)
    return {key: t.detach().contiguous() for key, t in found.items()}


def check_counts():
    """The numbers of parameters of the original networks: 3x32x32, 10 classes."""
    expected = [
        (ResNet(3), 272474),
        (ResNet(9), 855770),
        (ResNet(18), 1730714),
        (ResNet(3, skips=False), 269722),
        (ResNet(9, skips=False), 853018),
        (ResNet(18, skips=False), 1727962),
        (VGG9(), 2789706),
    ]
    for net, count in expected:
        assert sum(p.numel() for p in net.parameters()) == count, (type(net), count)


def main():
    torch.set_num_threads(1)
    check_counts()
    torch.set_default_dtype(torch.float64)
    tensors, metadata = {}, {}
    print(f"{'case':<18}{'gain':>6}{'loss':>12}{'largest logit':>15}{'parameters':>12}{'theta':>10}{'blocks':>8}")
    for case, build, shape, classes, gain in CASES:
        net = build().eval()
        fill(net, gain)
        found = answers(net, shape, classes)
        assert all(t.isfinite().all() for t in found.values()), case
        found["gain"] = torch.tensor([gain])
        tensors |= {f"{case}.{key}": t for key, t in found.items()}
        names = [[name, list(t.shape)] for name, t in blocks(net)]
        metadata[f"{case}.names"] = json.dumps(names, separators=(",", ":"))
        loss, count, top = found["loss"].item(), found["count"].long().tolist(), found["logits"].abs().max().item()
        print(f"{case:<18}{gain:>6}{loss:>12.5g}{top:>15.4g}{count[0]:>12}{count[1]:>10}{len(names):>8}", flush=True)
    save_file(tensors, DATA / "networks.safetensors", metadata)


if __name__ == "__main__":
    main()
