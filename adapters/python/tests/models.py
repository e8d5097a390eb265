"""Networks and data of the tests: a residual network, a LeNet, a small GPT and an LSTM, over the digits; and whether a
module is what it was."""

from __future__ import annotations

import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

DIGITS = pathlib.Path(__file__).parents[3] / "crates/loss-landscape-nets/data/digits"


def _idx(name: str) -> np.ndarray:
    data = (DIGITS / name).read_bytes()
    dimensions = data[3]
    shape = np.frombuffer(data[4 : 4 + 4 * dimensions], ">u4")
    return np.frombuffer(data[4 + 4 * dimensions :], np.uint8).reshape(shape)


def digits(dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    """1,437 images of 8×8, and what they show."""
    images = torch.from_numpy(_idx("train-images.idx3-ubyte").astype(np.float64)).to(dtype)
    labels = torch.from_numpy(_idx("train-labels.idx1-ubyte").astype(np.int64))
    return (images / images.max()).unsqueeze(1), labels


def batches(x: torch.Tensor, y: torch.Tensor, size: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return list(zip(x.split(size), y.split(size)))


def accuracy(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return (output.argmax(-1) == target).double().mean()


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(inner + self.shortcut(x))


class ResNet20(nn.Module):
    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, width, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        blocks, inputs = [], width
        for stage, outputs in enumerate([width, 2 * width, 4 * width]):
            for number in range(3):
                blocks.append(Block(inputs, outputs, 2 if stage and not number else 1))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.linear = nn.Linear(inputs, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(F.relu(self.bn1(self.conv1(x))))
        return self.linear(x.mean((2, 3)))


class LeNet(nn.Module):
    """With dropout and batch normalisation, and a kink."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 12, 3), nn.ReLU()
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(48, 20), nn.Tanh(), nn.Linear(20, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(x))


class Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, 2, width // 2).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class GPT(nn.Module):
    """Two blocks, with the head tied to the embedding."""

    def __init__(self, tokens: int = 17, width: int = 16, length: int = 12, hidden: int = 32) -> None:
        super().__init__()
        self.embed = nn.Embedding(tokens, width)
        self.place = nn.Embedding(length, width)
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {
                    "norm1": nn.LayerNorm(width),
                    "attention": Attention(width),
                    "norm2": nn.LayerNorm(width),
                    "mlp": nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width)),
                }
            )
            for _ in range(2)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, tokens, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.embed(x) + self.place(torch.arange(x.shape[1], device=x.device))
        for block in self.blocks:
            h = h + block["attention"](block["norm1"](h))
            h = h + block["mlp"](block["norm2"](h))
        return self.head(self.norm(h))


class LSTM(nn.Module):
    """Reads the rows of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.out = nn.LSTM(8, 10, num_layers=2, batch_first=True), nn.Linear(10, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden, _ = self.lstm(x.squeeze(1))
        return self.out(hidden[:, -1])


def token_loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(output.flatten(0, 1), target.flatten())


def tokens(count: int = 40, length: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    text = torch.randint(0, 17, (count, length + 1), generator=generator)
    return text[:, :-1], text[:, 1:]


def trained(model: nn.Module, loss_fn, x: torch.Tensor, y: torch.Tensor, steps: int = 20, lr: float = 0.01):
    """A few steps of Adam, so that weights and batch statistics are no longer those of the start."""
    optimiser = torch.optim.Adam(model.parameters(), lr)
    model.train()
    for step in range(steps):
        start = 64 * step % (len(x) - 32)
        optimiser.zero_grad()
        loss_fn(model(x[start : start + 64]), y[start : start + 64]).backward()
        optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return model


def networks() -> dict:
    """Name: the network, its loss, its batches; in double precision."""
    x, y = digits()
    text = tokens()
    made = {}
    for name, network, loss_fn, data in [
        ("resnet20", lambda: ResNet20(4), F.cross_entropy, (x[:200], y[:200])),
        ("lenet", LeNet, nn.CrossEntropyLoss(), (x[:200], y[:200])),
        ("gpt", GPT, token_loss, text),
        ("lstm", LSTM, F.cross_entropy, (x[:200], y[:200])),
    ]:
        torch.manual_seed(3)
        model = trained(network().double(), loss_fn, *data)
        made[name] = (model, loss_fn, batches(*data, 64))
    return made


def small() -> dict:
    x, y = digits()
    x = F.avg_pool2d(x, 2)[:60]  # 4×4
    torch.manual_seed(4)
    mlp = nn.Sequential(nn.Flatten(), nn.Linear(16, 6), nn.Tanh(), nn.Linear(6, 10)).double()
    conv = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Tanh(), nn.Flatten(), nn.Dropout(0.3), nn.Linear(12, 10)
    ).double()
    gpt = GPT(5, 4, 6, hidden=6).double()
    text = tokens(20, 6)
    return {
        "mlp": (trained(mlp, F.cross_entropy, x, y[:60]), F.cross_entropy, batches(x, y[:60], 25)),
        "conv": (trained(conv, F.cross_entropy, x, y[:60]), F.cross_entropy, batches(x, y[:60], 25)),
        "gpt": (gpt, token_loss, batches(text[0] % 5, text[1] % 5, 8)),
    }


def state(model: nn.Module) -> dict:
    """Everything of a module that a sweep might leave behind."""
    return {
        "tensors": {
            name: (id(t), t.data_ptr(), t.dtype, t.device, t.requires_grad, t.detach().clone(), t.grad)
            for name, t in [*model.named_parameters(), *model.named_buffers()]
        },
        "plain": [
            {k: v for k, v in vars(m).items() if isinstance(v, (int, float, bool, str))} for m in model.modules()
        ],
        "generator": torch.get_rng_state(),
    }


def assert_same(before: dict, after: dict) -> None:
    assert before["plain"] == after["plain"] and torch.equal(before["generator"], after["generator"])
    assert before["tensors"].keys() == after["tensors"].keys()
    for name, was in before["tensors"].items():
        now = after["tensors"][name]
        assert was[:5] == now[:5], name
        assert was[5].numpy().tobytes() == now[5].numpy().tobytes(), name
        assert was[6] is now[6], name
