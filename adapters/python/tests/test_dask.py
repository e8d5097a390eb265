"""The program of the guide's chapter on Dask, in processes of its own, of which one is killed."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("distributed", reason="dask.distributed is not installed: the guide's program for Dask is not run")

import loss_landscape as ll  # noqa: E402

GUIDE = pathlib.Path(__file__).parents[3] / "docs/guide/src/dask.md"
POINTS, SHARDS = 81, 8

# What the program calls the user's own. Every evaluation is counted, and one process, once, is killed at its seventh:
# two at θ before the first point, four points, and one that is lost.
TRAINING = """
import os, signal
import torch

calls = 0

def make_model():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(6, 9), torch.nn.Tanh(), torch.nn.Linear(9, 4))

def make_loader():
    generator = torch.Generator().manual_seed(2)
    return (torch.randn(50, 6, generator=generator), torch.randint(4, (50,), generator=generator))

def loss_fn(output, target):
    global calls
    calls += 1
    with open("calls", "a") as file:
        file.write("%d\\n" % os.getpid())
    if calls == 7 and os.path.exists("kill_one"):
        try:
            os.remove("kill_one")
        except FileNotFoundError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    return torch.nn.functional.cross_entropy(output, target)
"""


def start(folder: pathlib.Path, *arguments: str) -> int:
    """Runs Python there; returns how many evaluations it took."""
    calls = folder / "calls"
    calls.unlink(missing_ok=True)
    ended = subprocess.run([sys.executable, *arguments], cwd=folder, timeout=300, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return len(calls.read_text().split())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_shards_in_workers_of_which_one_is_killed_are_the_surface_of_one_process(tmp_path):
    (program,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    small = program.replace("-1, 1, 51", "-1, 1, 9")
    assert small.count("-1, 1, 9") == 2 and f"SHARDS = {SHARDS} " in small
    (tmp_path / "landscape.py").write_text(small)
    (tmp_path / "training.py").write_text(TRAINING)

    alone = start(tmp_path, "-c", "import landscape; landscape.sweep(journal='one.journal').save('one.npz')")
    at_theta = alone - POINTS

    (tmp_path / "kill_one").touch()
    dealt = start(tmp_path, "landscape.py")
    assert not (tmp_path / "kill_one").exists()
    # The one that was killed looked at θ for nothing, and lost one point.
    assert dealt == POINTS + (SHARDS + 1) * at_theta + 1

    one, many = ll.load(tmp_path / "one.npz"), ll.load(tmp_path / "surface.npz")
    assert many.complete and many["loss"].tobytes() == one["loss"].tobytes()
    journals = [tmp_path / f"shards/{k}.journal" for k in range(SHARDS)]
    assert ll.merge_journals(journals, tmp_path / "all.journal") == (POINTS, POINTS)

    again = start(tmp_path, "landscape.py")
    assert again <= SHARDS * at_theta, "nothing was left to do"
    assert ll.load(tmp_path / "surface.npz") == many
