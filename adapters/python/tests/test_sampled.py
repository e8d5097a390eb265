"""Sampled sweeps: points estimated from some of the samples, of functions of numpy arrays."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import loss_landscape as ll

X = np.random.default_rng(1).normal(size=(3000, 2))
Y = X @ [1.0, -2.0] + np.random.default_rng(2).normal(size=3000)


def residuals(t, x, y):
    return x @ t[:2] + t[2] - y


def line(**more) -> ll.Oracle:
    """Least squares of a plane, with the share of residuals below 1 as a second channel."""

    def loss(t, data):
        r = residuals(t, *data)
        return {"loss": (r**2).mean(), "near": (abs(r) < 1).mean()}

    def sample_losses(t, data, samples):
        r = residuals(t, data[0][samples], data[1][samples])
        return {"near": abs(r) < 1, "loss": r**2}

    settings = dict(channels=["loss", "near"], data={"train": (X, Y), "few": (X[:20], Y[:20])})
    return ll.Oracle(np.array([0.5, 0.5, 0.0]), loss, **{**settings, "sample_losses": sample_losses, **more})


def rough(**more) -> ll.Oracle:
    """Losses that no node foretells between two others."""

    def one(t, x, y):
        r = residuals(t, x, y)
        return r**2 + 3 * np.sin(9 * r) + 3

    def sample_losses(t, data, samples):
        return one(t, data[0][samples], data[1][samples])

    theta = np.array([1.0, -2.0, 0.0])
    return ll.Oracle(theta, lambda t, d: one(t, *d).mean(), data={"": (X, Y)}, sample_losses=sample_losses)


def inside(sampled, full, channel: str) -> float:
    """The share of the points whose interval of 95 % holds the mean over all samples, of those that were estimated."""
    off = abs(sampled[channel] - full[channel])
    error = sampled.standard_error(channel)
    estimated = error > 0
    assert (off[~estimated] <= 1e-12 * abs(full[channel][~estimated])).all()
    return float((off <= 1.96 * error)[estimated].mean())


def test_intervals_hold_the_mean_over_all_samples():
    oracle = line()
    place = dict(directions=ll.random_directions(oracle, seed=2), alpha=31, beta=(-0.5, 0.5, 29))
    full = ll.grid_2d(oracle, **place)
    sampled = ll.sampled_2d(oracle, **place, relative_error=0.02)
    names = ["loss", "near"]
    own = [*names, *(f"{name} standard error" for name in names), "samples"]
    assert sampled.channels == [f"{data} {name}" for data in ("train", "few") for name in own]
    assert isinstance(sampled, ll.SampledSurface) and sampled.complete and sampled.shape == (31, 29)
    # Predictions of the loss are nearly exact here; an error knows that a draw may have missed those that are not.
    assert inside(sampled, full, "train loss") >= 0.93 and inside(sampled, full, "train near") >= 0.92
    assert (sampled.standard_error() <= 0.02 * sampled["loss"]).all()
    # 20 samples are all evaluated.
    assert (sampled.samples("few") == 20).all() and (sampled.standard_error("few loss") == 0).all()
    np.testing.assert_allclose(sampled["few loss"], full["few loss"], rtol=1e-12)
    train, few = sampled.sampling["sets"]
    assert few["too_few"] and few["data"] == "few" and train["samples"] == 3000
    assert train["evaluations"] == sampled.samples().sum() and train["share"] < 0.35
    every = 3020 * 31 * 29
    assert sampled.share == pytest.approx((sampled.samples().sum() + sampled.samples("few").sum()) / every)
    assert sampled.sampling["spacing"] == 4 and f"{100 * train['share']:.1f} %" in sampled.sampling["text"]
    with pytest.raises(ll.UnknownNameError):
        sampled.standard_error("test loss")


def test_targets_seeds_and_lines():
    oracle = rough()
    direction = ll.random_direction(oracle, seed=2)
    wide = dict(alpha=(-3, 3, 201), spacing=20)
    full = ll.line_1d(oracle, direction, alpha=wide["alpha"])
    plain = ll.sampled_1d(oracle, direction, **wide, relative_error=0.04)
    assert isinstance(plain, ll.SampledCurve) and plain.channels == ["loss", "loss standard error", "samples"]
    assert (plain.standard_error() <= 0.04 * plain["loss"]).all() and 0.90 <= inside(plain, full, "loss") < 1
    absolute = ll.sampled_1d(oracle, direction, **wide, standard_error=0.3)
    assert (absolute.standard_error() <= 0.3).all() and absolute.share != plain.share
    assert 0.90 <= inside(absolute, full, "loss") < 1
    tenth = ll.sampled_1d(oracle, direction, **wide, budget=0.15)
    assert tenth.share <= 0.15 and tenth.sampling["nodes"] == 11
    assert plain == ll.sampled_1d(oracle, direction, **wide, relative_error=0.04, seed=0)
    other = ll.sampled_1d(oracle, direction, **wide, relative_error=0.04, seed=1)
    assert plain != other and plain["loss"][::20].tobytes() == other["loss"][::20].tobytes()


def test_named_arrays_and_a_count_of_samples():
    layout = ll.Layout.from_arrays({"w": np.ones((1, 2)), "b": np.zeros(1)}, filter_axis=0)

    def losses(p, samples=slice(None)):
        return (X[samples] @ p["w"][0] + p["b"] - Y[samples]) ** 2

    more = dict(sample_losses=losses, sample_count=3000)
    oracle = ll.Oracle({"w": np.ones((1, 2)), "b": np.zeros(1)}, lambda p: losses(p).mean(), layout, **more)
    curve = ll.sampled_1d(oracle, ll.random_direction(oracle), alpha=41)
    assert curve.share < 0.5 and curve.complete
    with pytest.raises(ll.ArgumentError, match="give `sample_count=`"):
        ll.Oracle(np.ones(2), lambda t: 1.0, sample_losses=lambda t, samples: samples)
    with pytest.raises(ll.ArgumentError, match="sample_count=0"):
        ll.Oracle(np.ones(2), lambda t: 1.0, sample_losses=lambda t, samples: samples, sample_count=0)


def test_a_stopped_sampled_sweep_goes_on_to_the_same_bits(tmp_path):
    oracle = line()
    place = dict(directions=ll.random_directions(oracle), alpha=15, beta=13)
    whole = ll.sampled_2d(oracle, **place)
    for stop in (3, 40, 150):
        journal = tmp_path / f"{stop}.journal"
        part = ll.sampled_2d(oracle, **place, journal=journal, observer=lambda p, stop=stop: p.done < stop)
        assert part.computed.sum() == stop and not part.complete
        again = ll.sampled_2d(oracle, **place, journal=journal)
        assert again == whole and again.report["resumed"]["points"] == stop
        assert ll.read_journal(journal)["train loss standard error"].tobytes() == whole.standard_error().tobytes()
    with pytest.raises(ll.JournalError):
        ll.sampled_2d(oracle, **place, journal=journal, relative_error=0.02)


def test_files_figures_and_pickle_keep_the_errors(tmp_path):
    oracle = line()
    surface = ll.sampled_2d(oracle, ll.random_directions(oracle), alpha=15, beta=13, relative_error=0.1)
    again = pickle.loads(pickle.dumps(surface))
    assert again == surface and again.sampling == surface.sampling and again.share == surface.share
    surface.save(tmp_path / "surface.npz")
    assert ll.load(tmp_path / "surface.npz")["train loss standard error"].tobytes() == surface.standard_error().tobytes()
    svg = surface.svg()
    assert "2 standard errors" in svg and f"{100 * surface.share:.1f} % of all samples" in svg
    assert "2 standard errors" not in surface.svg("train loss standard error", kind="heat")
    assert surface.svg(kind="surface").startswith("<svg")
    curve = ll.sampled_1d(oracle, ll.random_direction(oracle), alpha=31, relative_error=0.1)
    assert curve.svg() != ll.Curve.from_arrays(curve.alpha, {"train loss": curve["loss"]}).svg()
    assert curve.svg(["train loss", "train near"]).startswith("<svg")


def test_bad_input_is_told():
    oracle = line()
    plane = ll.random_directions(oracle)
    for bad in (dict(relative_error=0.0), dict(standard_error=float("nan")), dict(budget=1.5), dict(spacing=1)):
        with pytest.raises(ll.ArgumentError):
            ll.sampled_2d(oracle, plane, alpha=5, beta=5, **bad)
    with pytest.raises(ll.ArgumentError, match="not both relative_error and budget"):
        ll.sampled_2d(oracle, plane, relative_error=0.1, budget=0.1)
    for sweep in (ll.grid_2d, ll.sampled_2d, ll.adaptive_2d):
        for wrong in (ll.random_direction(oracle), [ll.random_direction(oracle)], [1.0, 2.0], None):
            with pytest.raises(ll.ArgumentError, match="a plane needs two directions"):
                sweep(oracle, wrong)
    with pytest.raises(ll.ArgumentError, match="several threads"):
        ll.sampled_2d(oracle, plane, threads=2)
    plain = ll.Oracle(np.ones(2), lambda t: float(t @ t))
    with pytest.raises(ll.ArgumentError, match="`sample_losses=`"):
        ll.sampled_1d(plain, ll.random_direction(plain))
    with pytest.raises(ll.ArgumentError, match="must be callable"):
        line(sample_losses=3)
    short = line(sample_losses=lambda t, data, samples: np.ones((len(samples), 1)))
    with pytest.raises(TypeError, match=r"shape \(\d+, 1\) for \d+ samples of 2 channels"):
        ll.sampled_2d(short, plane, alpha=5, beta=5)
    twice = line(sample_losses=lambda t, data, s: np.stack([2 * residuals(t, data[0][s], data[1][s]) ** 2] * 2, 1))
    with pytest.raises(ll.Error, match="do not add up|mean"):
        ll.sampled_2d(twice, plane, alpha=5, beta=5)


def test_a_bad_sample_is_named_and_an_exception_has_its_point():
    def sample_losses(t, data, samples):
        r = residuals(t, data[0][samples], data[1][samples])
        return np.stack([np.where(samples == 7, np.nan, 1.0) * r**2 if t[0] > 1.2 else r**2, abs(r) < 1], 1)

    oracle = line(sample_losses=sample_losses)
    first = ll.Direction(oracle, [1.0, 0.0, 0.0])
    curve = ll.sampled_1d(oracle, first, alpha=(0, 1, 9))
    bad = curve.bad_points
    assert bad and all(point["coordinates"][0] > 0.7 for point in bad) and "sample 7" in str(bad[0])
    good = curve.alpha < 0.7
    assert np.isfinite(curve["loss"][good]).all()

    def failing(t, data, samples):
        if t[0] > 1.2:
            raise ValueError("too far")
        return sample_losses(t, data, samples)

    with pytest.raises(ValueError, match="too far"):
        ll.sampled_1d(line(sample_losses=failing), first, alpha=(0, 1, 9))
