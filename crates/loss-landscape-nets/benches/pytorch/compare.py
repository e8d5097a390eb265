"""A grid point by PyTorch and the package loss-landscapes, and by this crate, in turns."""

import pathlib
import statistics
import subprocess
import time

import torch
from loss_landscapes import random_plane
from loss_landscapes.metrics import Loss

ROUNDS = 5
STEPS = 12  # 144 points a round for Python
CASES = [
    ("784-256-10 ReLU, 2,048 samples", (784, 256, 10), torch.nn.ReLU, 2048),
    ("784-256-10 tanh, 2,048 samples", (784, 256, 10), torch.nn.Tanh, 2048),
    ("64-64-10 ReLU, 1,437 samples", (64, 64, 10), torch.nn.ReLU, 1437),
    ("64-64-10 tanh, 1,437 samples", (64, 64, 10), torch.nn.Tanh, 1437),
]


def python_point(sizes, activation, samples):
    """Milliseconds a point of the package's own sweep."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(sizes[0], sizes[1]), activation(), torch.nn.Linear(sizes[1], sizes[2])
    )
    net.eval()
    inputs = torch.rand(samples, sizes[0])
    labels = torch.randint(sizes[2], (samples,))
    metric = Loss(torch.nn.CrossEntropyLoss(), inputs, labels)
    with torch.no_grad():
        random_plane(net, metric, distance=1, steps=3, normalization="filter")
        started = time.perf_counter()
        random_plane(net, metric, distance=1, steps=STEPS, normalization="filter")
    return (time.perf_counter() - started) * 1e3 / STEPS**2


def crate_points(root):
    """Milliseconds a point of the crate, one for each case."""
    command = ["cargo", "bench", "--quiet", "--bench", "mlp", "--", "--per-point"]
    out = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout
    return [float(word) for word in out.split()]


def main():
    torch.set_num_threads(2)
    root = pathlib.Path(__file__).resolve().parents[2]
    crate_points(root)  # builds
    python, crate = [], []
    for _ in range(ROUNDS):
        python.append([python_point(*case[1:]) for case in CASES])
        crate.append(crate_points(root))
    print(f"PyTorch {torch.__version__}, two threads; milliseconds a point, medians of {ROUNDS} turns")
    print(f"{'network':<34}{'Python':>9}{'crate':>9}{'ratio':>8}")
    for index, case in enumerate(CASES):
        p, c = [row[index] for row in python], [row[index] for row in crate]
        ratio = statistics.median(a / b for a, b in zip(p, c))
        print(f"{case[0]:<34}{statistics.median(p):>9.3f}{statistics.median(c):>9.4f}{ratio:>8.1f}")


if __name__ == "__main__":
    main()
