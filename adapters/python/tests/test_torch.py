"""PyTorch modules: the same numbers as a plain loop, and the module left as it was."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models import (  # noqa: E402
    GPT,
    LeNet,
    accuracy,
    assert_same,
    batches,
    digits,
    networks,
    small,
    state,
    token_loss,
    tokens,
    trained,
)
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

import loss_landscape as ll  # noqa: E402

torch.set_num_threads(1)
NETWORKS = networks()


def plain_loop(model, loss_fn, data, theta, directions, points) -> list[float]:
    """What anyone would write: load each θ into a copy of the module, evaluate, average."""
    model = copy.deepcopy(model).eval()
    parameters = dict(model.named_parameters())
    losses = []
    with torch.no_grad():
        for point in points:
            start = 0
            moved = theta + sum(c * d for c, d in zip(point, directions))
            for name, parameter in parameters.items():
                part = moved[ORDER[type(model)][name]]
                parameter.copy_(torch.from_numpy(part.reshape(parameter.shape)))
                start += parameter.numel()
            total = sum(float(loss_fn(model(x), y)) * len(x) for x, y in data)
            losses.append(total / sum(len(x) for x, _ in data))
    return losses


ORDER: dict = {}


def order(oracle, model) -> None:
    ranges, start = {}, 0
    for block in oracle.layout.blocks:
        size = int(np.prod(block.shape))
        ranges[block.name] = slice(start, start + size)
        start += size
    ORDER[type(model)] = ranges


@pytest.mark.parametrize("name", NETWORKS)
def test_surfaces_are_those_of_a_plain_loop(name):
    model, loss_fn, data = NETWORKS[name]
    before = state(model)
    oracle = ll.torch.Oracle(model, loss_fn, data)
    order(oracle, model)
    plane = ll.random_directions(oracle, seed=7)
    surface = ll.grid_2d(oracle, plane, alpha=(-1, 1, 5), beta=(-0.5, 0.5, 3))
    points = [(a, b) for a in surface.alpha for b in surface.beta]
    directions = [d.values for d in plane]
    expected = plain_loop(model, loss_fn, data, oracle.theta, directions, points)
    np.testing.assert_allclose(surface["loss"].ravel(), expected, rtol=1e-9, atol=1e-12)
    assert oracle.deterministic and surface.complete
    assert_same(before, state(model))


@pytest.mark.parametrize("name", NETWORKS)
def test_directions_have_the_norms_of_the_original_repository(name):
    """Li et al., `net_plotter.py`: d.mul_(w.norm() / (d.norm() + 1e-10)) for each d, w along the first axis; biases
    and normalisation stand still (`ignore='biasbn'`)."""
    model, loss_fn, data = NETWORKS[name]
    oracle = ll.torch.Oracle(model, loss_fn, data)
    raw = oracle.split(ll.random_direction(oracle, 11, norm="none").values)
    ours = oracle.split(ll.random_direction(oracle, 11).values)
    original = oracle.split(ll.random_direction(oracle, 11, conformance="original").values)
    for key, parameter in model.named_parameters():
        if parameter.ndim < 2:
            assert not ours[key].any()
            continue
        d = torch.from_numpy(raw[key].copy())
        for filter_of_d, filter_of_w in zip(d, parameter.detach()):
            filter_of_d.mul_(filter_of_w.norm() / (filter_of_d.norm() + 1e-10))
        np.testing.assert_allclose(original[key], d, rtol=1e-12)
        np.testing.assert_allclose(ours[key], d, rtol=1e-8)


def test_the_layout_comes_from_the_types_of_modules():
    model = nn.ModuleDict(
        {
            "linear": nn.Linear(3, 2),
            "conv1": nn.Conv1d(3, 4, 2),
            "conv3": nn.Conv3d(1, 2, 2, bias=False),
            "up": nn.ConvTranspose2d(5, 6, 3),
            "embed": nn.Embedding(7, 3),
            "attention": nn.MultiheadAttention(4, 2),
            "mixed": nn.MultiheadAttention(4, 2, kdim=3, vdim=5),
            "layer": nn.LayerNorm((2, 3)),
            "group": nn.GroupNorm(2, 4),
            "batch": nn.BatchNorm1d(3),
            "rnn": nn.GRU(3, 4, bidirectional=True),
            "cell": nn.LSTMCell(2, 3),
            "prelu": nn.PReLU(4),
        }
    )
    layout = ll.torch.module_layout(model)
    found = {b.name: (b.role, b.filter_axis) for b in layout.blocks}
    weight, bias = ("weight", 0), ("bias", None)
    for name, expected in {
        "linear.weight": weight,
        "linear.bias": bias,
        "conv1.weight": weight,
        "conv3.weight": weight,
        "up.weight": ("weight", 1),
        "up.bias": bias,
        "embed.weight": weight,
        "attention.in_proj_weight": weight,
        "attention.in_proj_bias": bias,
        "attention.out_proj.weight": weight,
        "mixed.q_proj_weight": weight,
        "mixed.v_proj_weight": weight,
        "layer.weight": ("norm_scale", None),
        "layer.bias": ("norm_shift", None),
        "group.weight": ("norm_scale", None),
        "batch.running_mean": ("buffer", None),
        "batch.running_var": ("buffer", None),
        "rnn.weight_hh_l0_reverse": weight,
        "rnn.bias_ih_l0": bias,
        "cell.weight_ih": weight,
        "cell.bias_hh": bias,
        "prelu.weight": bias,
    }.items():
        assert found[name] == expected, name
    # Names are those of the state dict; counters have none.
    assert set(found) == {name for name in model.state_dict() if "num_batches" not in name}


def test_tied_frozen_and_guessed_parameters():
    model = GPT().double()
    x, y = tokens()
    model.place.weight.requires_grad_(False)
    oracle = ll.torch.Oracle(model, token_loss, [(x, y)])
    names = [b.name for b in oracle.layout.blocks]
    assert "embed.weight" in names and "head.weight" not in names
    assert "tied with head.weight" in oracle.table() and "frozen" in oracle.table()
    d = oracle.split(ll.random_direction(oracle).values)
    assert not d["place.weight"].any() and d["embed.weight"].any()
    assert not oracle.split(ll.gradient(oracle)[1])["place.weight"].any()
    moving = ll.torch.Oracle(model, token_loss, [(x, y)], frozen="move")
    assert moving.split(ll.random_direction(moving).values)["place.weight"].any()
    assert moving.split(ll.gradient(moving)[1])["place.weight"].any() and not model.place.weight.requires_grad
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    still = ll.torch.Oracle(model, token_loss, [(x, y)])
    assert still.split(ll.random_direction(still).values)["place.weight"].any()
    # Products with a module that is all frozen, through tied weights.
    assert ll.eigen_extremes(still, max_products=40).lambda_max > 0

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = nn.Parameter(torch.ones(2, 3))
            self.shift = nn.Parameter(torch.zeros(3))

        def forward(self, x):
            return x @ self.gate + self.shift

    data = (torch.ones(4, 2), torch.zeros(4, 3))
    with pytest.warns(ll.LayoutWarning, match="`gate`, `shift`"):
        guessed = ll.torch.Oracle(Own(), F.mse_loss, data)
    assert "a guess: Own" in guessed.table()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = ll.torch.Oracle(Own(), F.mse_loss, data, roles={"gate": ("weight", 1), "sh*": "bias"})
    assert said.layout.blocks[0].filter_axis == 1 and "as you said" in said.table()
    with pytest.raises(ll.ArgumentError, match="no parameter matches"):
        ll.torch.Oracle(Own(), F.mse_loss, data, roles={"gaet": "bias", "*": "weight"})


def test_metrics_data_sets_and_steps():
    x, y = digits()
    torch.manual_seed(0)
    model = LeNet().double()
    loaders = {"train": batches(x[:100], y[:100], 30), "test": (x[100:150], y[100:150])}
    oracle = ll.torch.Oracle(model, nn.CrossEntropyLoss(), loaders, metrics={"accuracy": accuracy})
    line = ll.random_direction(oracle)
    curve = ll.line_1d(oracle, line, 3)
    assert curve.channels == ["train loss", "train accuracy", "test loss", "test accuracy"]
    model.eval()
    with torch.no_grad():
        output = model(x[:100])
    assert curve["train loss"][1] == pytest.approx(float(F.cross_entropy(output, y[:100])), rel=1e-12)
    assert curve["train accuracy"][1] == pytest.approx(float(accuracy(output, y[:100])))
    assert oracle(data="test") == curve["test loss"][1]

    def step(module, batch):
        output = module(batch[0])
        return {"loss": F.cross_entropy(output, batch[1]), "accuracy": accuracy(output, batch[1])}

    stepped = ll.torch.Oracle(model, None, loaders, step=step)
    again = ll.line_1d(stepped, line, 3)
    assert again.channels == curve.channels and np.allclose(again["train loss"], curve["train loss"], rtol=1e-13)
    np.testing.assert_allclose(ll.gradient(stepped)[1], ll.gradient(oracle)[1], rtol=1e-10, atol=1e-14)
    # A sum is divided by the number of samples; `size` weighs batches otherwise.
    summed = ll.torch.Oracle(model, nn.CrossEntropyLoss(reduction="sum"), loaders, metrics={"accuracy": accuracy})
    both = ll.line_1d(summed, line, 3)
    for name in curve.channels:
        np.testing.assert_allclose(both[name], curve[name], rtol=1e-12)
    np.testing.assert_allclose(ll.gradient(summed)[1], ll.gradient(oracle)[1], rtol=1e-9, atol=1e-14)


def test_batches_in_any_form():
    class Keywords(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, inputs, labels=None):
            return self.linear(inputs)

    model = Keywords()
    x, y = torch.ones(4, 3), torch.zeros(4, 2)
    expected = float(F.mse_loss(model(x), y).detach())
    by_name = ll.torch.Oracle(model, lambda out, batch: F.mse_loss(out, batch["labels"]), [{"inputs": x, "labels": y}])
    assert by_name() == pytest.approx(expected)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=3)
    assert ll.torch.Oracle(model, F.mse_loss, loader)() == pytest.approx(expected)
    auto = ll.torch.Oracle(nn.Linear(3, 3), F.mse_loss, [x])
    assert auto() > 0


def test_another_precision_leaves_the_module_alone():
    x, y = digits(torch.float32)
    torch.manual_seed(1)
    model = trained(LeNet(), F.cross_entropy, x, y, 5)
    model(x[:8]).sum().backward()  # gradients of the old type stay too
    before = state(model)
    double = ll.torch.Oracle(model, F.cross_entropy, batches(x[:100], y[:100], 50), dtype=torch.float64)
    single = ll.torch.Oracle(model, F.cross_entropy, batches(x[:100], y[:100], 50))
    assert double.theta.dtype == np.float64 and single.theta.dtype == np.float32
    a, b = (ll.line_1d(o, ll.random_direction(o), 3)["loss"] for o in (double, single))
    np.testing.assert_allclose(a, b, rtol=1e-4)
    ll.gradient(double)
    assert_same(before, state(model))
    half = copy.deepcopy(model).to(torch.bfloat16)
    with pytest.raises(ll.LayoutError, match="dtype=torch.float32"):
        ll.torch.Oracle(half, F.cross_entropy, (x, y))
    assert np.isfinite(ll.torch.Oracle(half, F.cross_entropy, (x[:50], y[:50]), dtype=torch.float32)())


def test_batch_statistics_are_frozen_or_estimated_again():
    model, loss_fn, data = NETWORKS["lenet"]
    before = state(model)
    frozen = ll.torch.Oracle(model, loss_fn, data)
    moving = ll.torch.Oracle(model, loss_fn, data, batch_norm="reestimate")
    direction = ll.random_direction(frozen, 2)
    still, again = (ll.line_1d(o, direction, alpha=[0.0, 0.5])["loss"] for o in (frozen, moving))
    # By hand at α = 0.5: cumulative statistics over the batches, dropout off.
    copied = copy.deepcopy(model).eval()
    copied.load_state_dict(frozen.state_dict(frozen.theta + 0.5 * direction.values))
    norm = copied.features[1]
    norm.reset_running_stats()
    norm.momentum, norm.training = None, True
    with torch.no_grad():
        for x, _ in data:
            copied(x)
        norm.training = False
        expected = sum(float(loss_fn(copied(x), y)) * len(x) for x, y in data) / sum(len(x) for x, _ in data)
    assert again[1] == pytest.approx(expected, rel=1e-12) and again[1] != still[1]
    assert_same(before, state(model))
    with pytest.raises(ll.ArgumentError, match="freeze"):
        ll.eigen_extremes(moving)


def test_the_module_is_left_as_it_was_when_a_sweep_fails(ctrl_c):
    model, _, data = NETWORKS["lenet"]
    calls = [0]

    def breaks(output, target):
        calls[0] += 1
        torch.rand(3), np.random.rand()
        if calls[0] == 30:
            raise ValueError("no loss today")
        return F.cross_entropy(output, target)

    before, numbers = state(model), np.random.get_state()[1].copy()
    oracle = ll.torch.Oracle(model, breaks, data)
    with pytest.raises(ValueError, match="no loss today") as caught:
        ll.grid_2d(oracle, ll.random_directions(oracle), 9, 9)
    if sys.version_info >= (3, 11):
        assert "of the sweep, α =" in caught.value.__notes__[0]
    assert_same(before, state(model))
    assert (np.random.get_state()[1] == numbers).all()

    def interrupted(output, target):
        calls[0] += 1
        if calls[0] == 60:
            os.kill(os.getpid(), signal.SIGINT)
        return F.cross_entropy(output, target)

    oracle = ll.torch.Oracle(model, interrupted, data)
    with pytest.raises(ll.Interrupted) as stopped:
        ll.grid_2d(oracle, ll.random_directions(oracle), 9, 9)
    assert 0 < stopped.value.result.report["computed"] < 81
    assert_same(before, state(model))


def test_hooks_and_counters_leave_nothing_behind():
    model = LeNet().double()
    x, y = digits()

    def count(module, args, output):
        module.calls = getattr(module, "calls", 0) + 1
        module.total += 1.0
        module.seen = module.seen + 1

    linear = model.classifier[2]
    linear.register_buffer("total", torch.zeros(1, dtype=torch.float64))
    linear.register_buffer("seen", torch.zeros(1, dtype=torch.int64))
    linear.register_forward_hook(count)
    before = state(model)
    with pytest.warns(ll.HookWarning, match="classifier.2"):
        oracle = ll.torch.Oracle(model, F.cross_entropy, (x[:20], y[:20]))
    ll.line_1d(oracle, ll.random_direction(oracle), 5)
    assert_same(before, state(model))
    assert not hasattr(linear, "calls") and float(linear.total) == 0 and int(linear.seen) == 0


def test_noise_is_found_and_told():
    model, loss_fn, data = NETWORKS["lenet"]
    noisy = ll.torch.Oracle(model, loss_fn, data, mode="train")
    with pytest.warns(ll.NonDeterministicWarning, match="dropout is active"):
        ll.line_1d(noisy, ll.random_direction(noisy), 3)
    assert noisy.deterministic is False
    seeded = ll.torch.Oracle(model, loss_fn, data, mode="train", noise_seed=1, batch_norm="frozen")
    model.features[1].eval()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, two = (ll.line_1d(seeded, ll.random_direction(seeded), 3) for _ in range(2))
    assert one == two


def test_loaders_are_read_in_a_fixed_order():
    x, y = digits()
    data = torch.utils.data.TensorDataset(x[:100], y[:100])
    model = NETWORKS["lenet"][0]
    fixed = ll.torch.Oracle(model, F.cross_entropy, torch.utils.data.DataLoader(data, batch_size=32))
    with pytest.warns(ll.LoaderWarning, match="shuffles"):
        shuffled = ll.torch.Oracle(model, F.cross_entropy, torch.utils.data.DataLoader(data, 32, shuffle=True))
    assert shuffled() == fixed() and shuffled._fingerprints == fixed._fingerprints
    assert shuffled.notes == ["the loader shuffles: its samples are read in the order of the data set, all of them"]
    with pytest.warns(ll.LoaderWarning, match="read again"):
        streamed = ll.torch.Oracle(
            model, F.cross_entropy, torch.utils.data.DataLoader(data, batch_size=32), memory_limit=40_000
        )
    assert streamed() == fixed() and streamed._fingerprints == fixed._fingerprints
    line = ll.random_direction(fixed)
    assert ll.line_1d(streamed, line, 3) == ll.line_1d(fixed, line, 3)
    sampler = torch.utils.data.WeightedRandomSampler(torch.ones(100), 50)
    with pytest.warns(ll.LoaderWarning, match="seed 0"):
        drawn = [
            ll.torch.Oracle(model, F.cross_entropy, torch.utils.data.DataLoader(data, 32, sampler=sampler))
            for _ in range(2)
        ]
    assert drawn[0]() == drawn[1]()
    for wrong in [data, 3, [], iter([])]:
        with pytest.raises(ll.ArgumentError):
            ll.torch.Oracle(model, F.cross_entropy, wrong)
    with pytest.raises(ll.ArgumentError, match="cannot be read again"), pytest.warns(ll.LoaderWarning):
        ll.torch.Oracle(model, F.cross_entropy, iter(batches(x, y, 50)), memory_limit=1000)


def test_modules_that_are_no_vector_are_refused():
    def oracle(model, **more):
        return ll.torch.Oracle(model, F.mse_loss, (torch.ones(2, 2), torch.ones(2, 2)), **more)

    mixed = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).double())
    with pytest.raises(ll.LayoutError, match="several types"):
        oracle(mixed)
    split = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2, device="meta"))
    with pytest.raises(ll.LayoutError, match="several devices"):
        oracle(split)
    with pytest.raises(ll.LayoutError, match="meta"):
        oracle(nn.Linear(2, 2, device="meta"))
    whole = nn.Linear(2, 2)
    whole.steps = nn.Parameter(torch.ones(2, dtype=torch.int32), requires_grad=False)
    with pytest.raises(ll.LayoutError, match="`steps` of torch.int32"):
        oracle(whole)
    with pytest.raises(ll.LayoutError, match="not initialised"):
        oracle(nn.LazyLinear(2))
    with pytest.raises(ll.LayoutError, match="no parameters"):
        oracle(nn.ReLU())
    shared = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    shared[1].weight = nn.Parameter(shared[0].weight.data)
    with pytest.raises(ll.LayoutError, match="same memory"):
        oracle(shared)
    with pytest.raises(ll.ArgumentError):
        oracle("model")
    with pytest.raises(ll.ArgumentError, match="reduction"):
        ll.torch.Oracle(nn.Linear(2, 2), nn.MSELoss(reduction="none"), (torch.ones(2, 2), torch.ones(2, 2)))
    for wrong in [{"mode": "test"}, {"frozen": "yes"}, {"products": "exact"}, {"batch_norm": "off"}, {"size": 3}]:
        with pytest.raises(ll.ArgumentError):
            oracle(nn.Linear(2, 2), **wrong)


def test_losses_that_are_no_numbers():
    data = (torch.ones(2, 2), torch.ones(2, 2))

    def oracle(loss_fn):
        torch.manual_seed(0)
        return ll.torch.Oracle(nn.Linear(2, 2), loss_fn, data)

    vector = oracle(lambda output, target: output - target)
    before = state(vector.model)
    with pytest.raises(TypeError, match=r"shape \(2, 2\): take its mean"):
        ll.line_1d(vector, ll.random_direction(vector), 3)
    assert_same(before, state(vector.model))
    nan = oracle(lambda output, target: (output**2).sum() * float("nan"))
    curve = ll.line_1d(nan, ll.random_direction(nan), 3)
    assert len(curve.bad_points) == 3 and np.isnan(curve["loss"]).all()
    with pytest.raises(ll.OracleFailure):
        ll.eigen_extremes(nan)
    number = oracle(lambda output, target: 1.5)
    assert ll.line_1d(number, ll.random_direction(number), 3)["loss"].tolist() == [1.5] * 3
    with pytest.raises(TypeError, match="does not depend"):
        ll.gradient(number)


def test_state_dicts_that_do_not_fit():
    model, loss_fn, data = NETWORKS["lenet"]
    oracle = ll.torch.Oracle(model, loss_fn, data)
    good = model.state_dict()
    assert (oracle.vector(good) == oracle.theta).all() and (oracle.vector(model) == oracle.theta).all()
    other = {name: tensor for name, tensor in good.items() if name != "features.0.bias"}
    other["classifier.4.weight"] = torch.zeros(3, 3)
    with pytest.raises(ll.ArgumentError, match="features.0.bias.*missing.*classifier.4.weight.*shape"):
        ll.interpolate(oracle, good, other)
    with pytest.raises(ll.ArgumentError, match="has no"):
        oracle.vector({**good, "head.weight": torch.zeros(1)})
    elsewhere = oracle.state_dict(2 * oracle.theta)
    copied = copy.deepcopy(model)
    copied.load_state_dict(elsewhere)
    assert (oracle.vector(copied) == 2 * oracle.theta).all()


def test_interpolation_and_trajectories_of_state_dicts():
    x, y = digits()
    torch.manual_seed(0)
    model = LeNet().double()
    start = copy.deepcopy(model.state_dict())
    path = [start]
    for _ in range(4):
        trained(model, F.cross_entropy, x, y, 5)
        path.append(copy.deepcopy(model.state_dict()))
    oracle = ll.torch.Oracle(model, F.cross_entropy, (x[:100], y[:100]))
    curve = ll.interpolate(oracle, start, model, alpha=(0, 1, 5))
    # Buffers stand still where the sweep starts; those of the end are not loaded.
    first = copy.deepcopy(model).eval()
    first.load_state_dict(start)
    with torch.no_grad():
        assert curve["loss"][0] == pytest.approx(float(F.cross_entropy(first(x[:100]), y[:100])), rel=1e-12)
    moved = ll.interpolate(oracle, start, model, alpha=(0, 1, 5), move_buffers=True)
    assert moved["loss"][-1] == pytest.approx(oracle(), rel=1e-12) and moved["loss"][0] == curve["loss"][0]
    half = oracle(0.5 * oracle.vector(start) + 0.5 * oracle.vector(model))
    assert moved["loss"][2] == pytest.approx(half, rel=1e-12)
    found = ll.trajectory(oracle, path)
    a, b = found.ranges(5)
    assert ll.grid_2d(oracle, found.plane, a, b).complete and "random walk" in str(found)
    bent = ll.train_path(oracle, start, model, learning_rate=0.05, steps=5, adam=True)
    assert ll.sweep_path(oracle, bent, 5)["loss"][0] == pytest.approx(curve["loss"][0], rel=1e-12)


def test_a_module_moves_for_one_sweep_at_a_time():
    model, loss_fn, data = NETWORKS["lenet"]
    started, go_on = threading.Event(), threading.Event()

    def waits(output, target):
        started.set()
        go_on.wait(10)
        return loss_fn(output, target)

    slow = ll.torch.Oracle(model, waits, data[:1], probe=False)
    line = ll.random_direction(slow)
    found = []
    thread = threading.Thread(target=lambda: found.append(ll.line_1d(slow, line, 3)))
    thread.start()
    assert started.wait(10)
    with pytest.raises(ll.BusyError, match="deepcopy"):
        slow()
    go_on.set()
    thread.join()
    assert found[0] == ll.line_1d(ll.torch.Oracle(model, loss_fn, data[:1]), line, 3)
    # Copies sweep side by side, in the threads of any pool.
    from concurrent.futures import ThreadPoolExecutor

    def sweep(copied):
        return ll.line_1d(ll.torch.Oracle(copied, loss_fn, data[:1]), line, 3)

    with ThreadPoolExecutor(3) as pool:
        copies = list(pool.map(sweep, [copy.deepcopy(model) for _ in range(3)]))
    assert all(curve == found[0] for curve in copies)
    with pytest.raises(ll.ArgumentError, match="one thread"):
        ll.line_1d(slow, line, 3, threads=2)


def _child(queue, model, data):
    oracle = ll.torch.Oracle(model, F.cross_entropy, data)
    queue.put(ll.line_1d(oracle, ll.random_direction(oracle), 3)["loss"].tolist())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_after_a_sweep_works():
    model, _, data = NETWORKS["resnet20"]
    torch.set_num_threads(2)
    try:
        oracle = ll.torch.Oracle(model, F.cross_entropy, data)
        before = ll.line_1d(oracle, ll.random_direction(oracle), 3)["loss"]
        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        child = context.Process(target=_child, args=(queue, model, data))
        child.start()
        assert queue.get(timeout=60) == pytest.approx(before.tolist(), rel=1e-12)
        child.join(timeout=30)
    finally:
        torch.set_num_threads(1)


_KILLED = """
import sys, time
import torch, loss_landscape as ll
from models import LeNet, digits, batches
torch.set_num_threads(1)
torch.manual_seed(0)
x, y = digits()
model = LeNet().double()

def loss(output, target):
    time.sleep(float(sys.argv[2]))
    return torch.nn.functional.cross_entropy(output, target)

oracle = ll.torch.Oracle(model, loss, batches(x[:60], y[:60], 30))
surface = ll.grid_2d(oracle, ll.random_directions(oracle), 15, 15, journal=sys.argv[1] or None)
resumed = surface.report["resumed"]
print(resumed["points"] if resumed else 0, resumed["unchecked_data"] if resumed else [])
print(surface["loss"].tobytes().hex())
"""


def test_a_killed_sweep_of_a_module_goes_on_to_the_same_bits(tmp_path):
    journal = str(tmp_path / "killed.journal")
    run = [sys.executable, "-c", _KILLED]
    here = {**os.environ, "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), *sys.path])}
    child = subprocess.Popen([*run, journal, "0.005"], env=here)
    deadline = time.monotonic() + 120
    while not os.path.exists(journal) or os.path.getsize(journal) < 3000:
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()

    def finished(*arguments):
        done = subprocess.run([*run, *arguments], env=here, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    resumed, whole = finished(journal, "0"), finished("", "0")
    points = int(resumed[0].split()[0])
    assert 0 < points < 225 and resumed[0].endswith("[]") and resumed[1] == whole[1]


# Curvature.


def dense_hessian(oracle, theta):
    """Row by row, by PyTorch's own function. (`torch.func.hessian` is off for the GPT here, and not symmetric.)"""
    model = copy.deepcopy(oracle.model).eval()
    names = [(slot.name, slot.range, slot.tensor.shape) for slot in oracle._trained]
    buffers = {name: buffer for name, buffer in model.named_buffers()}
    batches = list(oracle._sets[0])
    total = sum(len(batch[0]) for batch in batches)

    def loss(flat):
        parts = {name: flat[range].view(shape) for name, range, shape in names}
        sums = 0.0
        for x, y in batches:
            with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
                sums = sums + oracle._loss_fn(torch.func.functional_call(model, {**buffers, **parts}, (x,)), y) * (len(x) / total)
        return sums

    return torch.autograd.functional.hessian(loss, torch.from_numpy(theta)).numpy()


@pytest.mark.parametrize("name", ["mlp", "conv", "gpt"])
def test_ratio_maps_hold_the_dense_hessians(name):
    model, loss_fn, data = small()[name]
    before = state(model)
    oracle = ll.torch.Oracle(model, loss_fn, data)
    plane = ll.random_directions(oracle, seed=2)
    beta = [0.25] if name == "gpt" else (-0.5, 0.5, 3)
    ratios = ll.eigen_ratio_2d(oracle, plane, alpha=(-0.5, 0.5, 3), beta=beta, certified=True)
    assert oracle.product_method == "double backward" and not ratios.uncertain.any()
    first, second = (d.values for d in plane)
    for i, a in enumerate(ratios.alpha):
        for j, b in enumerate(ratios.beta):
            values = np.linalg.eigvalsh(dense_hessian(oracle, oracle.theta + a * first + b * second))
            assert ratios.lambda_max[i, j] == pytest.approx(values[-1], rel=0.05)
            expected = abs(values[0] / values[-1])
            assert ratios.ratio[i, j] == pytest.approx(expected, rel=0.11, abs=1e-3), (i, j)
    exact = np.linalg.eigvalsh(dense_hessian(oracle, oracle.theta))
    found = ll.eigen_extremes(oracle, tolerance=1e-6, max_products=2000)
    low, high = found.bounds
    assert low - 1e-9 <= exact[0] and exact[-1] <= high + 1e-9
    assert found.lambda_max == pytest.approx(exact[-1], rel=1e-6)
    interval = found.ratio_interval
    assert interval[0] * (1 - 1e-6) <= abs(exact[0] / exact[-1]) <= interval[1] * (1 + 1e-6)
    trace = ll.hessian_trace(oracle, max_products=60, confidence=0.9999)
    assert trace.interval[0] <= exact.sum() <= trace.interval[1]
    assert_same(before, state(model))


@pytest.mark.parametrize("name", NETWORKS)
def test_ways_to_multiply_agree(name):
    model, loss_fn, data = NETWORKS[name]
    before = state(model)
    rng = np.random.default_rng(0)
    products, first = {}, None
    for way in ("double backward", "forward over reverse"):
        oracle = ll.torch.Oracle(model, loss_fn, data, products=way)
        v = rng.normal(size=oracle.theta.size) if first is None else first
        first = v
        try:
            with oracle._session():
                oracle._ready_for_products()
                oracle._hessian_at(0, oracle.theta)
                products[way] = oracle._hessian_product(0, v)
                assert (oracle._hessian_product(0, v) == products[way]).all()
                oracle._keep_graph = False
                oracle._hessian_at(0, oracle.theta)
                np.testing.assert_allclose(oracle._hessian_product(0, v), products[way], rtol=1e-9, atol=1e-10)
        except ll.ArgumentError as error:
            # Recurrent layers have no forward derivatives in some versions; the other way must work.
            assert way != "double backward" and "do not work here" in str(error)
    values = list(products.values())
    for other in values[1:]:
        np.testing.assert_allclose(other, values[0], rtol=1e-8, atol=1e-9 * abs(values[0]).max())
    # And with differences of gradients, which know their own error.
    by_differences = ll.torch.Oracle(model, loss_fn, data, products="differences")
    found = ll.eigen_extremes(by_differences, max_products=60)
    exact = ll.eigen_extremes(ll.torch.Oracle(model, loss_fn, data), max_products=60)
    assert found.method == "differences of gradients" and exact.method == "double backward"
    if name != "resnet20":  # kinks
        assert found.lambda_max == pytest.approx(exact.lambda_max, rel=0.02)
    assert_same(before, state(model))


def test_gradients_are_those_of_backward():
    for model, loss_fn, data in NETWORKS.values():
        oracle = ll.torch.Oracle(model, loss_fn, data)
        loss, gradient = ll.gradient(oracle)
        copied = copy.deepcopy(model).eval()
        copied.zero_grad()
        total = sum(len(x) for x, _ in data)
        for x, y in data:
            (loss_fn(copied(x), y) * (len(x) / total)).backward()
        parts = oracle.split(gradient)
        for name, parameter in copied.named_parameters():
            np.testing.assert_allclose(parts[name], parameter.grad, rtol=1e-9, atol=1e-12)
        assert loss == pytest.approx(oracle(), rel=1e-12)


def test_a_warm_map_takes_few_products():
    model, loss_fn, data = small()["mlp"]
    oracle = ll.torch.Oracle(model, loss_fn, [(torch.cat([x for x, _ in data]), torch.cat([y for _, y in data]))])
    ratios = ll.eigen_ratio_2d(oracle, ll.random_directions(oracle), (-0.5, 0.5, 25), (-0.5, 0.5, 25))
    assert ratios.products_per_point <= 9, ratios.products_per_point
    assert ratios.audits[0][1] == 0


def test_where_no_second_derivative_exists_differences_stand_in():
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, slope):
            return 2 * ctx.saved_tensors[0] * slope

    torch.manual_seed(0)
    model = nn.Linear(3, 2).double()
    data = (torch.randn(8, 3, dtype=torch.float64), torch.randn(8, 2, dtype=torch.float64))
    odd = ll.torch.Oracle(model, lambda out, y: Square.apply(out - y).mean(), data)
    found = ll.eigen_extremes(odd)
    assert found.method == "differences of gradients" and set(odd.product_failures) == {
        "double backward",
        "forward over reverse",
    }
    plain = ll.eigen_extremes(ll.torch.Oracle(model, F.mse_loss, data))
    assert found.lambda_max == pytest.approx(plain.lambda_max, rel=1e-4)
    with pytest.raises(ll.ArgumentError, match="do not work here"):
        only = ll.torch.Oracle(model, lambda o, y: Square.apply(o - y).mean(), data, products="double backward")
        ll.eigen_extremes(only)


def test_results_of_modules_are_pickled():
    model, loss_fn, data = NETWORKS["gpt"]
    oracle = ll.torch.Oracle(model, loss_fn, data)
    curve = ll.line_1d(oracle, ll.random_direction(oracle), 3)
    assert pickle.loads(pickle.dumps(curve)) == curve
    assert not any(isinstance(v, threading.Thread) for v in vars(model).values())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", NETWORKS)
def test_a_module_on_another_device(name):
    model, loss_fn, data = NETWORKS[name]
    before = state(model)
    host = ll.torch.Oracle(model, loss_fn, data)
    device = ll.torch.Oracle(model, loss_fn, data, device="cuda")
    plane = ll.random_directions(host)
    a, b = (ll.grid_2d(o, plane, 5, 5)["loss"] for o in (host, device))
    np.testing.assert_allclose(a, b, rtol=1e-9)
    one, two = (ll.eigen_extremes(o, max_products=40) for o in (host, device))
    assert one.lambda_max == pytest.approx(two.lambda_max, rel=1e-5)
    assert_same(before, state(model))

