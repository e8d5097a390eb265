"""The eigenvalue ratio over a plane as the original repository finds it, and by this crate, in turns."""

import pathlib
import statistics
import subprocess
import time

import numpy as np
import torch
from safetensors.torch import load_file
from scipy.sparse.linalg import LinearOperator, eigsh

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIDE = 25
TOLERANCE = 0.005
ROUNDS = 1
NAMES = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]


def idx(name, header):
    return np.frombuffer((ROOT / "data/digits" / name).read_bytes()[header:], dtype=np.uint8)


def setup():
    """Minimiser a of the reference network, its plane and the digits, in float64."""
    labels = torch.tensor(idx("train-labels.idx1-ubyte", 8).astype(np.int64))
    images = torch.tensor(idx("train-images.idx3-ubyte", 16).reshape(len(labels), 64) / 16.0)
    file = load_file(ROOT / "tests/data/mlp_tanh.safetensors")
    parts = [file[f"minimiser_a.{name}"] for name in NAMES]
    theta = torch.cat([part.flatten() for part in parts])
    index = torch.arange(len(theta), dtype=torch.float64)
    directions = []
    for raw in (torch.sin(index + 1), torch.cos(2 * index + 1)):
        pieces = []
        for part, d in zip(parts, raw.split([part.numel() for part in parts])):
            d = d.reshape(part.shape)
            if d.dim() < 2:
                pieces.append(torch.zeros_like(d))
            else:
                pieces.append((d * part.norm(dim=1, keepdim=True) / (d.norm(dim=1, keepdim=True) + 1e-10)).flatten())
        directions.append(torch.cat(pieces))
    shapes = [part.shape for part in parts]

    def loss(flat):
        w1, b1, w2, b2 = (p.reshape(s) for p, s in zip(flat.split([s.numel() for s in shapes]), shapes))
        outputs = torch.tanh(images @ w1.T + b1) @ w2.T + b2
        return torch.nn.functional.cross_entropy(outputs, labels)

    axis = np.linspace(-1, 1, SIDE)
    points = [theta + a * directions[0] + b * directions[1] for a in axis for b in axis]
    return loss, points


def original(loss, theta, tolerance):
    """Two ARPACK runs: the largest magnitude, then that of the shifted operator (shift 0.51 λ)."""
    theta = theta.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(theta), theta, create_graph=True)
    count = 0

    def product(v):
        nonlocal count
        count += 1
        v = torch.tensor(v.ravel())
        return torch.autograd.grad(gradient, theta, v, retain_graph=True)[0].numpy()

    n = len(theta)
    operator = LinearOperator((n, n), matvec=product, dtype=np.float64)
    (first,) = eigsh(operator, k=1, which="LM", tol=tolerance, return_eigenvectors=False)
    shift = 0.51 * first
    shifted = LinearOperator((n, n), matvec=lambda v: product(v) - shift * v.ravel(), dtype=np.float64)
    (second,) = eigsh(shifted, k=1, which="LM", tol=tolerance, return_eigenvectors=False)
    second += shift
    low, high = (first, second) if first <= 0 < second else (second, first)
    return abs(low / high), count


def crate():
    """The true ratios (Lanczos to 1e-8; the tests hold it against dense spectra), and a row a way."""
    command = ["cargo", "bench", "--quiet", "--bench", "curvature", "--", "--map"]
    out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    exact, *rows = [[float(word) for word in line.split()] for line in out.splitlines()]
    return np.array(exact), rows


def main():
    torch.set_num_threads(2)
    torch.manual_seed(0)
    np.random.seed(0)
    loss, points = setup()
    exact, _ = crate()  # builds
    tolerances = [1e-2]
    runs = {tolerance: [] for tolerance in tolerances}
    ours = []
    for _ in range(ROUNDS):
        for tolerance in tolerances:
            started = time.perf_counter()
            found = [original(loss, theta, tolerance) for theta in points]
            seconds = time.perf_counter() - started
            errors = np.abs(np.array([ratio for ratio, _ in found]) - exact)
            products = np.mean([count for _, count in found])
            runs[tolerance].append((products, seconds, errors.max(), (errors > TOLERANCE).sum()))
        ours.append(crate()[1])
    print(f"{SIDE}×{SIDE} points, 64-16-10 tanh, 1,437 digits, float64, two threads; medians of {ROUNDS} turns")
    print(f"{'':<44}{'products':>9}{'seconds':>9}{'largest error':>15}{'outside 0.005':>15}")
    rows = [(f"two eigsh runs, tol {t:g}", runs[t]) for t in tolerances]
    labels = ["this crate, cold, confidence 0.999", "this crate, cold, confidence 0.99", "this crate, warm"]
    rows += [(label, [turn[row] for turn in ours]) for row, label in enumerate(labels)]
    for label, turns in rows:
        products, seconds, error, outside = (statistics.median(column) for column in zip(*turns))
        print(f"{label:<44}{products:>9.2f}{seconds:>9.2f}{error:>15.5f}{outside:>15.0f}")


if __name__ == "__main__":
    main()
