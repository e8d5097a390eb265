"""Networks of torchvision and timm, and layers that came with them, in PyTorch, and what it answers for them.

`python tests/pytorch/zoo.py` writes `tests/data/zoo.safetensors`: the tensors that `networks.py` lists, of parameters,
inputs, labels and vectors that are made as it says. The classes have the names of torchvision's `resnet.py` and `vgg.py`
and of timm's `mlp_mixer.py`. Of the large networks there are names and shapes alone.
"""

import json

import torch
import torch.nn.functional as F
from networks import DATA, answers, blocks, fill
from pieces import BasicBlock
from safetensors.torch import save_file
from torch import nn


class Bottleneck(nn.Module):
    """As in torchvision's ResNet-50, -101 and -152: the stride is in the 3x3 convolution."""

    expansion = 4

    def __init__(self, inputs, width, stride=1):
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, block, counts, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for stage, count in enumerate(counts):
            width = 64 << stage
            made = []
            for i in range(count):
                made.append(block(inputs, width, 2 if stage > 0 and i == 0 else 1))
                inputs = width * getattr(block, "expansion", 1)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*made))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


class VGG(nn.Module):
    def __init__(self, counts, normalised, hidden, classes):
        super().__init__()
        layers, inputs = [], 3
        for count, width in zip(counts, (64, 128, 256, 512, 512)):
            for _ in range(count):
                layers.append(nn.Conv2d(inputs, width, 3, padding=1))
                if normalised:
                    layers.append(nn.BatchNorm2d(width))
                layers.append(nn.ReLU())
                inputs = width
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, hidden),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(hidden, classes),
        )

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class MixerBlock(nn.Module):
    def __init__(self, patches, width, of_patches, of_channels):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.mlp_tokens = Mlp(patches, of_patches)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp_channels = Mlp(width, of_channels)

    def forward(self, x):
        x = x + self.mlp_tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.mlp_channels(self.norm2(x))


class Patches(nn.Module):
    def __init__(self, patch, width):
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, stride=patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class MlpMixer(nn.Module):
    def __init__(self, patch, patches, width, depth, of_patches, of_channels, classes):
        super().__init__()
        self.stem = Patches(patch, width)
        self.blocks = nn.Sequential(*[MixerBlock(patches, width, of_patches, of_channels) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.stem(x))).mean(1))


class Norms(nn.Module):
    """Normalisations within samples, both GELUs, pools to so many pixels, on 4x9x7."""

    def __init__(self):
        super().__init__()
        self.n0 = nn.GroupNorm(2, 4)
        self.c1 = nn.Conv2d(4, 6, 3, padding=1)
        self.n1 = nn.GroupNorm(3, 6)
        self.c2 = nn.Conv2d(6, 8, 3, stride=2, padding=1, bias=False)
        self.n2 = nn.GroupNorm(1, 8)
        self.c3 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.n3 = nn.GroupNorm(8, 8)
        self.p = nn.Linear(8, 5, bias=False)
        self.n4 = nn.LayerNorm(5)
        self.fc1 = nn.Linear(30, 7)
        self.n5 = nn.LayerNorm(7)
        self.fc2 = nn.Linear(7, 4)

    def forward(self, x):
        x = F.gelu(self.n1(self.c1(self.n0(x))))
        x = F.relu(self.n2(self.c2(x)))
        x = x + F.gelu(self.n3(self.c3(x)), approximate="tanh")
        x = F.adaptive_avg_pool2d(x, (7, 3))
        x = F.adaptive_avg_pool2d(x, (3, 2)).permute(0, 2, 3, 1)
        x = self.n4(self.p(x)).permute(0, 3, 1, 2)
        return self.fc2(F.gelu(self.n5(self.fc1(x.flatten(1)))))


# Name, network, input shape with the number of samples, classes, gain.
CASES = [
    ("resnet18", lambda: ResNet(BasicBlock, (2, 2, 2, 2), 10), (2, 3, 32, 32), 10, 0.5),
    ("vgg16_bn", lambda: VGG((2, 2, 3, 3, 3), True, 32, 10), (2, 3, 32, 32), 10, 1.0),
    ("vgg11", lambda: VGG((1, 1, 2, 2, 2), False, 16, 10), (1, 3, 64, 96), 10, 1.0),
    ("mixer", lambda: MlpMixer(4, 12, 24, 2, 10, 40, 5), (19, 3, 16, 12), 5, 1.0),
    ("norms", Norms, (19, 4, 9, 7), 4, 1.0),
]

# Names and shapes alone.
NAMES = [
    ("resnet34", lambda: ResNet(BasicBlock, (3, 4, 6, 3), 1000)),
    ("resnet50", lambda: ResNet(Bottleneck, (3, 4, 6, 3), 1000)),
    ("resnet101", lambda: ResNet(Bottleneck, (3, 4, 23, 3), 1000)),
    ("vgg13", lambda: VGG((2, 2, 2, 2, 2), False, 4096, 1000)),
    ("vgg19_bn", lambda: VGG((2, 2, 4, 4, 4), True, 4096, 1000)),
]


def names_of(net):
    return json.dumps([[name, list(t.shape)] for name, t in blocks(net)], separators=(",", ":"))


def main():
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    tensors, metadata = {}, {}
    for case, build, shape, classes, gain in CASES:
        net = build().eval()
        fill(net, gain)
        found = answers(net, shape, classes)
        assert all(t.isfinite().all() for t in found.values()), case
        found["gain"] = torch.tensor([gain])
        tensors |= {f"{case}.{key}": t for key, t in found.items()}
        metadata[f"{case}.names"] = names_of(net)
        top = found["logits"].abs().max().item()
        print(f"{case:<12}loss {found['loss'].item():.5g}, largest logit {top:.4g}", flush=True)
    with torch.device("meta"):
        for case, build in NAMES:
            metadata[f"{case}.names"] = names_of(build())
    save_file(tensors, DATA / "zoo.safetensors", metadata)


if __name__ == "__main__":
    main()
