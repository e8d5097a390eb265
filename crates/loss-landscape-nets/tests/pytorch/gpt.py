"""Decoder-only transformers with GPT-2's shapes and names in PyTorch, and what it answers for them.

`python tests/pytorch/gpt.py` writes `tests/data/gpt.safetensors`: losses, and for every block the inner products of
gradient, Hessian product, and Gauss-Newton product that `networks.py` lists, of parameters and vectors made as it says.
Token j of all sequences, row by row, is splitmix64(5 * 10^9 + j) mod vocabulary, its target
splitmix64(3 * 10^9 + j) mod vocabulary; where there is a mask, target j counts unless splitmix64(6 * 10^9 + j) mod 3 is 0.
`CASE.sequences` are the losses of single sequences: the sums over their targets that count, times the number of
sequences over that of all targets that count.
"""

import json
import math

import numpy as np
import torch
import torch.nn.functional as F
from networks import DATA, blocks, blockwise, fill, splitmix64
from safetensors.torch import save_file
from torch import nn


class Conv1D(nn.Module):
    """As in Hugging Face's transformers: a linear layer whose weight is [inputs, outputs]."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.empty(outputs))

    def forward(self, x):
        return x @ self.weight + self.bias


class Attention(nn.Module):
    def __init__(self, width, heads, causal):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.c_attn = Conv1D(width, 3 * width)
        self.c_proj = Conv1D(width, width)

    def forward(self, x):
        n, length, width = x.shape
        parts = self.c_attn(x).split(width, dim=2)
        q, k, v = (part.view(n, length, self.heads, -1).transpose(1, 2) for part in parts)
        scores = q @ k.transpose(2, 3) / math.sqrt(width // self.heads)
        if self.causal:
            seen = torch.tril(torch.ones(length, length, dtype=torch.bool))
            scores = scores.masked_fill(~seen, float("-inf"))
        y = scores.softmax(3) @ v
        return self.c_proj(y.transpose(1, 2).reshape(n, length, width))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.c_fc = Conv1D(width, 4 * width)
        self.c_proj = Conv1D(4 * width, width)

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, width, heads, causal):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads, causal)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = Mlp(width)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, vocabulary, positions, width, heads, layers, causal):
        super().__init__()
        self.wte = nn.Embedding(vocabulary, width)
        self.wpe = nn.Embedding(positions, width)
        self.h = nn.ModuleList([Block(width, heads, causal) for _ in range(layers)])
        self.ln_f = nn.LayerNorm(width)

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        for block in self.h:
            x = block(x)
        return self.ln_f(x)


class GPT(nn.Module):
    def __init__(self, vocabulary, positions, width, heads, layers, tied=True, causal=True):
        super().__init__()
        self.transformer = Transformer(vocabulary, positions, width, heads, layers, causal)
        if not tied:
            self.lm_head = nn.Linear(width, vocabulary, bias=False)
        self.tied = tied

    def forward(self, tokens):
        x = self.transformer(tokens)
        return F.linear(x, self.transformer.wte.weight) if self.tied else self.lm_head(x)


def numbers(start, shape, modulus):
    found = (splitmix64(start, math.prod(shape)) % np.uint64(modulus)).astype(np.int64)
    return torch.from_numpy(found).reshape(shape)


def answers(net, sequences, length, vocabulary, masked):
    tokens = numbers(5 * 10**9, (sequences, length), vocabulary)
    targets = numbers(3 * 10**9, (sequences, length), vocabulary)
    counted = torch.ones(sequences, length, dtype=torch.bool)
    if masked:
        counted = numbers(6 * 10**9, (sequences, length), 3) != 0
    names = [name for name, _ in net.named_parameters()]
    parameters = list(net.parameters())
    logits = net(tokens)
    each = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view(sequences, length)
    loss = each[counted].mean()
    gradient = torch.autograd.grad(loss, parameters, create_graph=True)
    v = {name: part for (name, _), part in zip(blocks(net), blockwise(net, 2 * 10**9))}
    vectors = [v[name] for name in names]
    hvp = torch.autograd.grad(gradient, parameters, vectors, retain_graph=True)
    # G v = J' (d2 loss / dz2) J v, J v by differentiating the vector-Jacobian product twice.
    back = torch.zeros_like(logits, requires_grad=True)
    pulled = torch.autograd.grad(logits, parameters, back, create_graph=True)
    pushed = torch.autograd.grad(pulled, back, vectors, retain_graph=True)[0]
    p = logits.softmax(2)
    curved = p * (pushed - (p * pushed).sum(2, keepdim=True)) * counted[..., None] / counted.sum()
    gauss_newton = torch.autograd.grad(logits, parameters, curved.detach())
    found = {
        "loss": loss.reshape(1),
        "accuracy": (logits.argmax(2) == targets)[counted].double().mean().reshape(1),
        "sequences": (each * counted).sum(1) * sequences / counted.sum(),
        "count": torch.tensor([sum(t.numel() for _, t in blocks(net))], dtype=torch.float64),
    }
    for key, parts in [("gradient", gradient), ("hvp", hvp), ("gauss_newton", gauss_newton)]:
        found[f"blocks_{key}"] = blockwise(net, 4 * 10**9, dict(zip(names, parts)))
    return {key: t.detach().contiguous() for key, t in found.items()}


# Name; vocabulary, positions, width, heads, layers; the rest of the shape; sequences, their length; whether masked; gain.
CASES = [
    ("small", (13, 12, 12, 3, 2), {}, 5, 9, False, 1.0),
    ("free", (11, 7, 8, 2, 1), {"tied": False, "causal": False}, 40, 7, False, 1.0),
    ("masked", (17, 24, 20, 4, 3), {}, 13, 21, True, 1.0),
    ("millions", (65, 128, 208, 8, 6), {}, 3, 128, False, 1.0),
]


def main():
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    tensors, metadata = {}, {}
    for case, shape, rest, sequences, length, masked, gain in CASES:
        net = GPT(*shape, **rest).eval()
        with torch.no_grad():
            fill(net, gain)
        found = answers(net, sequences, length, shape[0], masked)
        assert all(t.isfinite().all() for t in found.values()), case
        tensors |= {f"{case}.{key}": t for key, t in found.items()}
        names = [[name, list(t.shape)] for name, t in blocks(net)]
        metadata[f"{case}.names"] = json.dumps(names, separators=(",", ":"))
        print(f"{case:<10}loss {found['loss'].item():.6g}, {int(found['count'].item())} parameters", flush=True)
    save_file(tensors, DATA / "gpt.safetensors", metadata)


if __name__ == "__main__":
    main()
