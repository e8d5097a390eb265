"""The paper's networks by PyTorch and by this crate, in turns: a grid point, a gradient, a Hessian product.

    networks.py [--only CASE] [--work loss|gradient|hvp] [--rounds 3] [--python-only]

float32, evaluation mode, mean cross-entropy, two threads each. PyTorch gets the memory format and the batch
that are fastest for it, tried once for each case and work. `loss` is one grid point: parameters set in place
to theta + a*d1 + b*d2, then all data in inference mode; BN cannot be fused, for theta changes at every point.
`hvp` is exact, by differentiating the gradient. The crate's half is `cargo bench --bench networks -- --raw
CASE WORK`, which prints the seconds of one unit of work.
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
import zoo  # noqa: E402
from networks import VGG9, DenseNet121, ResNet  # noqa: E402

SECONDS = 2.0  # repeats of a turn go on for as long
ALL = ("loss", "gradient", "hvp")
# Network, image shape, images, works.
CASES = {
    "resnet20-cifar": (lambda: ResNet(3), (3, 32, 32), 1024, ALL),
    "resnet56-cifar": (lambda: ResNet(9), (3, 32, 32), 1024, ALL),
    "resnet20-digits": (lambda: ResNet(3, channels=1), (1, 8, 8), 1437, ALL),
    "resnet56-digits": (lambda: ResNet(9, channels=1), (1, 8, 8), 1437, ALL),
    "vgg9": (lambda: VGG9(), (3, 32, 32), 256, ("loss",)),
    "wrn56-4": (lambda: ResNet(9, 4), (3, 32, 32), 256, ("loss",)),
    "resnet18-cifar": (lambda: zoo.ResNet(zoo.BasicBlock, (2, 2, 2, 2), 10), (3, 32, 32), 1024, ALL),
    "densenet121": (lambda: DenseNet121(), (3, 32, 32), 256, ("loss",)),
}


class Runner:
    """One unit of work on one network, with the memory format and the batch given."""

    def __init__(self, case, work, layout, batch):
        build, shape, count, _ = CASES[case]
        torch.manual_seed(0)
        self.net = build().eval().to(memory_format=layout)
        self.work = getattr(self, work)
        self.count = count
        images = torch.rand(count, *shape)
        labels = torch.randint(10, (count,))
        self.batches = [
            (part.contiguous(memory_format=layout), targets)
            for part, targets in zip(images.split(batch), labels.split(batch))
        ]
        self.parameters = list(self.net.parameters())
        self.theta = [p.detach().clone() for p in self.parameters]
        self.d1, self.d2, self.v = ([torch.randn_like(p) * 0.01 for p in self.theta] for _ in range(3))
        self.at = 0

    def loss(self, batches):
        self.at += 1
        with torch.inference_mode():
            a, b = 0.01 * self.at, -0.02 * self.at
            for p, t, d1, d2 in zip(self.parameters, self.theta, self.d1, self.d2):
                torch.add(t, d1, alpha=a, out=p).add_(d2, alpha=b)
            parts = [F.cross_entropy(self.net(x), y, reduction="sum").item() for x, y in batches]
            return sum(parts) / self.count

    def gradient(self, batches):
        for p in self.parameters:
            p.grad = None
        for x, y in batches:
            (F.cross_entropy(self.net(x), y, reduction="sum") / self.count).backward()

    def hvp(self, batches):
        total = None
        for x, y in batches:
            loss = F.cross_entropy(self.net(x), y, reduction="sum") / self.count
            gradient = torch.autograd.grad(loss, self.parameters, create_graph=True)
            part = torch.autograd.grad(gradient, self.parameters, self.v)
            total = part if total is None else torch._foreach_add(total, part)
        return total

    def seconds(self, batches=None):
        started = time.perf_counter()
        self.work(self.batches if batches is None else batches)
        return time.perf_counter() - started

    def per_image(self):
        """For the choice of a setting: the best run over the first batches, of up to a second of runs."""
        some = self.batches[: max(1, 256 // len(self.batches[0][0]))]
        self.work([(x[:16], y[:16]) for x, y in some[:1]])
        runs = [self.seconds(some)]
        while sum(runs) < 1 and len(runs) < 5:
            runs.append(self.seconds(some))
        return min(runs) / sum(len(y) for _, y in some)

    def median(self):
        self.seconds(self.batches[:1])
        runs = [self.seconds()]
        while sum(runs) < SECONDS:
            runs.append(self.seconds())
        return statistics.median(runs)


def batch_sizes(case, work):
    """What fits: a gradient keeps activations and a Hessian product several times as many."""
    _, shape, count, _ = CASES[case]
    small = shape[1] == 8
    sizes = {"loss": [128, 256, 512, count], "gradient": [128, 256], "hvp": [64, 128]}[work]
    if small and work != "loss":
        sizes = [128, 256, 512, count]
    return sorted({min(size, count) for size in sizes})


def best(case, work):
    """The fastest memory format and batch, ready to run."""
    tried = []
    for layout in (torch.contiguous_format, torch.channels_last):
        for batch in batch_sizes(case, work):
            tried.append((Runner(case, work, layout, batch).per_image(), layout, batch))
    _, layout, batch = min(tried, key=lambda entry: entry[0])
    name = "channels last" if layout is torch.channels_last else "default"
    return Runner(case, work, layout, batch), f"{name}, {batch}"


def crate(case, work):
    """Seconds of one unit of work of the crate."""
    command = ["cargo", "bench", "--quiet", "--bench", "networks", "--", "--raw", case, work]
    out = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(out)


def wanted(case, work):
    """The ratio that must be reached, and the goal."""
    if not case.startswith("resnet"):
        return 1.0, 1.5
    return {"loss": (1.3, 2.0), "gradient": (1.2, 2.0), "hvp": (2.0, 4.0)}[work]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=CASES, metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--work", choices=ALL)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--python-only", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(2)
    if not options.python_only:
        subprocess.run(["cargo", "bench", "--quiet", "--bench", "networks", "--no-run"], cwd=ROOT, check=True)
    print(f"PyTorch {torch.__version__}, two threads; seconds, medians of {options.rounds} turns")
    head = f"{'case':<17}{'work':<10}{'PyTorch':>9}{'crate':>9}{'ratio':>7}{'must':>6}{'goal':>6}"
    print(f"{head}  PyTorch's format, batch")
    for case, (*_, works) in CASES.items():
        for work in works:
            if options.only not in (None, case) or options.work not in (None, work):
                continue
            runner, setting = best(case, work)
            python, ours = [], []
            for _ in range(options.rounds):
                python.append(runner.median())
                if not options.python_only:
                    ours.append(crate(case, work))
            row = f"{case:<17}{work:<10}{statistics.median(python):>9.4f}"
            if ours:
                ratio = statistics.median(p / c for p, c in zip(python, ours))
                row += f"{statistics.median(ours):>9.4f}{ratio:>7.2f}"
            else:
                row += f"{'':>16}"
            must, goal = wanted(case, work)
            print(f"{row}{must:>6}{goal:>6}  {setting}", flush=True)


if __name__ == "__main__":
    main()
