"""The programs of the README and of the guide's chapter run as they stand."""

from __future__ import annotations

import pathlib
import re

import pytest

torch = pytest.importorskip("torch")

from models import LeNet, accuracy, batches, digits, trained  # noqa: E402

import loss_landscape as ll  # noqa: E402

# More of them wait for each other on a machine that has other work.
torch.set_num_threads(1)

ADAPTER = pathlib.Path(__file__).parents[1]
GUIDE = ADAPTER.parents[1] / "docs/guide/src/python.md"


def programs(page: pathlib.Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def names() -> dict:
    x, y = digits(torch.float32)
    torch.manual_seed(0)
    model, other = (trained(LeNet(), torch.nn.functional.cross_entropy, x, y, 10) for _ in range(2))

    def train():
        for epoch in range(4):
            trained(model, torch.nn.functional.cross_entropy, x, y, 5)
            yield epoch

    loader = batches(x[:64], y[:64], 64)
    return {
        "model": model,
        "other": other,
        "loss_fn": torch.nn.CrossEntropyLoss(),
        "loader": loader,
        "train": train,
        "accuracy": accuracy,
    }


def small(text: str) -> str:
    """The same program with fewer points."""
    return re.sub(r", (51|25)\)", ", 5)", text.replace(', device="cuda"', ""))


def test_the_guide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = names()
    for number, program in enumerate(programs(GUIDE)):
        exec(compile(small(program), f"{GUIDE}, program {number + 1}", "exec"), found)
    assert {path.name for path in tmp_path.iterdir()} == {
        "run.journal",
        "surface.svg",
        "surface.html",
        "ratios.svg",
        "minima.svg",
        "persistence.svg",
        "sampled.svg",
        "path.svg",
    }


def test_the_readme(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = programs(ADAPTER / "README.md")
    found = names()
    exec(compile(small(first), "README.md", "exec"), found)
    assert (tmp_path / "ratios.svg").exists() and found["surface"].channels == ["loss", "accuracy"]
    import numpy as np

    theta = np.ones(3)
    mine = {"theta": theta, "loss": lambda t: float(t @ t), "gradient": lambda t: 2 * t, "layout": ll.Layout.flat(3)}
    exec(compile(second, "README.md", "exec"), {"ll": ll, **mine})
