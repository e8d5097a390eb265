"""What is built on modules: parts of Hessians, sharpness, matching, barriers, several points at once."""

from __future__ import annotations

import contextlib
import copy
import os
import signal
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models import assert_same, digits, networks, small, state, trained  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

import loss_landscape as ll  # noqa: E402

torch.set_num_threads(1)
NETWORKS = networks()
PARTS = ("hessian", "gauss_newton", "rest")


# Parts of the Hessian.


def dense_gauss_newton(oracle) -> np.ndarray:
    """Jᵀ·∇²ℓ·J with the Jacobian row by row and the loss's Hessian as a matrix, batch by batch."""
    model = copy.deepcopy(oracle.model).eval()
    trained_slots = [(slot.name, slot.range, slot.tensor.shape) for slot in oracle._trained]
    batches = list(oracle._sets[0])
    total = sum(len(batch[0]) for batch in batches)
    whole = torch.zeros((oracle.theta.size, oracle.theta.size), dtype=torch.float64)
    for x, y in batches:

        def output(flat, x=x):
            parts = {name: flat[range].view(shape) for name, range, shape in trained_slots}
            with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
                return torch.func.functional_call(model, parts, (x,))

        theta = torch.from_numpy(oracle.theta)
        z = output(theta).detach()
        j = torch.autograd.functional.jacobian(output, theta).reshape(z.numel(), -1)
        curvature = torch.autograd.functional.hessian(lambda z, y=y: oracle._loss_fn(z, y), z)
        whole += len(x) / total * j.T @ curvature.reshape(z.numel(), -1) @ j
    return whole.numpy()


@pytest.mark.parametrize("name", ["mlp", "conv", "gpt"])
def test_gauss_newton_products_are_those_of_dense_jacobians(name):
    model, loss_fn, data = small()[name]
    before = state(model)
    oracle = ll.torch.Oracle(model, loss_fn, data)
    g = dense_gauss_newton(oracle)
    assert oracle.has_gauss_newton and oracle.gauss_newton_method is None
    rng = np.random.default_rng(0)
    for _ in range(3):
        v = rng.normal(size=oracle.theta.size)
        h_v, g_v, r_v = (ll.hessian_product(oracle, v, part=part) for part in PARTS)
        np.testing.assert_allclose(g_v, g @ v, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(h_v - g_v, r_v, rtol=1e-9, atol=1e-11)
    values = np.linalg.eigvalsh(g)
    assert values[0] > -1e-12
    found = ll.eigen_extremes(oracle, part="gauss_newton", tolerance=1e-6, max_products=2000)
    assert found.lambda_max == pytest.approx(values[-1], rel=1e-6) and found.bounds[0] <= values[0] + 1e-12
    assert found.method == oracle.gauss_newton_method == "jvp"
    diagonal = ll.hessian_diagonal(oracle, part="gauss_newton", max_products=400)
    off = abs(diagonal.values - np.diag(g))
    assert (off <= 6 * diagonal.standard_errors + 1e-9).all() and diagonal.relative_error < 0.3
    trace = ll.hessian_trace(oracle, part="gauss_newton", max_products=60, confidence=0.9999)
    assert trace.interval[0] <= values.sum() <= trace.interval[1]
    parts = ll.gauss_newton_split(oracle, probes=4, trace_products=30)
    assert sum(parts.lowest) == pytest.approx(parts.hessian.lambda_min, rel=1e-6, abs=1e-9)
    assert parts.rest.lambda_min < 0 and parts.lowest[1] < 0 <= parts.lowest[0] + 1e-9
    assert_same(before, state(model))


@pytest.mark.parametrize("name", NETWORKS)
def test_ways_to_multiply_with_g_agree(name):
    model, loss_fn, data = NETWORKS[name]
    before = state(model)
    oracle = ll.torch.Oracle(model, loss_fn, data)
    v = np.random.default_rng(0).normal(size=oracle.theta.size)
    g = ll.hessian_product(oracle, v, part="gauss_newton")
    with oracle._session():
        products = {}
        for keep in (True, False):
            oracle._keep_graph = keep
            oracle._hessian_at(0, oracle.theta)
            for way in ("double backward", *(["jvp"] if oracle.gauss_newton_method == "jvp" else [])):
                oracle._outputs, oracle._plain_outputs = None, oracle.gauss_newton_method == "jvp"
                products[way, keep] = oracle._gauss_newton_by(way, 0, v)
                again = oracle._gauss_newton_by(way, 0, v)
                assert (again == products[way, keep]).all()
    for found in products.values():
        np.testing.assert_allclose(found, g, rtol=1e-8, atol=1e-9 * abs(g).max())
    assert name == "lstm" or oracle.gauss_newton_method == "jvp"
    u = np.random.default_rng(1).normal(size=oracle.theta.size)
    other = ll.hessian_product(oracle, u, part="gauss_newton")
    assert u @ g == pytest.approx(v @ other, rel=1e-9) and v @ g >= 0
    assert_same(before, state(model))


def test_outputs_in_any_form_have_parts():
    torch.manual_seed(0)

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, x):
            return {"logits": self.a(x).tanh(), "more": (self.b(x).sin(), 7, x)}

    def loss(out, y):
        return F.mse_loss(out["logits"], y) + (out["more"][0] ** 2).mean() + out["more"][2].mean()

    model = Two().double()
    data = (torch.randn(9, 3, dtype=torch.float64), torch.randn(9, 2, dtype=torch.float64))
    oracle = ll.torch.Oracle(model, loss, data)

    def dense(flat_of):
        names = [(slot.name, slot.range, slot.tensor.shape) for slot in oracle._slots]
        parts = {n: flat_of[r].view(s) for n, r, s in names}
        out = torch.func.functional_call(model, parts, (data[0],))
        return torch.cat([out["logits"].reshape(-1), out["more"][0].reshape(-1)])

    # ∇²ℓ is 2/18 for all 36 outputs.
    j = torch.autograd.functional.jacobian(dense, torch.from_numpy(oracle.theta)).numpy()
    v = np.arange(1.0, oracle.theta.size + 1)
    np.testing.assert_allclose(ll.hessian_product(oracle, v, part="gauss_newton"), j.T @ (j @ v) * 2 / 18, rtol=1e-10)
    linear = ll.torch.Oracle(model, lambda out, y: out["logits"].mean(), data)
    assert (ll.hessian_product(linear, v, part="gauss_newton") == 0).all()
    summed = ll.torch.Oracle(nn.Linear(3, 2).double(), nn.MSELoss(reduction="sum"), data)
    w = np.ones(8)
    np.testing.assert_allclose(
        ll.hessian_product(summed, w, part="gauss_newton"), ll.hessian_product(summed, w), rtol=1e-10
    )
    seeded = ll.torch.Oracle(
        nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 2)).double(),
        F.mse_loss, [data, data], mode="train", noise_seed=3,
    )
    w = np.random.default_rng(0).normal(size=seeded.theta.size)
    with seeded._session():
        seeded._keep_graph = True
    g = ll.hessian_product(seeded, w, part="gauss_newton")
    assert seeded.gauss_newton_method == "double backward"
    assert (g == ll.hessian_product(seeded, w, part="gauss_newton")).all() and w @ g > 0


def test_modules_without_parts_say_why():
    data = (torch.ones(4, 2), torch.zeros(4, 1))
    model = nn.Linear(2, 1)
    plain = state(model)
    step = ll.torch.Oracle(model, None, data, step=lambda m, b: m(b[0]).square().mean())
    assert not step.has_gauss_newton
    with pytest.raises(ll.ArgumentError, match="`step`"):
        ll.gauss_newton_split(step)

    class Odd:
        pass

    class Hidden(nn.Linear):
        def forward(self, x):
            odd = Odd()
            odd.logits = super().forward(x)
            return odd

    hidden = ll.torch.Oracle(Hidden(2, 1), lambda out, y: F.mse_loss(out.logits, y), data)
    with pytest.raises(TypeError, match="a Odd, has no tensors"):
        ll.gauss_newton_split(hidden)

    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, slope):
            return 2 * ctx.saved_tensors[0] * slope

    once = ll.torch.Oracle(model, lambda out, y: Once.apply(out - y).mean(), data)
    with pytest.raises(ll.ArgumentError, match="`Once` can be differentiated once only"):
        ll.gauss_newton_split(once)
    assert_same({**plain, "generator": torch.get_rng_state()}, state(model))


# Sharpness.


def test_sharpness_of_a_module():
    torch.manual_seed(0)
    x = torch.randn(40, 3, dtype=torch.float64)
    y = torch.randn(40, 1, dtype=torch.float64)
    design = torch.cat([x, torch.ones(40, 1, dtype=torch.float64)], 1)
    best = torch.linalg.lstsq(design, y).solution
    model = nn.Linear(3, 1).double()
    with torch.no_grad():
        model.weight.copy_(best[:3].T), model.bias.copy_(best[3])
    before = state(model)
    oracle = ll.torch.Oracle(model, F.mse_loss, [(x[:25], y[:25]), (x[25:], y[25:])])
    h = (2 / 40 * design.T @ design).numpy()
    half = 0.05**2 / 2
    found = ll.sharpness(oracle, tolerance=1e-8)
    assert found.worst.value == pytest.approx(half * np.linalg.eigvalsh(h)[-1], rel=1e-5)
    assert found.average.interval[0] <= half * np.trace(h) <= found.average.interval[1]
    assert found.extremes.method == "double backward" and found.gradient_norm < 1e-12
    z = np.random.default_rng(0).normal(size=(5, 4))
    by_hand = np.mean([oracle(oracle.theta + 0.05 * one) for one in z]) - oracle()
    assert ll.average_sharpness(oracle, draws=list(z)).value == pytest.approx(by_hand, rel=1e-10)
    assert ll.sharpness(oracle, tolerance=1e-8) == found
    assert_same(before, state(model))


# Matching and barriers.


def chain(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    x, y = digits()
    model = nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2)),
        nn.ConvTranspose2d(6, 5, 3, padding=1), nn.PReLU(5), nn.GroupNorm(1, 5), nn.Flatten(), nn.Dropout(0.1),
        nn.Linear(5 * 16, 12), nn.LayerNorm(12), nn.Tanh(), nn.Linear(12, 10),
    ).double()
    return trained(model, F.cross_entropy, x, y, 10)


def test_units_of_chains_are_known_and_come_back():
    x, y = digits()
    model = chain(0)
    before = state(model)
    oracle = ll.torch.Oracle(model, F.cross_entropy, (x[:100], y[:100]))
    groups = ll.torch.unit_groups(model)
    assert [(group.name, group.units) for group in groups] == [("0.0", 6), ("1", 5), ("6", 12)]
    covered = {place[0] for group in groups for place in group.places}
    assert covered == {block.name for block in oracle.layout.blocks} - {"9.bias"}
    assert ("6.weight", 1, 0, 16, True) in groups[1].places and ("1.weight", 0, 0, 1, True) in groups[0].places
    check = ll.check_permutations(oracle, groups)
    assert check.error < 1e-12 and list(check.groups) == ["0.0", "1", "6"]
    shuffled = ll.permute(oracle, model, groups, seed=5)
    other = copy.deepcopy(model)
    other.load_state_dict(oracle.state_dict(shuffled))
    matched = ll.match_units(oracle, model, other, groups)
    assert (matched.theta == oracle.theta).all()
    # The barrier between a network and its permuted self is the units' order, and nothing else.
    matrix = ll.barrier_matrix(oracle, {"a": model, "b": other.state_dict(), "b matched": matched.theta}, points=7)
    assert matrix.heights[0, 1] > 0.01 and matrix.heights[0, 2] == 0
    assert matrix.heights[0, 1] == ll.barrier(ll.interpolate(oracle, model, other, (0, 1, 7)))["height"]
    assert_same(before, state(model))


def test_barriers_between_trained_networks(tmp_path):
    x, y = digits()
    models = {f"seed {seed}": chain(seed) for seed in range(3)}
    oracle = ll.torch.Oracle(
        models["seed 0"], F.cross_entropy, {"train": (x[:100], y[:100]), "test": (x[100:150], y[100:150])},
        batch_norm="reestimate",
    )
    before = state(models["seed 0"])
    first = ll.barrier_matrix(oracle, models, points=5, journals=tmp_path / "pairs")
    assert first.channel == "train loss" and (first.heights[np.triu_indices(3, 1)] > 0).all()
    test = ll.barrier_matrix(oracle, models, points=5, channel="test loss")
    assert test.channel == "test loss" and (test.heights != first.heights).any()
    assert sorted(path.name for path in (tmp_path / "pairs").iterdir()) == [
        f"pair-{i}-{j}.journal" for i, j in ((0, 1), (0, 2), (1, 2))
    ]
    matched = [models["seed 0"]] + [
        ll.match_units(oracle, models["seed 0"], models[f"seed {k}"], ll.torch.unit_groups(models["seed 0"])).theta
        for k in (1, 2)
    ]
    assert ll.barrier_matrix(oracle, matched, points=5).heights.max() != first.heights.max()
    assert_same(before, state(models["seed 0"]))


def test_units_that_only_forward_knows():
    linear = nn.Linear(4, 4)
    for model, why in [
        (NETWORKS["resnet20"][0], "no chain of layers"),
        (nn.Sequential(nn.Linear(4, 4), nn.Softmax(1), nn.Linear(4, 2)), "is not known"),
        (nn.Sequential(linear, nn.ReLU(), linear), "shares parameters"),
        (nn.Sequential(nn.Conv2d(4, 4, 3, groups=2), nn.Conv2d(4, 4, 3, groups=2)), "2 groups"),
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.Conv2d(4, 1, 3)), "in 2 groups"),
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.Linear(4, 2)), "last axis"),
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.LayerNorm(4), nn.Conv2d(4, 1, 3)), "does not normalise"),
        (nn.Sequential(nn.Linear(4, 3), nn.Linear(4, 2)), "4 inputs where 3 units"),
        (nn.Sequential(nn.Linear(4, 3), nn.Flatten(0), nn.Linear(3, 2)), "flattens"),
    ]:
        with pytest.raises(ll.LayoutError, match=why):
            ll.torch.unit_groups(model)


# Several points at once.


@pytest.mark.parametrize("name", NETWORKS)
def test_points_at_once_are_those_one_by_one(name):
    model, loss_fn, data = NETWORKS[name]
    before = state(model)
    metrics = {"most": lambda out, y: out.max()}
    one = ll.torch.Oracle(model, loss_fn, data, metrics=metrics)
    try:
        many = ll.torch.Oracle(model, loss_fn, data, metrics=metrics, points_at_once=5)
        plane = ll.random_directions(one, seed=1)
        fast = ll.grid_2d(many, plane, (-0.5, 0.5, 7), (-0.5, 0.5, 3))
    except ll.ArgumentError as error:
        # Recurrent layers have no rule for batches of weights.
        assert name == "lstm" and "Leave `points_at_once` at 1" in str(error)
        assert_same(before, state(model))
        return
    assert name != "lstm"
    slow = ll.grid_2d(one, plane, (-0.5, 0.5, 7), (-0.5, 0.5, 3))
    for channel in slow.channels:
        np.testing.assert_allclose(fast[channel], slow[channel], rtol=1e-12, atol=1e-12)
    a, b = oracle_ends(one)
    for sweep in (
        lambda o: ll.interpolate(o, a, b, 7),
        lambda o: ll.sweep_path(o, ll.Path("chain", [a, one.theta, b]), 7),
        lambda o: ll.line_1d(o, plane.first, 9, on_error="record"),
    ):
        np.testing.assert_allclose(sweep(many)["loss"], sweep(one)["loss"], rtol=1e-12)
    assert many._fingerprints != one._fingerprints
    assert_same(before, state(model))


def oracle_ends(oracle) -> tuple[np.ndarray, np.ndarray]:
    direction = ll.random_direction(oracle, seed=8).values
    return oracle.theta - 0.3 * direction, oracle.theta + 0.3 * direction


def test_a_stopped_sweep_of_several_points_goes_on_to_the_same_bits(tmp_path):
    torch.manual_seed(0)
    x, y = digits(torch.float32)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 7), nn.Tanh(), nn.Linear(7, 10))
    oracle = ll.torch.Oracle(model, F.cross_entropy, (x[:33], y[:33]), points_at_once=8)
    plane = ll.random_directions(oracle)
    whole = ll.grid_2d(oracle, plane, 11, 11)
    for stop in (3, 10, 61):
        seen = [0]

        def observer(progress):
            seen[0] += 1
            return seen[0] < stop

        journal = tmp_path / f"{stop}.journal"
        part = ll.grid_2d(oracle, plane, 11, 11, journal=journal, observer=observer)
        assert part.report["computed"] < 121
        assert ll.grid_2d(oracle, plane, 11, 11, journal=journal) == whole
    merged = [tmp_path / f"shard-{k}.journal" for k in range(3)]
    for k, path in enumerate(merged):
        ll.grid_2d(oracle, plane, 11, 11, journal=path, shard=(k, 3))
    assert ll.read_journal(*merged)["loss"].tobytes() == whole["loss"].tobytes()
    one = ll.torch.Oracle(model, F.cross_entropy, (x[:33], y[:33]))
    with pytest.raises(ll.JournalError):
        ll.grid_2d(one, plane, 11, 11, journal=tmp_path / "3.journal")


def test_dropout_draws_the_same_masks_for_all_points():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 9), nn.Dropout(0.4), nn.Linear(9, 1)).double()
    data = (torch.randn(8, 4, dtype=torch.float64), torch.randn(8, 1, dtype=torch.float64))
    given = {"mode": "train", "noise_seed": 7}
    one, many = (ll.torch.Oracle(model, F.mse_loss, data, points_at_once=k, **given) for k in (1, 4))
    line = ll.random_direction(one)
    np.testing.assert_allclose(ll.line_1d(many, line, 9)["loss"], ll.line_1d(one, line, 9)["loss"], rtol=1e-12)
    noisy = ll.torch.Oracle(model, F.mse_loss, data, points_at_once=4, mode="train", probe=False)
    before = state(model)
    with pytest.raises(ll.ArgumentError, match="4 points at once do not work here"):
        ll.line_1d(noisy, line, 9)
    assert_same(before, state(model))


def test_points_at_once_that_cannot_be():
    class Branches(nn.Linear):
        def forward(self, x):
            out = super().forward(x)
            return out if float(out.sum()) > 0 else -out

    data = (torch.ones(4, 2), torch.zeros(4, 1))
    branching = ll.torch.Oracle(Branches(2, 1), F.mse_loss, data, points_at_once=3)
    before = state(branching.model)
    with pytest.raises(ll.ArgumentError, match="3 points at once do not work here.*Leave"):
        ll.line_1d(branching, ll.random_direction(branching), 5)
    assert_same(before, state(branching.model))
    # A loss that looks at all points together is caught.
    counted = [0]

    def shifts(out, y):
        counted[0] += 1
        return F.mse_loss(out, y) + counted[0]

    odd = ll.torch.Oracle(nn.Linear(2, 1), shifts, data, points_at_once=3, probe=False)
    with pytest.raises(ll.ArgumentError, match="at θ alone and"):
        ll.line_1d(odd, ll.random_direction(odd), 5)
    for wrong in ({"points_at_once": 0}, {"points_at_once": 2, "batch_norm": "reestimate"}):
        with pytest.raises(ll.ArgumentError):
            ll.torch.Oracle(nn.Linear(2, 1), F.mse_loss, data, **wrong)


# Bad input: whatever fails, and wherever, the module is what it was.

EVERYTHING = {
    "line": lambda o: ll.line_1d(o, ll.random_direction(o), 9),
    "adaptive": lambda o: ll.adaptive_2d(o, ll.random_directions(o), 9, 9),
    "draws": lambda o: ll.draws(o, 3, 9),
    "segment": lambda o: ll.interpolate(o, o.theta, 2 * o.theta, 9),
    "ratio map": lambda o: ll.eigen_ratio_2d(o, ll.random_directions(o), 3, 3),
    "extremes": lambda o: ll.eigen_extremes(o),
    "part": lambda o: ll.eigen_extremes(o, part="gauss_newton"),
    "split": lambda o: ll.gauss_newton_split(o),
    "pairs": lambda o: ll.hessian_directions(o),
    "trace": lambda o: ll.hessian_trace(o),
    "diagonal": lambda o: ll.hessian_diagonal(o),
    "slice": lambda o: ll.slice_curvature(o, ll.random_directions(o)),
    "curvatures": lambda o: ll.directional_curvatures(o, 5),
    "across": lambda o: ll.gradient_directions(o, "eigenvector"),
    "density": lambda o: ll.spectral_density(o),
    "gradient": lambda o: [ll.gradient(o) for _ in range(9)],
    "check": lambda o: ll.check_derivatives(o),
    "average": lambda o: ll.average_sharpness(o),
    "worst": lambda o: ll.worst_sharpness(o),
    "sharpness": lambda o: ll.sharpness(o),
    "permutations": lambda o: ll.check_permutations(o, ll.torch.unit_groups(o.model)),
    "barriers": lambda o: ll.barrier_matrix(o, [o.theta, 2 * o.theta], points=9),
    "path": lambda o: ll.train_path(o, o.theta, 2 * o.theta, learning_rate=0.01, steps=9),
}


@pytest.mark.parametrize("how", ["exception", "ctrl-c", "lost"])
@pytest.mark.parametrize("name", EVERYTHING)
def test_whatever_fails_the_module_is_what_it_was(name, how, ctrl_c):
    torch.manual_seed(0)
    x, y = digits()
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3), nn.BatchNorm1d(3), nn.Dropout(0.2), nn.Linear(3, 10)).double()
    model[1].bias.requires_grad_(False)
    model.train()
    model(x[:9]).sum().backward()
    calls = [0]

    def loss(output, target):
        calls[0] += 1
        if calls[0] == 3 and how == "exception":
            raise LookupError("no loss today")
        if calls[0] == 3 and how == "ctrl-c":
            os.kill(os.getpid(), signal.SIGINT)
        value = F.cross_entropy(output, target)
        return value * float("nan") if calls[0] >= 3 and how == "lost" else value

    oracle = ll.torch.Oracle(model, loss, (x[:20], y[:20]), probe=False, products="double backward")
    before = state(model)
    if how == "lost":
        # NaN is a value, or an error that says so.
        with contextlib.suppress(ll.Error):
            EVERYTHING[name](oracle)
    else:
        with pytest.raises(LookupError if how == "exception" else KeyboardInterrupt):
            EVERYTHING[name](oracle)
    assert_same(before, state(model))
    assert model.training and oracle._flat is None
    # And it can be used again at once.
    calls[0] = 10
    if how != "lost":
        assert np.isfinite(oracle())


def test_a_loader_that_breaks_off_leaves_the_module_alone():
    x, y = digits()

    class Broken(torch.utils.data.Dataset):
        broken = False

        def __len__(self):
            return 40

        def __getitem__(self, k):
            if self.broken and k == 25:
                raise OSError("the disk is gone")
            return x[k], y[k]

    data = Broken()
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).double()
    before = state(model)
    with pytest.warns(ll.LoaderWarning, match="read again"):
        loader = torch.utils.data.DataLoader(data, batch_size=10)
        oracle = ll.torch.Oracle(model, F.cross_entropy, loader, memory_limit=1000)
    data.broken = True
    with pytest.raises(OSError, match="the disk is gone") as caught:
        ll.line_1d(oracle, ll.random_direction(oracle), 5)
    if sys.version_info >= (3, 11):
        assert any("of the sweep" in note for note in getattr(caught.value, "__notes__", ["of the sweep"]))
    assert_same(before, state(model))
    with pytest.raises(OSError):
        ll.torch.Oracle(model, F.cross_entropy, loader)
    assert_same(before, state(model))


def test_a_step_that_fails_when_the_oracle_is_made_leaves_nothing_behind():
    model = nn.Linear(2, 1)
    before = state(model)

    def step(module, batch):
        torch.rand(3)
        raise LookupError("no step")

    with pytest.raises(LookupError):
        ll.torch.Oracle(model, None, (torch.ones(4, 2), torch.zeros(4, 1)), step=step)
    assert_same(before, state(model))
