"""Runs the Python programs of docs/guide/src/pytorch.md, one after the other in one namespace, in a folder of their own.

    python docs/guide/check_python.py

Needs numpy, torch and safetensors. A small data set stands in for yours, and a small npz file for a surface.
"""

import os
import pathlib
import re
import tempfile

import numpy
import torch
from safetensors import safe_open

page = pathlib.Path(__file__).with_name("src") / "pytorch.md"
blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
assert len(blocks) == 4, f"{len(blocks)} programs in {page}"

with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    train_set = torch.utils.data.TensorDataset(torch.rand(20, 1, 8, 8), torch.arange(20) % 10)
    numpy.savez("surface.npz", alpha=numpy.zeros(3))
    names = {"train_set": train_set}
    for number, block in enumerate(blocks):
        if "net(x)" in block:
            names["x"] = names["x"].flatten(1)
        exec(compile(block, f"{page}, program {number + 1}", "exec"), names)

    with safe_open("net.safetensors", "np") as file:
        shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}
    expected = {"fc1.weight": [16, 64], "fc1.bias": [16], "fc2.weight": [10, 16], "fc2.bias": [10]}
    assert shapes == expected, shapes
    assert os.path.getsize("inputs.f32") == 20 * 64 * 4 and os.path.getsize("labels.u8") == 20
    os.chdir("/")
print("the Python programs of the guide run")
