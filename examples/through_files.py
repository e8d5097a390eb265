"""Evaluates a loss over the plane that `through_files.rs` wrote, with numpy alone; see there.

    python through_files.py FOLDER

Replace `loss` by your own model: it gets the tensors by name, and returns a number.
"""

import json
import pathlib
import sys

import numpy


def read_safetensors(path):
    """The tensors of a file by name: eight bytes with the length of a JSON header, the header, the numbers."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    types = {"F64": "<f8", "F32": "<f4"}
    tensors = {}
    for name, tensor in header.items():
        if name != "__metadata__":
            start, end = (8 + length + offset for offset in tensor["data_offsets"])
            tensors[name] = numpy.frombuffer(data[start:end], types[tensor["dtype"]]).reshape(tensor["shape"])
    return tensors


def loss(tensors, x, y):
    hidden = numpy.tanh(x @ tensors["fc1.weight"].T + tensors["fc1.bias"])
    logits = hidden @ tensors["fc2.weight"].T + tensors["fc2.bias"]
    logits -= logits.max(axis=1, keepdims=True)
    return (numpy.log(numpy.exp(logits).sum(axis=1)) - logits[numpy.arange(len(y)), y]).mean()


folder = pathlib.Path(sys.argv[1])
theta = read_safetensors(folder / "theta.safetensors")
both = read_safetensors(folder / "directions.safetensors")
y = numpy.fromfile(folder / "labels.u8", "u1")
x = numpy.fromfile(folder / "inputs.f64", "<f8").reshape(len(y), -1)

alpha, beta = numpy.linspace(-1, 1, 21), numpy.linspace(-1, 1, 21)
losses = numpy.empty((len(alpha), len(beta)))
for i, a in enumerate(alpha):
    for j, b in enumerate(beta):
        moved = {name: t + a * both["first." + name] + b * both["second." + name] for name, t in theta.items()}
        losses[i, j] = loss(moved, x, y)

# savez, not savez_compressed. The axes are `alpha` and `beta`; every other array of their shape is a channel.
numpy.savez(folder / "surface.npz", alpha=alpha, beta=beta, train_loss=losses)
print("computed", losses.size, "points; now: cargo run --release --example through_files -- draw")
