"""What is read off results and points without PyTorch: shapes, barriers, matchings, sharpness, parts of Hessians."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import loss_landscape as ll


def two_wells(points: int = 33) -> ll.Surface:
    at = np.linspace(-2, 2, points)
    wells = (at[:, None] ** 2 - 1) ** 2 + 0.1 * at[:, None] + at[None, :] ** 2
    return ll.Surface.from_arrays(at, at, {"loss": wells, "height": -wells})


# Topology.


def test_a_shape_is_that_of_a_flood():
    surface = two_wells()
    shape = ll.topology(surface)
    values = surface["loss"]
    left, right = shape.minima
    assert values[left.index] == left.value == values.min() and left.persistence == np.inf
    (pass_,) = shape.merges
    assert (pass_.ends, pass_.continues, pass_.between) == (1, 0, (1, 0))
    assert right.persistence == pytest.approx(pass_.value - right.value, abs=1e-15)
    # The pass is the lowest of the highest points of all ways from one side to the other.
    assert pass_.value == values[:, 16].min() or pass_.value == values.min(axis=1)[9:23].max()
    basins = shape.basins
    assert basins.shape == surface.shape and set(basins.reshape(-1)) == {0, 1}
    assert (basins == 0).sum() == left.basin_points and left.basin_share + right.basin_share == pytest.approx(1.0)
    assert [(p.dimension, p.birth) for p in shape.pairs] == [(0, left.value), (0, right.value)]
    assert shape.pairs[1].death == pass_.value and shape.pairs[1].death_index == pass_.index
    assert [(node.kind, node.parent) for node in shape.tree] == [("minimum", 2), ("minimum", 2), ("merge", None)]
    distance = shape.saddle_distance
    assert distance["height"] == pytest.approx((pass_.value - left.value + right.persistence) / 2)
    assert str(shape).startswith("shape of `loss`: 2 minima, 1 merge, 0 hills")


def test_noise_holes_neighbours_and_other_channels():
    surface = two_wells()
    hills = ll.topology(surface, "height").hills
    assert len(hills) == 2 and hills[1].persistence == pytest.approx(ll.topology(surface).minima[1].persistence)
    rng = np.random.default_rng(1)
    noisy = surface["loss"] + rng.normal(scale=0.05, size=surface.shape)
    errors = np.full(surface.shape, 0.05)
    measured = ll.Surface.from_arrays(surface.alpha, surface.beta, {"loss": noisy, "error": errors})
    assert len(ll.topology(measured).minima) > 2
    for kept in (ll.topology(measured, standard_error=0.05), ll.topology(measured, standard_errors="error")):
        assert len(kept.minima) == 2 and kept.left_out > 0
    assert len(ll.topology(measured, persistence_above=0.45).minima) == 2
    diagonal = ll.Surface.from_arrays(range(3), range(3), {"loss": [[0, 5, 5], [5, 1, 5], [5, 5, 2]]})
    assert len(ll.topology(diagonal).minima) == 1 and len(ll.topology(diagonal, neighbours=4).minima) == 3
    holed = surface["loss"]
    holed[16, :] = np.nan
    cut = ll.topology(ll.Surface.from_arrays(surface.alpha, surface.beta, {"loss": holed}))
    assert cut.holes == 33 and (cut.basins[16] == -1).all() and not cut.minima[0].certain
    assert [minimum.persistence for minimum in cut.minima] == [np.inf, np.inf] and cut.saddle_distance is None


def test_shapes_of_what_sweeps_give(tmp_path):
    oracle = ll.Oracle(np.array([0.3, -0.2]), lambda t: float(1 - np.cos(6 * t[0]) * np.cos(6 * t[1]) + t @ t / 9))
    plane = ll.Directions(ll.Direction(oracle, [1.0, 0.0]), ll.Direction(oracle, [0.0, 1.0]))
    curve = ll.line_1d(oracle, plane.first)
    assert len(ll.topology(curve).minima) > 1 and ll.topology(curve).basins.shape == (51, 1)
    adaptive = ll.adaptive_2d(oracle, plane, 41, 41)
    shape = ll.topology(adaptive)
    assert len(shape.minima) > 4
    adaptive.plot(tmp_path / "minima.svg", critical_points=shape)
    adaptive.plot(tmp_path / "minima.png", kind="surface", critical_points=shape)
    assert adaptive.svg(critical_points=shape) != adaptive.svg()


def test_shapes_are_kept_and_drawn(tmp_path):
    shape = ll.topology(two_wells())
    for ending in ("json", "npz", "csv"):
        shape.save(tmp_path / f"shape.{ending}")
        assert ll.Topology.load(tmp_path / f"shape.{ending}") == shape
    assert pickle.loads(pickle.dumps(shape)) == shape and shape != ll.topology(two_wells(), "height")
    assert np.load(tmp_path / "shape.npz")["minimum_value"].tolist() == [m.value for m in shape.minima]
    assert shape.svg(title="Two wells", floor=0.1).startswith("<svg") and "<svg" in shape._repr_html_()
    shape.plot(tmp_path / "tree.pdf", "merge_tree")
    assert (tmp_path / "tree.pdf").read_bytes().startswith(b"%PDF")


def test_shapes_that_are_refused(tmp_path):
    surface = two_wells(5)
    for wrong in (
        {"channel": "accuracy"},
        {"neighbours": 6},
        {"persistence_above": -1.0},
        {"standard_error": -1.0},
        {"standard_errors": "loss", "standard_error": 1.0},
        {"standard_errors": "none"},
        {"confidence": 1.5},
    ):
        with pytest.raises(ll.ArgumentError):
            ll.topology(surface, **wrong)
    with pytest.raises(ll.ArgumentError):
        ll.topology(surface["loss"])
    shape = ll.topology(surface)
    for call in (lambda p: shape.svg("tree"), lambda p: shape.plot(p / "a.jpg"), lambda p: shape.save(p / "a.txt")):
        with pytest.raises(ll.ArgumentError):
            call(tmp_path)
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(ll.FormatError):
        ll.Topology.load(tmp_path / "bad.json")


# Barriers.


def ring(t: np.ndarray) -> float:
    return float((t @ t - 1) ** 2)


def test_a_matrix_holds_the_barriers_of_all_pairs(tmp_path):
    oracle = ll.Oracle(np.array([1.0, 0.0]), ring)
    points = {"east": [1.0, 0.0], "north": [0.0, 1.0], "west": [-1.0, 0.0]}
    matrix = ll.barrier_matrix(oracle, points, points=21)
    assert matrix.names == ["east", "north", "west"] and len(matrix) == 3 and matrix.channel == "loss"
    for i, a in enumerate(points):
        for j, b in enumerate(points):
            if i < j:
                curve = ll.interpolate(oracle, points[a], points[b], (0, 1, 21))
                assert matrix.curve(a, b) == curve == matrix.curve(j, i)
                assert matrix.barrier(i, j) == ll.barrier(curve)
                assert matrix.heights[i, j] == matrix.heights[j, i] == ll.barrier(curve)["height"]
    assert matrix.highest == ("east", "west") and matrix.heights[0, 2] == pytest.approx(1.0)
    assert (np.diag(matrix.heights) == 0).all() and not matrix.missing.any()
    assert matrix.barrier(0, 0) is None and matrix.curve("east", "east") is None
    assert str(matrix).startswith("barriers of `loss`") and "<svg" in matrix._repr_html_()
    matrix.plot(tmp_path / "matrix.svg", title="Barriers", y_label="height")
    for ending in ("json", "npz", "csv"):
        matrix.save(tmp_path / f"matrix.{ending}")
    for again in (ll.BarrierMatrix.load(tmp_path / "matrix.json"), pickle.loads(pickle.dumps(matrix))):
        assert (again.heights == matrix.heights).all() and again.curve(0, 1) == matrix.curve(0, 1)
    assert ll.barrier_matrix(oracle, list(points.values()), points=5).names == ["0", "1", "2"]


def test_barriers_of_bad_points_and_bad_arguments(tmp_path):
    def loss(t):
        if t[0] < -0.5:
            raise ValueError("no value in the west")
        return ring(t)

    oracle = ll.Oracle(np.array([1.0, 0.0]), loss)
    points = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]
    with pytest.raises(ValueError, match="west"):
        ll.barrier_matrix(oracle, points)
    matrix = ll.barrier_matrix(oracle, points, points=11, on_error="record")
    assert np.isnan(matrix.heights[0, 2]) and matrix.missing[0, 2] > 0 and matrix.barrier(0, 2) is None
    assert matrix.heights[0, 1] > 0 and matrix.highest == ("0", "1")
    for wrong in (points[:1], [[1.0], [2.0]]):
        with pytest.raises(ll.ArgumentError):
            ll.barrier_matrix(oracle, wrong)
    for more in ({"journal": "a"}, {"shard": (0, 2)}, {"channel": "accuracy"}, {"points": 1}):
        with pytest.raises(ll.Error):
            ll.barrier_matrix(oracle, points[:2], **more)
    for name in ("south", 3):
        with pytest.raises(ll.ArgumentError):
            matrix.curve("0", name)
    with pytest.raises(ll.ArgumentError):
        matrix.save(tmp_path / "matrix.txt")
    (tmp_path / "bad.json").write_text('{"names": []}')
    with pytest.raises(ll.FormatError):
        ll.BarrierMatrix.load(tmp_path / "bad.json")


def test_ctrl_c_keeps_the_pairs_that_are_done(tmp_path, ctrl_c):
    calls = [0]

    def loss(t):
        calls[0] += 1
        if calls[0] == 15:
            os.kill(os.getpid(), signal.SIGINT)
        return ring(t)

    oracle, points = ll.Oracle(np.array([1.0, 0.0]), loss), [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]
    with pytest.raises(ll.Interrupted, match="1 of 3 pairs") as caught:
        ll.barrier_matrix(oracle, points, points=11, journals=tmp_path / "pairs")
    kept = caught.value.result
    assert kept.curve(0, 1).complete and kept.curve(1, 2) is None and np.isnan(kept.heights[1, 2])
    calls[0] = 100
    whole = ll.barrier_matrix(oracle, points, points=11, journals=tmp_path / "pairs")
    assert calls[0] - 100 <= 22 - 3 and whole.heights[0, 1] == kept.heights[0, 1]
    plain = ll.barrier_matrix(ll.Oracle(np.array([1.0, 0.0]), ring), points, points=11)
    assert (whole.heights == plain.heights).all()
    stopped = ll.barrier_matrix(oracle, points, points=11, observer=lambda progress: False)
    assert stopped.curve(0, 1).report["computed"] == 1 and stopped.curve(0, 2) is None


# Matching.

SHAPES = {"w1": (5, 3), "b1": (5,), "w2": (4, 5), "b2": (4,), "w3": (2, 4)}


def network() -> tuple[ll.Oracle, list[ll.UnitGroup]]:
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    x = rng.normal(size=(3, 7))

    def loss(p):
        first = np.tanh(p["w1"] @ x + p["b1"][:, None])
        return float((np.tanh(p["w2"] @ first + p["b2"][:, None]).T @ p["w3"].T).sum())

    oracle = ll.Oracle(arrays, loss, ll.Layout.from_arrays(arrays, filter_axis=0))
    groups = [
        ll.UnitGroup("first", 5).axis("w1", 0).axis("b1", 0).axis("w2", 1),
        ll.UnitGroup("second", 4).axis("w2", 0).axis("b2", 0).axis("w3", 1),
    ]
    return oracle, groups


def test_a_permuted_network_comes_back_to_the_bit():
    oracle, groups = network()
    assert ll.check_permutations(oracle, groups).error < 1e-13
    shuffled = ll.permute(oracle, oracle.theta, groups, seed=3)
    assert oracle(shuffled) == pytest.approx(oracle(), rel=1e-12) and (shuffled != oracle.theta).any()
    matched = ll.match_units(oracle, oracle.theta, shuffled, groups)
    assert (matched.theta == oracle.theta).all() and matched.cosine == pytest.approx(1.0)
    assert matched.cosine_before < 0.99 and matched.converged and matched.moved > 0
    assert "units in 2 groups moved" in str(matched)
    again = ll.permute(oracle, shuffled, groups, matched.orders)
    assert (again == matched.theta).all()
    parts = oracle.split(ll.permute(oracle, oracle.theta, groups, {"second": [3, 2, 1, 0]}))
    before = oracle.split(oracle.theta)
    assert (parts["w2"] == before["w2"][::-1]).all() and (parts["w3"] == before["w3"][:, ::-1]).all()
    assert (parts["w1"] == before["w1"]).all()
    rounded = ll.Oracle(oracle.theta.astype(np.float32), lambda t: 0.0, oracle.layout)
    one = ll.match_units(rounded, rounded.theta, ll.permute(rounded, rounded.theta, groups, seed=1), groups)
    assert one.theta.dtype == np.float32 and (one.theta == rounded.theta).all()


def test_groups_that_are_wrong_are_told():
    oracle, groups = network()
    forgotten = ll.UnitGroup("first", 5).axis("w1", 0).axis("w2", 1)
    check = ll.check_permutations(oracle, [forgotten, groups[1]])
    assert check.worst in ("first", None) and check.error > 1e-3 and abs(check.groups["second"] - check.loss) < 1e-12
    theta = oracle.theta
    for wrong in (
        [ll.UnitGroup("g", 4).axis("w1", 0)],
        [ll.UnitGroup("g", 5).axis("w1", 2)],
        [ll.UnitGroup("g", 5).axis("none", 0)],
        [ll.UnitGroup("g", 0)],
        [ll.UnitGroup("g", -1)],
        [groups[0], groups[0]],
        ["w1"],
    ):
        with pytest.raises(ll.ArgumentError):
            ll.permute(oracle, theta, wrong, seed=1)
    for orders in ({"third": [0]}, {"first": [0, 1]}, {"first": [0, 0, 1, 2, 3]}, {"first": [0, 1, 2, 3, -1]}):
        with pytest.raises(ll.ArgumentError):
            ll.permute(oracle, theta, groups, orders)
    with pytest.raises(ll.ArgumentError):
        ll.UnitGroup("g", 5).axis("w1", -1)
    for more in ({"starts": 0}, {"mask": "none"}):
        with pytest.raises(ll.ArgumentError):
            ll.match_units(oracle, theta, theta, groups, **more)
    with pytest.raises(ll.ArgumentError):
        ll.match_units(oracle, theta * np.nan, theta, groups)
    for similarity in ([1.0], [[1.0, 2.0]], [[np.nan]]):
        with pytest.raises(ll.ArgumentError):
            ll.assignment(similarity)


def test_assignments_are_the_best():
    import itertools

    values = np.random.default_rng(2).normal(size=(6, 6))
    best = max(itertools.permutations(range(6)), key=lambda p: values[range(6), p].sum())
    assert ll.assignment(values) == list(best)


# Sharpness.


def bowl(**more) -> ll.Oracle:
    h = np.arange(1.0, 5.0)
    return ll.Oracle(
        np.full(4, 2.0), lambda t: (t - 2) @ (h * (t - 2)) / 2, gradient=lambda t: h * (t - 2), **more
    )


@pytest.mark.parametrize(("scale", "c"), [("plain", 1.0), ("relative", 2.0)])
@pytest.mark.parametrize("own", [True, False])
def test_sharpness_of_a_quadratic_is_known(scale, c, own):
    h = np.arange(1.0, 5.0)
    oracle = bowl(**({"hessian_product": lambda t, v: h * v} if own else {}))
    half = 0.1**2 / 2 * c**2
    found = ll.sharpness(oracle, 0.1, scale=scale, tolerance=1e-9)
    assert found.worst.value == pytest.approx(half * 4, rel=1e-6) and found.worst.reach == pytest.approx(1.0)
    assert found.quadratic_worst == pytest.approx(half * 4, rel=1e-6)
    assert found.quadratic_average == pytest.approx(half * 10, rel=1e-6)
    assert found.average.interval[0] <= half * 10 <= found.average.interval[1]
    assert found.average == ll.average_sharpness(oracle, 0.1, scale=scale)
    assert found.gradient_norm == 0 and found.loss == 0 and len(found.worst.rises) == 10
    assert found.extremes.method == ("own" if own else "differences of gradients")
    assert (found.extremes.product_error > 0) != own
    assert "generalisation" in str(found)
    worst = ll.worst_sharpness(oracle, 0.1, scale=scale, restarts=3)
    assert worst.value == pytest.approx(half * 4, rel=1e-6) and len(worst.rises) == 3


def test_draws_of_yours_masks_and_antithetic_pairs():
    oracle = bowl()
    z = np.random.default_rng(0).normal(size=(7, 4))
    at = np.full(4, 1.5)
    mine = ll.average_sharpness(oracle, 0.2, theta=at, draws=list(z))
    assert mine.value == pytest.approx(np.mean([oracle(at + 0.2 * one) for one in z]) - oracle(at), rel=1e-12)
    assert (mine.draws, mine.counted, mine.bad) == (7, 7, 0)
    both = ll.average_sharpness(oracle, 0.2, theta=at, draws=list(z), antithetic=True)
    pairs = [(oracle(at + 0.2 * one) + oracle(at - 0.2 * one)) / 2 for one in z]
    assert both.value == pytest.approx(np.mean(pairs) - oracle(at), rel=1e-12)
    assert both.standard_error < mine.standard_error
    arrays = {"a": np.full(2, 2.0), "b": np.full(2, 2.0)}
    layout = ll.Layout.from_arrays(arrays, filter_axis=0)
    blocks = ll.Oracle(arrays, lambda p: float((p["a"] - 2) @ (p["a"] - 2) + 9 * ((p["b"] - 2) ** 2).sum()), layout)
    masked = ll.average_sharpness(blocks, 0.1, mask="a", draws=500)
    assert masked.interval[0] <= 0.02 <= masked.interval[1] and masked.value < 0.05


def test_sharpness_calls_from_one_thread_and_stops_at_exceptions():
    threads, calls = set(), [0]

    def loss(t):
        threads.add(threading.get_ident())
        calls[0] += 1
        if calls[0] == 20:
            raise LookupError("in a draw")
        return float(t @ t)

    oracle = ll.Oracle(np.ones(3), loss, gradient=lambda t: 2 * t)
    with pytest.raises(LookupError, match="in a draw"):
        ll.average_sharpness(oracle)
    assert calls[0] == 20 and threads == {threading.get_ident()}
    calls[0] = 15
    with pytest.raises(LookupError):
        ll.worst_sharpness(oracle)
    assert calls[0] == 20
    gone = ll.Oracle(np.zeros(1), lambda t: np.nan if t[0] > 0 else float(t[0] ** 2))
    half = ll.average_sharpness(gone)
    assert 0 < half.counted < half.draws == 100 and half.bad == 100 - half.counted


def test_ctrl_c_stops_sharpness(ctrl_c):
    calls = [0]

    def loss(t):
        calls[0] += 1
        if calls[0] == 10:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        return float(t @ t)

    with pytest.raises(KeyboardInterrupt):
        ll.average_sharpness(ll.Oracle(np.ones(2), loss))
    assert calls[0] == 10


def _everything() -> list:
    """What runs on threads of its own, as plain values."""
    oracle, groups = network()
    shuffled = ll.permute(oracle, oracle.theta, groups, seed=2)
    matched = ll.match_units(oracle, oracle.theta, shuffled, groups)
    sharp = ll.sharpness(bowl(), 0.1)
    basins = ll.topology(two_wells(65)).basins
    return [matched.orders, str(sharp), basins.tolist(), ll.gauss_newton_split(cubes()).products]


def _in_child(queue) -> None:
    queue.put(_everything())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_works_after_a_fork_and_in_a_pool():
    before = _everything()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(queue,))
    child.start()
    assert queue.get(timeout=60) == before
    child.join(timeout=60)
    with ThreadPoolExecutor(3) as pool:
        assert all(found == before for found in pool.map(lambda _: _everything(), range(6)))


def test_sharpness_that_is_refused():
    for call in (ll.average_sharpness, ll.worst_sharpness, ll.sharpness):
        for more in ({"radius": 0.0}, {"radius": float("nan")}, {"scale": "round"}, {"mask": "none"}, {"data": "x"}):
            with pytest.raises(ll.ArgumentError):
                call(bowl(), **more)
    with pytest.raises(ll.ArgumentError, match="0"):
        ll.average_sharpness(bowl(), theta=np.zeros(4), scale="relative")
    for call in (ll.worst_sharpness, ll.sharpness):
        with pytest.raises(ll.ArgumentError, match="gradient"):
            call(ll.Oracle(np.ones(2), lambda t: 0.0))
    for wrong in (0, [], [[1.0]], [[np.nan] * 4]):
        with pytest.raises(ll.ArgumentError):
            ll.average_sharpness(bowl(), draws=wrong)
    with pytest.raises(ll.OracleFailure):
        ll.average_sharpness(ll.Oracle(np.ones(2), lambda t: np.nan))


# Parts of the Hessian.


def cubes(**more) -> ll.Oracle:
    """Outputs t³ that should be 1: G = 9t⁴, R = 6t·(t³ − 1)."""
    theta = np.array([0.5, 0.8, 1.0, 1.2])
    return ll.Oracle(
        theta,
        lambda t: float(((t**3 - 1) ** 2).sum() / 2),
        gradient=lambda t: (t**3 - 1) * 3 * t**2,
        gauss_newton_product=lambda t, v: 9 * t**4 * v,
        **more,
    )


@pytest.mark.parametrize("own", [True, False])
def test_parts_of_a_hessian_are_known(own):
    more = {"hessian_product": lambda t, v: (9 * t**4 + 6 * t * (t**3 - 1)) * v} if own else {}
    oracle = cubes(**more)
    t = oracle.theta
    g, r = 9 * t**4, 6 * t * (t**3 - 1)
    close = {"rel": 1e-6, "abs": 1e-6}
    for part, spectrum in [("hessian", g + r), ("gauss_newton", g), ("rest", r)]:
        found = ll.eigen_extremes(oracle, part=part, tolerance=1e-9)
        assert (found.lambda_min, found.lambda_max) == (
            pytest.approx(spectrum.min(), **close),
            pytest.approx(spectrum.max(), **close),
        )
        assert found.bounds[0] <= spectrum.min() + 1e-12 and spectrum.max() - 1e-12 <= found.bounds[1]
        assert (found.product_error == 0) == (own or part == "gauss_newton")
        assert ll.hessian_trace(oracle, part=part).value == pytest.approx(spectrum.sum(), **close)
        pairs = ll.eigenpairs(oracle, 1, 1, part=part)
        assert pairs.values == pytest.approx([spectrum.min(), spectrum.max()], **close)
        assert abs(pairs.directions[1].values).argmax() == spectrum.argmax()
        low, high = ll.spectral_density(oracle, part=part).range
        assert (low, high) == (pytest.approx(spectrum.min(), **close), pytest.approx(spectrum.max(), **close))
        v = np.arange(1.0, 5.0)
        np.testing.assert_allclose(ll.hessian_product(oracle, v, part=part), spectrum * v, rtol=1e-6, atol=1e-6)
        assert ll.hessian_trace(oracle, part=part, mask="theta").value == pytest.approx(spectrum.sum(), **close)
    parts = ll.gauss_newton_split(oracle, tolerance=1e-9)
    assert parts.lowest == pytest.approx((g[0], r[0]), **close)
    assert parts.highest == pytest.approx((g[3], r[3]), **close)
    assert parts.trace_share == pytest.approx(g.sum() / (g + r).sum(), **close) and parts.parameters == 4
    assert parts.gauss_newton.lambda_max == pytest.approx(g.max(), **close)
    assert (parts.gauss_newton.method, parts.rest.method) == ("own", f"{oracle.product_method}, less own")
    assert str(parts).startswith("The Hessian over 4 parameters is H = G + R")


def test_parts_that_are_refused():
    without = ll.Oracle(np.ones(2), lambda t: float(t @ t), gradient=lambda t: 2 * t)
    assert not without.has_gauss_newton and cubes().has_gauss_newton
    for call in (ll.gauss_newton_split, lambda o: ll.eigen_extremes(o, part="gauss_newton")):
        with pytest.raises(ll.ArgumentError, match="gauss_newton_product="):
            call(without)
    for call in (ll.eigen_extremes, ll.hessian_trace, ll.spectral_density, ll.eigenpairs):
        with pytest.raises(ll.ArgumentError, match="part of a Hessian"):
            call(cubes(), part="half")
    for more in ({"probes": 1}, {"mask": "none"}, {"tolerance": -1.0}):
        with pytest.raises(ll.ArgumentError):
            ll.gauss_newton_split(cubes(), **more)
    short = cubes()
    short._gauss_newton_of = lambda t, v: v[:2]
    with pytest.raises(ll.ArgumentError, match="product with G has shape"):
        ll.gauss_newton_split(short)

    def breaks(t, v):
        raise LookupError("no product today")

    short._gauss_newton_of = breaks
    with pytest.raises(LookupError):
        ll.gauss_newton_split(short)


# Planes.


def test_what_planes_show_is_known():
    h = np.arange(30) - 2.0
    theta = np.full(30, 0.01)
    oracle = ll.Oracle(
        theta, lambda t: t @ (h * t) / 2, gradient=lambda t: h * t, hessian_product=lambda t, v: h * v
    )
    plane = ll.Directions(ll.Direction(oracle, 2 * np.eye(30)[0]), ll.Direction(oracle, np.eye(30)[29] + np.eye(30)[0]))
    found = ll.slice_curvature(oracle, plane, (0.5, 0.25), tolerance=1e-9)
    np.testing.assert_allclose(found.matrix, [[-8.0, -4.0], [-4.0, 25.0]], atol=1e-12)
    assert found.curvatures == pytest.approx((-2.0, 27.0)) and found.convex is False
    assert found.energy_share == pytest.approx((4 + 27**2) / (h @ h)) and found.parameters == 30
    assert found.extremes.lambda_max == pytest.approx(27.0) and "not convex" in str(found)
    flat = ll.slice_curvature(oracle, ll.Directions(plane.first, plane.first))
    assert flat.convex is None and np.isnan(flat.curvatures).all() and "span no plane" in str(flat)
    curvatures = ll.directional_curvatures(oracle, 5, seed=3)
    lines = [ll.random_direction(oracle, seed=3, stream=k).values for k in range(5)]
    assert curvatures == pytest.approx([d @ (h * d) for d in lines], rel=1e-12)
    across = ll.gradient_directions(oracle, "eigenvector")
    gradient = h * theta / np.linalg.norm(h * theta)
    np.testing.assert_allclose(across.first.values, gradient, rtol=1e-12)
    assert abs(across.cosine) < 1e-12 and abs(across.second.values).argmax() == 29


@pytest.mark.parametrize("part", ["hessian", "gauss_newton", "rest"])
def test_diagonals_are_known(part):
    oracle = cubes()
    t = oracle.theta
    expected = {"gauss_newton": 9 * t**4, "rest": 6 * t * (t**3 - 1)}
    expected["hessian"] = expected["gauss_newton"] + expected["rest"]
    found = ll.hessian_diagonal(oracle, part=part, tolerance=0.01)
    assert found.values == pytest.approx(expected[part], rel=1e-6, abs=1e-6) and found.values.shape == t.shape
    assert found.end == "Exact" and found.relative_error == 0 and not found.standard_errors.any()
    arrays = {"a": np.ones(2), "b": np.ones(3)}
    blocks = ll.Oracle(
        arrays, lambda p: float((p["a"] ** 2).sum() + 3 * (p["b"] ** 2).sum()),
        ll.Layout.from_arrays(arrays, filter_axis=0), gradient=lambda p: {"a": 2 * p["a"], "b": 6 * p["b"]},
    )
    masked = blocks.split(ll.hessian_diagonal(blocks, mask="b", max_products=20).values)
    assert masked["a"].tolist() == [0, 0] and masked["b"] == pytest.approx(np.full(3, 6.0), rel=1e-6)


def test_planes_that_are_refused():
    oracle = bowl()
    plane = ll.random_directions(oracle)
    for call in (
        lambda: ll.slice_curvature(oracle, plane, (np.nan, 0.0)),
        lambda: ll.slice_curvature(oracle, plane, probes=1),
        lambda: ll.slice_curvature(oracle, plane, mask="none"),
        lambda: ll.gradient_directions(oracle, "second"),
        lambda: ll.gradient_directions(ll.Oracle(np.ones(2), lambda t: 0.0)),
        lambda: ll.directional_curvatures(oracle, 0),
        lambda: ll.hessian_diagonal(oracle, max_products=1),
        lambda: ll.hessian_diagonal(oracle, tolerance=-1.0),
        lambda: ll.hessian_diagonal(oracle, part="gauss_newton"),
    ):
        with pytest.raises(ll.ArgumentError):
            call()
    with pytest.raises(ll.OracleFailure, match="gradient"):
        ll.gradient_directions(oracle)  # at its minimum


# Several points at once.


def test_points_at_once_are_those_one_by_one(tmp_path):
    scale = np.arange(1.0, 7.0)
    sizes = []

    def losses(thetas):
        sizes.append(len(thetas))
        return np.sin(thetas @ scale) + (thetas**2).sum(axis=1)

    theta = np.linspace(0.5, 1.5, 6)
    one = ll.Oracle(theta, lambda t: float(np.sin(t @ scale) + (t**2).sum()))
    many = ll.Oracle(theta, one._loss, losses=losses, points_at_once=8)
    plane = ll.random_directions(one)
    sweeps = {
        "plane": lambda o: ll.grid_2d(o, plane, 9, 9),
        "line": lambda o: ll.line_1d(o, plane.first, 50),
        "segment": lambda o: ll.interpolate(o, theta, 2 * theta, 21),
        "path": lambda o: ll.sweep_path(o, ll.Path("bezier", [theta, 0 * theta, -theta]), 21),
        "adaptive": lambda o: ll.adaptive_2d(o, plane, 21, 21),
    }
    for name, sweep in sweeps.items():
        first, second = sweep(one), sweep(many)
        np.testing.assert_allclose(second["loss"], first["loss"], rtol=1e-12, atol=1e-12, err_msg=name)
        assert second == sweep(many)
    lines = ll.draws(many, 3, alpha=9)
    np.testing.assert_allclose(lines["loss"], ll.draws(one, 3, alpha=9)["loss"], rtol=1e-12)
    assert set(sizes) == {8}


def test_points_at_once_with_names_channels_and_data():
    arrays = {"w": np.ones((2, 3)), "b": np.zeros(3)}
    layout = ll.Layout.from_arrays(arrays, filter_axis=-1)
    data = {"train": np.ones((4, 2)), "test": np.full((5, 2), 2.0)}

    def losses(p, x):
        assert p["w"].shape == (4, 2, 3) and p["b"].shape == (4, 3)
        out = np.einsum("ni,kij->knj", x, p["w"]) + p["b"][:, None]
        return {"loss": (out**2).mean(axis=(1, 2)), "top": out.max(axis=(1, 2))}

    def loss(p, x):
        out = x @ p["w"] + p["b"]
        return {"loss": (out**2).mean(), "top": out.max()}

    given = {"channels": ["loss", "top"], "data": data}
    one = ll.Oracle(arrays, loss, layout, **given)
    many = ll.Oracle(arrays, loss, layout, losses=losses, points_at_once=4, **given)
    plane = ll.random_directions(one)
    first, second = ll.grid_2d(one, plane, 5, 7), ll.grid_2d(many, plane, 5, 7)
    assert first.channels == second.channels
    for channel in first.channels:
        np.testing.assert_allclose(second[channel], first[channel], rtol=1e-12)


def test_an_exception_among_several_points_has_its_own(tmp_path):
    def losses(thetas):
        if (abs(thetas[:, 0] - 0.5) < 1e-12).any():
            raise LookupError("half")
        return thetas[:, 0]

    oracle = ll.Oracle(np.zeros(1), lambda t: float(t[0]), losses=losses, points_at_once=5)
    direction = ll.Direction(oracle, [1.0])
    with pytest.raises(LookupError) as caught:
        ll.line_1d(oracle, direction, (0, 1, 41), journal=tmp_path / "line.journal")
    if sys.version_info >= (3, 11):
        assert "α = 0.5" in caught.value.__notes__[0]
    recorded = ll.line_1d(oracle, direction, (0, 1, 41), on_error="record")
    assert [bad["index"][0] for bad in recorded.bad_points] == [20] and np.isnan(recorded["loss"]).sum() == 1


def test_points_at_once_that_are_refused():
    def oracle(losses=lambda t: t[:, 0], points_at_once=4, **more):
        return ll.Oracle(np.zeros(1), lambda t: float(t[0]), losses=losses, points_at_once=points_at_once, **more)

    for wrong in (
        {"points_at_once": 0},
        {"points_at_once": 2.5},
        {"points_at_once": True},
        {"points_at_once": 1},
        {"losses": None},
        {"losses": 3},
    ):
        with pytest.raises(ll.ArgumentError):
            oracle(**wrong)
    line = ll.Direction(oracle(), [1.0])
    for losses in (lambda t: t, lambda t: t[:2, 0], lambda t: t[:, 0] * 1j, lambda t: np.array(["a"] * len(t))):
        with pytest.raises(TypeError):
            odd = oracle(losses=losses) if losses(np.ones((4, 1))).shape != (4, 1) else oracle(losses=lambda t: t.T)
            ll.line_1d(odd, line, 9)
    with pytest.raises(ll.ArgumentError, match="channels"):
        ll.line_1d(oracle(losses=lambda t: {"loss": t[:, 0]}, channels=["loss", "other"]), line, 9)
