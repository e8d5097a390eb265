"""A transformer of three million parameters by PyTorch and by this crate, in turns.

    transformer.py [--work loss|gradient|hvp] [--rounds 3] [--python-only]

float32, two threads each: a grid point (parameters set in place, then all sequences in inference mode), a gradient, and an
exact Hessian product by differentiating the gradient. PyTorch gets the batch that is fastest for it, and for losses and
gradients its fused attention (`scaled_dot_product_attention`), which has no second derivative. The crate's half is
`cargo bench --bench transformer -- --raw WORK`.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/pytorch"))
import gpt  # noqa: E402

SEQUENCES, LENGTH, VOCABULARY = 64, 128, 65
WANTED = {"loss": (1.0, 1.5), "gradient": (1.0, 1.5), "hvp": (2.0, 4.0)}


def fused(self, x):
    n, length, width = x.shape
    parts = self.c_attn(x).split(width, dim=2)
    q, k, v = (part.view(n, length, self.heads, -1).transpose(1, 2) for part in parts)
    y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return self.c_proj(y.transpose(1, 2).reshape(n, length, width))


class Runner:
    def __init__(self, work, batch):
        torch.manual_seed(0)
        self.net = gpt.GPT(VOCABULARY, LENGTH, 256, 8, 4)
        for p in self.net.parameters():
            torch.nn.init.normal_(p, std=0.02)
        for name, p in self.net.named_parameters():
            if ".ln_" in name and name.endswith("weight"):
                torch.nn.init.ones_(p)
        self.work = getattr(self, work)
        text = torch.randint(VOCABULARY, (SEQUENCES, LENGTH + 1))
        self.batches = list(zip(text[:, :-1].split(batch), text[:, 1:].split(batch)))
        self.parameters = list(self.net.parameters())
        self.theta = [p.detach().clone() for p in self.parameters]
        self.d1, self.d2, self.v = ([torch.randn_like(p) * 0.01 for p in self.theta] for _ in range(3))
        self.at = 0

    def part(self, x, y):
        return F.cross_entropy(self.net(x).flatten(0, 1), y.flatten(), reduction="sum") / (SEQUENCES * LENGTH)

    def loss(self):
        self.at += 1
        with torch.inference_mode():
            a, b = 0.01 * self.at, -0.02 * self.at
            for p, t, d1, d2 in zip(self.parameters, self.theta, self.d1, self.d2):
                torch.add(t, d1, alpha=a, out=p).add_(d2, alpha=b)
            return sum(self.part(x, y).item() for x, y in self.batches)

    def gradient(self):
        for p in self.parameters:
            p.grad = None
        for x, y in self.batches:
            self.part(x, y).backward()

    def hvp(self):
        total = None
        for x, y in self.batches:
            gradient = torch.autograd.grad(self.part(x, y), self.parameters, create_graph=True)
            part = torch.autograd.grad(gradient, self.parameters, self.v)
            total = part if total is None else torch._foreach_add(total, part)
        return total

    def seconds(self, most=5, room=2.0):
        self.work()
        runs = []
        while len(runs) < most and sum(runs) < room:
            started = time.perf_counter()
            self.work()
            runs.append(time.perf_counter() - started)
        return statistics.median(runs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", choices=WANTED)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python-only", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(2)
    if not options.python_only:
        subprocess.run(["cargo", "bench", "--quiet", "--bench", "transformer", "--no-run"], cwd=ROOT, check=True)
    written_out = gpt.Attention.forward
    print(f"PyTorch {torch.__version__}, two threads; seconds, medians of {options.rounds} turns")
    print(f"{'work':<10}{'PyTorch':>9}{'crate':>9}{'ratio':>7}{'must':>6}{'goal':>6}  PyTorch's batch")
    for work, (must, goal) in WANTED.items():
        if options.work not in (None, work):
            continue
        gpt.Attention.forward = written_out if work == "hvp" else fused
        runners = {batch: Runner(work, batch) for batch in (2, 8, 32, SEQUENCES)}
        batch = min(runners, key=lambda batch: runners[batch].seconds(2, 1.0))
        python, ours = [], []
        for _ in range(options.rounds):
            python.append(runners[batch].seconds())
            if not options.python_only:
                command = ["cargo", "bench", "--quiet", "--bench", "transformer", "--", "--raw", work]
                out = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
                ours.append(float(out))
        row = f"{work:<10}{statistics.median(python):>9.4f}"
        if ours:
            ratio = statistics.median(p / c for p, c in zip(python, ours))
            row += f"{statistics.median(ours):>9.4f}{ratio:>7.2f}"
        else:
            row += f"{'':>16}"
        print(f"{row}{must:>6}{goal:>6}  {batch}", flush=True)


if __name__ == "__main__":
    main()
