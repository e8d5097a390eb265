"""Pieces that the paper's networks have not, in small networks of PyTorch, and what it answers for them.

`python tests/pytorch/pieces.py` writes `tests/data/pieces.safetensors`: the tensors that `networks.py` lists, of
parameters, inputs, labels and vectors that are made as it says.
"""

import json

import torch
import torch.nn.functional as F
from networks import DATA, answers, blocks, fill
from safetensors.torch import save_file
from torch import nn


class BasicBlock(nn.Module):
    """As in torchvision's ResNet-18 and ResNet-34, names too."""

    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Stem(nn.Module):
    """The stem of torchvision's ResNets, with a block of each kind after it."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.layer1 = nn.Sequential(BasicBlock(8, 8))
        self.layer2 = nn.Sequential(BasicBlock(8, 12, 2))
        self.fc = nn.Linear(12, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(self.layer2(self.layer1(x)).mean((2, 3)))


class Pools(nn.Module):
    """Padded pools of negative values too, on 2x13x10: 7x5, 4x3, 3x2, 1x1."""

    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(2, 5, 3, padding=1)
        self.c2 = nn.Conv2d(5, 6, 3, padding=1)
        self.out = nn.Linear(6, 4)

    def forward(self, x):
        x = F.avg_pool2d(torch.tanh(self.c1(x)), 3, 2, 1)
        x = F.avg_pool2d(torch.tanh(self.c2(x)), 3, 2, 1, count_include_pad=False)
        x = F.max_pool2d(x, 2, 2, 1, ceil_mode=True)
        return self.out(F.max_pool2d(x, 5, 3, 2).flatten(1))


class Swish(nn.Module):
    def __init__(self):
        super().__init__()
        self.beta = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x * torch.sigmoid(self.beta * x)


class Swishes(nn.Module):
    """What users write as layers of their own: at once, in a skip, before a normalisation, at the end."""

    def __init__(self):
        super().__init__()
        self.a1 = Swish()
        self.c1 = nn.Conv2d(2, 6, 3, padding=1)
        self.a2 = Swish()
        self.b1 = nn.BatchNorm2d(6)
        self.c2 = nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.a3 = Swish()
        self.fc = nn.Linear(6, 4)
        self.a4 = Swish()

    def forward(self, x):
        x = F.relu(self.b1(self.a2(self.c1(self.a1(x)))))
        x = F.relu(self.a3(self.c2(x)) + x)
        return self.a4(self.fc(x.mean((2, 3))))


class Convs(nn.Module):
    """Kernels, strides, paddings and dilations of two numbers, and groups, on 4x11x14."""

    def __init__(self):
        super().__init__()
        self.c1 = nn.Conv2d(4, 6, 7, padding=3, groups=2)
        self.c2 = nn.Conv2d(6, 6, (1, 7), stride=(1, 2), padding=(0, 3))
        self.c3 = nn.Conv2d(6, 9, 3, padding=1, groups=3, bias=False)
        self.b3 = nn.BatchNorm2d(9)
        self.c4 = nn.Conv2d(9, 8, 3, padding=2, dilation=2)
        self.c5 = nn.Conv2d(8, 10, (5, 3), stride=(2, 1), padding=(3, 1), dilation=(2, 1), groups=2, bias=False)
        self.b5 = nn.BatchNorm2d(10)
        self.out = nn.Linear(10, 4)

    def forward(self, x):
        x = torch.tanh(self.c2(torch.tanh(self.c1(x))))
        x = torch.tanh(self.c4(F.relu(self.b3(self.c3(x)))))
        return self.out(F.relu(self.b5(self.c5(x))).mean((2, 3)))


class InvertedResidual(nn.Module):
    """As in MobileNetV2: 1x1, depthwise, 1x1 without activation."""

    def __init__(self, inputs, hidden, outputs, stride):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(inputs, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, 3, stride=stride, padding=1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.skip = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.skip else self.conv(x)


class Depthwise(nn.Module):
    """Depthwise convolutions, at once with two outputs for each channel, and in inverted residuals."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1, groups=3)
        self.blocks = nn.Sequential(InvertedResidual(6, 18, 6, 1), InvertedResidual(6, 18, 8, 2))
        self.fc = nn.Linear(8, 4)

    def forward(self, x):
        return self.fc(self.blocks(torch.tanh(self.stem(x))).mean((2, 3)))


# Name, network, input shape with the number of samples, classes.
CASES = [
    ("stem", Stem, (21, 3, 21, 26), 10),
    ("pools", Pools, (19, 2, 13, 10), 4),
    ("swishes", Swishes, (19, 2, 5, 6), 4),
    ("convs", Convs, (19, 4, 11, 14), 4),
    ("depthwise", Depthwise, (35, 3, 7, 9), 4),
]


def main():
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    tensors, metadata = {}, {}
    for case, build, shape, classes in CASES:
        net = build().eval()
        fill(net)
        found = answers(net, shape, classes)
        assert all(t.isfinite().all() for t in found.values()), case
        found["gain"] = torch.tensor([1.0])
        tensors |= {f"{case}.{key}": t for key, t in found.items()}
        names = [[name, list(t.shape)] for name, t in blocks(net)]
        metadata[f"{case}.names"] = json.dumps(names, separators=(",", ":"))
        print(f"{case:<12}loss {found['loss'].item():.5g}, {len(names)} blocks")
    save_file(tensors, DATA / "pieces.safetensors", metadata)


if __name__ == "__main__":
    main()
