"""Oracles of numpy: sweeps, journals, files, figures, exceptions, interruption."""

from __future__ import annotations

import io
import multiprocessing
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import loss_landscape as ll


def bowl(n: int = 6, **more) -> ll.Oracle:
    scale = np.arange(1.0, n + 1)
    return ll.Oracle(np.linspace(0.5, 1.5, n), lambda t: float(t @ (scale * t)), **more)


def saddle(**more) -> ll.Oracle:
    h = np.array([1.0, 4.0, -2.0, 0.5])
    return ll.Oracle(np.ones(4), lambda t: t @ (h * t) / 2, gradient=lambda t: h * t, **more)


# Values.


def test_a_surface_is_the_loss_at_every_point():
    oracle = bowl()
    plane = ll.random_directions(oracle, seed=3)
    surface = ll.grid_2d(oracle, plane, alpha=(-1, 1, 5), beta=[0.0, 0.25, 2.0])
    first, second = plane
    for i, a in enumerate(surface.alpha):
        for j, b in enumerate(surface.beta):
            assert surface["loss"][i, j] == oracle(oracle.theta + a * first.values + b * second.values)
    assert surface.shape == (5, 3) and surface.complete and surface.computed.all()
    assert surface.report["provenance"]["directions"][0]["source"] == {"random": {"seed": 3, "stream": 0}}


def test_float32_stays_float32():
    seen = set()
    oracle = ll.Oracle(np.ones(3, np.float32), lambda t: seen.add(t.dtype) or float(t @ t))
    curve = ll.line_1d(oracle, ll.random_direction(oracle), alpha=3)
    assert seen == {np.dtype(np.float32)} and curve.report["provenance"]["scalar"] == "f32"


def test_named_arrays_data_sets_and_channels():
    arrays = {"w": np.ones((2, 3)), "b": np.zeros(3)}
    layout = ll.Layout.from_arrays(arrays, filter_axis=-1)
    x = np.arange(8.0).reshape(4, 2)

    def loss(parameters, data):
        inputs, scale = data
        output = inputs @ parameters["w"] + parameters["b"]
        return {"loss": scale * (output**2).mean(), "mean": output.mean()}

    data = {"train": (x, 1.0), "test": (x + 1, 2.0)}
    oracle = ll.Oracle(arrays, loss, layout, channels=["loss", "mean"], data=data)
    curve = ll.line_1d(oracle, ll.random_direction(oracle), alpha=3)
    assert curve.channels == ["train loss", "train mean", "test loss", "test mean"]
    assert curve["loss"][1] == curve["train loss"][1] == loss(arrays, data["train"])["loss"]
    assert curve["test mean"][1] == loss(arrays, data["test"])["mean"]
    assert None not in oracle._fingerprints
    # Filters are columns: each has the norm of that column of θ.
    direction = oracle.split(ll.random_direction(oracle).values)["w"]
    np.testing.assert_allclose(np.linalg.norm(direction, axis=0), np.linalg.norm(arrays["w"], axis=0))


def test_interpolation_ends_in_its_ends():
    oracle = bowl()
    a, b = np.arange(6.0), np.ones(6)
    curve = ll.interpolate(oracle, a, b, alpha=[0.0, 0.5, 1.0])
    assert curve["loss"].tolist() == [oracle(a), oracle((a + b) / 2), oracle(b)]
    assert ll.interpolate(oracle, a, b).shape == (101,)


def test_threads_and_calls_give_the_same_bits():
    oracle = bowl()
    plane = ll.random_directions(oracle)
    one, three = (ll.grid_2d(oracle, plane, alpha=9, beta=9, threads=n) for n in (1, 3))
    assert one == three and three.report["threads"] == 3


def test_the_lock_of_python_is_free_between_calls():
    ticks = []
    stop = threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(1)
            time.sleep(0.0005)

    thread = threading.Thread(target=tick)
    oracle = saddle(hessian_product=lambda t, v: np.array([1.0, 4.0, -2.0, 0.5]) * v)
    thread.start()
    ll.eigen_ratio_2d(oracle, ll.random_directions(oracle), alpha=9, beta=9)
    stop.set()
    thread.join()
    assert ticks


def test_adaptive_draws_and_shards(tmp_path):
    oracle = bowl()
    plane = ll.random_directions(oracle)
    adaptive = ll.adaptive_2d(oracle, plane, tolerance=0.05)
    full = ll.grid_2d(oracle, plane)
    assert adaptive.evaluations < 900 and adaptive.estimated_error.shape == (51, 51)
    np.testing.assert_allclose(adaptive["loss"], full["loss"], rtol=0.05)

    lines = ll.draws(oracle, 4, alpha=7, seed=5)
    assert lines["loss"].shape == (4, 7)
    second = ll.line_1d(oracle, ll.random_direction(oracle, 5, stream=1), alpha=7)
    assert lines[1] == second and lines.svg().startswith("<svg")
    planes = ll.draws(oracle, 2, alpha=3, beta=4, planes=True)
    assert planes["loss"].shape == (2, 3, 4)

    paths = [tmp_path / f"{k}.journal" for k in range(3)]
    parts = [ll.grid_2d(oracle, plane, 5, 5, shard=(k, 3), journal=path) for k, path in enumerate(paths)]
    assert parts[0].report["end"] == "partial" and np.isnan(parts[0]["loss"]).sum() == 16
    assert ll.read_journal(*paths) == ll.grid_2d(oracle, plane, 5, 5)
    assert ll.merge_journals(paths, tmp_path / "all.journal") == (25, 25)
    assert ll.read_journal(tmp_path / "all.journal").complete


def test_paths_barriers_and_trajectories():
    def gradient(t):
        return 4 * (t @ t - 1) * t

    ring = ll.Oracle(np.array([1.0, 0.0]), lambda t: (t @ t - 1) ** 2, gradient=gradient)
    a, b = [1.0, 0.0], [0.0, 1.0]
    assert ll.barrier(ll.interpolate(ring, a, b, alpha=(0, 1, 101)))["height"] == pytest.approx(0.25)
    for shape in ("bezier", "chain"):
        path = ll.train_path(ring, a, b, shape=shape, learning_rate=0.02, steps=800, bends=2)
        assert ll.barrier(ll.sweep_path(ring, path))["height"] < 0.04
    with pytest.raises(ZeroDivisionError):
        broken = ll.Oracle(np.array([1.0, 0.0]), lambda t: 0.0, gradient=lambda t: 1 / 0)
        ll.train_path(broken, a, b, learning_rate=0.1)

    walk = np.cumsum(np.random.default_rng(1).normal(size=(30, 6)), axis=0)
    found = ll.trajectory(bowl(), list(walk))
    assert found.shares.sum() == pytest.approx(1) and len(found.random_walk) == 29
    x, y = found.coordinates
    first, second = found.plane
    rest = walk[3] - walk[-1] - x[3] * first.values - y[3] * second.values
    assert np.linalg.norm(rest) == pytest.approx(found.off_plane[3])
    (low, high, points), _ = found.ranges()
    assert low < x.min() and high > x.max() and points == 51


# Curvature.


def test_curvature_of_a_quadratic_is_known():
    h = np.array([1.0, 4.0, -2.0, 0.5])
    for product in (None, lambda t, v: h * v):
        oracle = saddle(hessian_product=product)
        found = ll.eigen_extremes(oracle)
        assert found.lambda_min == pytest.approx(-2, rel=1e-6) and found.lambda_max == pytest.approx(4, rel=1e-6)
        assert found.method == ("own" if product else "differences of gradients")
        assert (found.product_error == 0) == (product is not None)
        assert ll.hessian_trace(oracle).value == pytest.approx(3.5, rel=1e-6)
        assert ll.check_derivatives(oracle).gradient < 1e-6
    ratios = ll.eigen_ratio_2d(oracle, ll.random_directions(oracle), 5, 5)
    assert np.allclose(ratios.ratio, 0.5) and not ratios.uncertain.any() and ratios.products > 0
    assert set(ratios.states.ravel()) <= {"warm", "certified"} and "ratio" in ratios.channels[2]
    assert ratios.svg().startswith("<svg") and ratios.svg(kind="heat") != ratios.svg()
    line = ll.eigen_ratio_1d(oracle, ll.random_direction(oracle), 5, certified=True)
    assert np.allclose(line.ratio, 0.5) and set(line.states.ravel()) == {"certified"}
    pairs = ll.eigenpairs(oracle, highest=1, lowest=1)
    assert pairs.values == pytest.approx([-2, 4])
    assert abs(pairs.directions[0].values[2]) == pytest.approx(1)
    density = ll.spectral_density(oracle, steps=4)
    assert density.range == pytest.approx((-2, 4)) and density.svg().startswith("<svg")
    with pytest.raises(ll.ArgumentError, match="gradient"):
        ll.eigen_extremes(bowl())


# Exceptions.


def test_an_exception_arrives_as_itself_with_the_place():
    class Odd(Exception):
        def __init__(self, a, b):
            super().__init__(a, b)

    def loss(t):
        if t[0] > 1.2:
            raise Odd(1, 2)
        return 0.0

    oracle = ll.Oracle(np.ones(1), loss)
    direction = ll.Direction(oracle, [1.0])
    with pytest.raises(Odd) as caught:
        ll.line_1d(oracle, direction, alpha=[0.0, 0.1, 0.25, 0.5])
    if sys.version_info >= (3, 11):
        assert "point [2, 0] of the sweep, α = 0.25" in caught.value.__notes__[0]
    recorded = ll.line_1d(oracle, direction, alpha=[0.0, 0.1, 0.25, 0.5], on_error="record")
    assert [bad["index"][0] for bad in recorded.bad_points] == [2, 3]
    assert "Odd" in str(recorded.bad_points[0]) and np.isnan(recorded["loss"][2:]).all()
    stopped = ll.line_1d(oracle, direction, alpha=[0.0, 0.25, 0.5], on_error="stop")
    assert stopped.report["computed"] == 2 and stopped.report["end"] == "bad_point"


def test_an_exception_in_a_product_has_the_place_too():
    def product(t, v):
        if t[0] > 1.2:
            raise ZeroDivisionError
        return v

    oracle = ll.Oracle(np.ones(2), lambda t: t @ t / 2, gradient=lambda t: t, hessian_product=product)
    with pytest.raises(ZeroDivisionError) as caught:
        ll.eigen_ratio_1d(oracle, ll.Direction(oracle, [1.0, 0.0]), alpha=[0.0, 0.5])
    if sys.version_info >= (3, 11):
        assert "α = 0.5" in caught.value.__notes__[0]
    with pytest.raises(ZeroDivisionError):
        ll.eigen_extremes(oracle, theta=[2.0, 0.0])


def test_nan_is_a_value():
    oracle = ll.Oracle(np.ones(1), lambda t: np.nan if t[0] == 1 else np.inf if t[0] > 1 else 0.0)
    curve = ll.line_1d(oracle, ll.Direction(oracle, [1.0]), alpha=[-1.0, 0.0, 1.0])
    assert np.isnan(curve["loss"][1]) and np.isposinf(curve["loss"][2])
    assert [bad["failure"]["non_finite"]["channel"] for bad in curve.bad_points] == ["loss", "loss"]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_exception_leaves_its_point_for_the_next_run(tmp_path, threads):
    broken = [True]

    def loss(t):
        if broken[0] and abs(t[0]) < 1e-12:
            raise RuntimeError("no power")
        return float(t[0])

    oracle = ll.Oracle(np.zeros(1), loss)
    direction = ll.Direction(oracle, [1.0])
    journal = tmp_path / "line.journal"
    with pytest.raises(RuntimeError, match="no power") as caught:
        ll.line_1d(oracle, direction, journal=journal, threads=threads)
    if sys.version_info >= (3, 11):
        assert any("goes on from there" in note for note in caught.value.__notes__)
    so_far = ll.read_journal(journal)
    assert 0 < so_far.report["computed"] < 51 and not so_far.bad_points and not so_far.computed[25]
    broken[0] = False
    whole = ll.line_1d(oracle, direction, journal=journal)
    assert whole.complete and whole.report["resumed"]["points"] == so_far.report["computed"]
    np.testing.assert_array_equal(whole["loss"], whole.alpha)


@pytest.mark.parametrize("inside", [True, False])
def test_ctrl_c_keeps_what_is_done(tmp_path, ctrl_c, inside):
    calls = [0]

    def loss(t):
        calls[0] += 1
        if calls[0] == 20:
            os.kill(os.getpid(), signal.SIGINT)
            if inside:
                time.sleep(5)  # where Python raises it
        return float(t @ t)

    oracle = ll.Oracle(np.ones(2), loss)
    plane = ll.random_directions(oracle)
    with pytest.raises(ll.Interrupted) as caught:
        ll.grid_2d(oracle, plane, 9, 9, journal=tmp_path / "plane.journal")
    kept = caught.value.result
    assert isinstance(caught.value, KeyboardInterrupt) and 19 <= kept.report["computed"] <= 20
    assert kept.computed.sum() == kept.report["computed"] and not kept.bad_points
    assert np.isnan(kept["loss"][~kept.computed]).all()
    whole = ll.grid_2d(oracle, plane, 9, 9, journal=tmp_path / "plane.journal")
    assert whole == ll.grid_2d(bowl_of(oracle), plane, 9, 9)


def bowl_of(oracle: ll.Oracle) -> ll.Oracle:
    return ll.Oracle(oracle.theta, lambda t: float(t @ t))


def test_observers_see_every_point_and_may_stop():
    seen = []

    def observer(progress):
        seen.append(progress)
        return len(seen) < 7

    oracle = bowl()
    surface = ll.grid_2d(oracle, ll.random_directions(oracle), 5, 5, observer=observer)
    assert surface.report["end"] == "cancelled" and surface.report["computed"] == 7
    last = seen[-1]
    assert (last.done, last.total) == (7, 25) and last.values == [surface["loss"][last.index]]

    def fails(progress):
        raise LookupError("in the observer")

    with pytest.raises(LookupError):
        ll.line_1d(oracle, ll.random_direction(oracle), 5, observer=fails)


def test_the_bar_shows_where_a_sweep_is():
    out = io.StringIO()
    oracle = bowl()
    bar = ll.Bar(out, delay=0.0, every=0.0)
    ll.line_1d(oracle, ll.random_direction(oracle), 5, progress=bar)
    assert "100 %|████████████████████| 5/5" in out.getvalue() and out.getvalue().endswith("\n")


def test_what_does_not_fit_is_refused_before_anything_runs():
    oracle = bowl()
    d = ll.random_direction(oracle)
    plane = ll.random_directions(oracle)
    for wrong in [
        lambda: ll.Oracle(np.ones(3, int), lambda t: 0),
        lambda: ll.Oracle(np.ones((3, 2)), lambda t: 0),
        lambda: ll.Oracle(np.ones(3, complex), lambda t: 0),
        lambda: ll.Oracle({"w": np.ones(2)}, lambda t: 0),
        lambda: ll.Oracle(np.ones(3), lambda t: 0, ll.Layout.flat(2)),
        lambda: ll.Oracle(np.ones(3), "loss"),
        lambda: ll.Layout([("w", (2,), "weights", None)]),
        lambda: ll.Layout([("w", (2,), "weight", 3)]),
        lambda: ll.line_1d(oracle, d, alpha=(1, -1, 5)),
        lambda: ll.line_1d(oracle, d, alpha=(-1, 1, 1)),
        lambda: ll.line_1d(oracle, d, alpha=(-1, 1)),
        lambda: ll.line_1d(oracle, d, alpha=[1.0, 1.0]),
        lambda: ll.line_1d(oracle, d, threads=0),
        lambda: ll.line_1d(oracle, d, on_error="ignore"),
        lambda: ll.line_1d(oracle, d, shard=(3, 3)),
        lambda: ll.line_1d("oracle", d),
        lambda: ll.line_1d(ll.Oracle(np.ones(5), lambda t: 0.0), d),
        lambda: ll.line_1d(ll.Oracle(np.ones(6, np.float32), lambda t: 0.0), d),
        lambda: ll.interpolate(oracle, np.ones(5), np.ones(6)),
        lambda: ll.random_direction(oracle, norm="filters"),
        lambda: ll.random_direction(oracle, biases="move"),
        lambda: ll.random_direction(oracle, seed=-1),
        lambda: ll.random_direction(oracle, mask="nothing*"),
        lambda: ll.Direction(oracle, np.full(6, np.nan)),
        lambda: ll.grid_2d(oracle, plane)["accuracy"],
        lambda: ll.draws(oracle, 0),
        lambda: ll.eigen_ratio_2d(saddle(), ll.random_directions(saddle()), 3, 3, threads=2),
    ]:
        with pytest.raises((ll.ArgumentError, TypeError)):
            wrong()
    with pytest.raises(ll.MemoryLimitError):
        ll.grid_2d(oracle, plane, 10**6, 10**6)
    with pytest.raises(KeyError):
        ll.grid_2d(oracle, plane, 3, 3)["accuracy"]


@pytest.mark.parametrize("value", [np.ones(2), "0.5", None, 1j])
def test_a_loss_must_be_a_number(value):
    oracle = ll.Oracle(np.ones(2), lambda t: value)
    with pytest.raises(TypeError, match="number|float"):
        ll.line_1d(oracle, ll.random_direction(oracle), 3)


# Files, figures, other libraries.


def surface_of() -> ll.Surface:
    oracle = bowl(channels=["loss"])
    return ll.grid_2d(oracle, ll.random_directions(oracle), 7, 5)


def test_files_hold_everything(tmp_path):
    surface = surface_of()
    curve = ll.line_1d(bowl(), ll.random_direction(bowl()), 5)
    for result in (surface, curve):
        for ending in (".npz", ".json", ".csv"):
            result.save(tmp_path / f"result{ending}")
            read = ll.load(tmp_path / f"result{ending}")
            assert read == result and type(read) is type(result)
            assert read.report["provenance"] == result.report["provenance"]
    assert np.load(tmp_path / "result.npz")["loss"].tolist() == curve["loss"].tolist()
    surface.save(tmp_path / "surface.vtp")
    assert b"VTKFile" in (tmp_path / "surface.vtp").read_bytes()
    with pytest.raises(ll.ArgumentError):
        surface.save(tmp_path / "surface.txt")
    with pytest.raises(ll.FormatError):
        (tmp_path / "bad.npz").write_bytes(b"no zip")
        ll.load(tmp_path / "bad.npz")
    with pytest.raises(FileNotFoundError):
        ll.load(tmp_path / "nothing.npz")
    with pytest.raises(OSError):
        surface.plot(tmp_path / "no folder" / "surface.svg")


def test_hdf5(tmp_path):
    h5py = pytest.importorskip("h5py")
    surface = surface_of()
    surface.save(tmp_path / "surface.h5")
    with h5py.File(tmp_path / "surface.h5") as file:
        assert (file["loss"][:] == surface["loss"]).all() and (file["xcoordinates"][:] == surface.alpha).all()


def test_results_are_pickled_to_the_bit():
    oracle = saddle()
    plane = ll.random_directions(oracle)
    line = ll.random_direction(oracle)
    for result in [
        ll.line_1d(oracle, line, 5),
        ll.grid_2d(oracle, plane, 3, 3),
        ll.adaptive_2d(oracle, plane, 9, 9),
        ll.eigen_ratio_2d(oracle, plane, 3, 3),
        ll.eigen_ratio_1d(oracle, line, 3),
    ]:
        again = pickle.loads(pickle.dumps(result))
        assert again == result and type(again) is type(result) and again.report == result.report
        if isinstance(result, (ll.RatioMap, ll.RatioCurve)):
            assert (again.states == result.states).all() and again.products == result.products
    many = ll.draws(oracle, 3, 5)
    assert list(pickle.loads(pickle.dumps(many))) == list(many)
    assert pickle.loads(pickle.dumps(oracle.layout)) == oracle.layout


def test_ratio_maps_come_back_from_their_journals(tmp_path):
    oracle = saddle()
    ratios = ll.eigen_ratio_2d(oracle, ll.random_directions(oracle), 5, 5, journal=tmp_path / "ratios.journal")
    read = ll.read_journal(tmp_path / "ratios.journal")
    assert isinstance(read, ll.RatioMap) and read == ratios and (read.states == ratios.states).all()


def test_figures_and_pages(tmp_path):
    surface = surface_of()
    for kind in ("contour", "surface", "heat"):
        surface.plot(tmp_path / f"{kind}.svg", kind=kind, title="A bowl", log=True)
        assert "A bowl" in (tmp_path / f"{kind}.svg").read_text()
    surface.plot(tmp_path / "surface.png", markers=[(0, 0, "θ")], trajectory=([0, 1], [0, 1]), range=(0, 100))
    surface.plot(tmp_path / "surface.pdf", levels=[10.0, 20.0])
    assert (tmp_path / "surface.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "surface.pdf").read_bytes()[:4] == b"%PDF"
    html = surface.page(tmp_path / "surface.html", title="Bowls", paths={"SGD": ([0, 1], [1, 0])})
    assert html == (tmp_path / "surface.html").read_text() and "Bowls" in html
    assert surface._repr_svg_().startswith("<svg") and "complete: 35 of 35" in surface._repr_html_()
    nothing = ll.Surface.from_arrays([0.0, 1.0], [0.0, 1.0], {"loss": np.full((2, 2), np.nan)})
    assert "no finite" in nothing._repr_html_()
    curve = ll.Curve.from_arrays([0, 1], {"train loss": [1, 2], "test loss": [2, 3]})
    assert curve.svg(["train loss", "test loss"], y_label="loss").count("test loss") >= 1
    with pytest.raises(ll.ArgumentError):
        surface.plot(tmp_path / "surface.gif")
    with pytest.raises(ll.ArgumentError):
        curve.svg(kind="contour")


def test_pandas():
    pytest.importorskip("pandas")
    surface = surface_of()
    frame = surface.to_pandas()
    assert list(frame.columns) == ["alpha", "beta", "loss"] and len(frame) == 35
    row = frame[(frame.alpha == surface.alpha[2]) & (frame.beta == surface.beta[1])]
    assert row.loss.item() == surface["loss"][2, 1]


def test_xarray():
    pytest.importorskip("xarray")
    surface = surface_of()
    data = surface.to_xarray()
    assert float(data["loss"].sel(alpha=surface.alpha[2], beta=surface.beta[1])) == surface["loss"][2, 1]


# Processes.

_KILLED = """
import sys, time
import numpy as np
import loss_landscape as ll

def loss(t):
    if sys.argv[2] == "slow":
        time.sleep(0.004)
    return float(np.sin(t).sum())

oracle = ll.Oracle(np.linspace(0, 1, 50), loss, data=None)
surface = ll.grid_2d(oracle, ll.random_directions(oracle), 21, 21, journal=sys.argv[1] or None)
print(surface.report["resumed"]["points"] if surface.report["resumed"] else 0)
print(surface["loss"].tobytes().hex())
"""


def test_a_killed_sweep_goes_on_to_the_same_bits(tmp_path):
    journal = str(tmp_path / "killed.journal")
    run = [sys.executable, "-c", _KILLED]
    child = subprocess.Popen([*run, journal, "slow"])
    deadline = time.monotonic() + 60
    while not os.path.exists(journal) or os.path.getsize(journal) < 4000:
        assert time.monotonic() < deadline and child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    resumed = subprocess.run([*run, journal, "fast"], capture_output=True, text=True, check=True).stdout.split()
    whole = subprocess.run([*run, "", "fast"], capture_output=True, text=True, check=True).stdout.split()
    assert 0 < int(resumed[0]) < 441 and resumed[1] == whole[1]


def test_a_journal_of_other_data_is_refused(tmp_path):
    def oracle(x):
        return ll.Oracle(np.ones(1), lambda t, x: float(((x - t) ** 2).mean()), data={"train": x})

    one, other = oracle(np.zeros(3)), oracle(np.ones(3))
    direction = ll.Direction(one, [1.0])
    ll.line_1d(one, direction, 5, journal=tmp_path / "line.journal")
    with pytest.raises(ll.JournalError, match="data"):
        ll.line_1d(other, direction, 5, journal=tmp_path / "line.journal")


def _in_child(queue):
    oracle = saddle()
    surface = ll.grid_2d(oracle, ll.random_directions(oracle), 5, 5, threads=2)
    walk = [np.array([np.cos(t), np.sin(t), t, 0.0]) for t in np.linspace(0, 2, 9)]
    queue.put((surface["loss"].tobytes(), ll.trajectory(oracle, walk).coordinates[0].tolist()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_after_sweeps_works():
    oracle = saddle()
    before = ll.grid_2d(oracle, ll.random_directions(oracle), 5, 5, threads=2)
    ll.trajectory(oracle, [np.eye(4)[0], np.eye(4)[1], np.eye(4)[2]])  # uses a pool of threads
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(queue,))
    child.start()
    loss, coordinates = queue.get(timeout=30)
    child.join(timeout=30)
    assert loss == before["loss"].tobytes() and len(coordinates) == 9


def test_sweeps_inside_a_pool_of_threads():
    from concurrent.futures import ThreadPoolExecutor

    oracle = bowl()
    plane = ll.random_directions(oracle)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: ll.grid_2d(oracle, plane, 7, 7), range(6)))
    assert all(surface == found[0] for surface in found)


def test_it_works_without_torch():
    code = """
    import sys
    sys.modules["torch"] = None
    import numpy as np, loss_landscape as ll
    oracle = ll.Oracle(np.ones(2), lambda t: float(t @ t))
    assert ll.grid_2d(oracle, ll.random_directions(oracle), 3, 3).complete
    try:
        ll.torch
    except ImportError:
        print("fine")
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True)
    assert run.stdout.strip() == "fine", run.stderr


def test_stubs_name_what_is_there():
    import ast

    from loss_landscape import _core

    stub = ast.parse((pathlib.Path(ll.__file__).parent / "_core.pyi").read_text())
    named = {node.name: node for node in stub.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    there = {name for name in dir(_core) if not name.startswith("__")}
    assert set(named) == there
    for name, node in named.items():
        if isinstance(node, ast.ClassDef):
            methods = {m.name for m in node.body if isinstance(m, ast.FunctionDef) and not m.name.startswith("__")}
            assert methods == {m for m in dir(getattr(_core, name)) if not m.startswith("__")}, name
