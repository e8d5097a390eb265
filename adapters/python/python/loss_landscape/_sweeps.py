"""Sweeps: losses and eigenvalue ratios along lines, segments, paths and planes."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace
from typing import Any, Iterable, Sequence

import numpy as np

from . import _core
from ._directions import Direction, Directions, _patterns, _settings
from ._errors import ArgumentError, Interrupted
from ._oracle import BaseOracle
from ._progress import Bar, Observer, watch
from ._results import (
    AdaptiveSurface,
    Curve,
    Draws,
    Landscape,
    RatioCurve,
    RatioMap,
    SampledCurve,
    SampledSurface,
    Surface,
)

Axis = Any
"""An axis: ``(low, high, points)``, a number of points from −1 to 1, or the coordinates as a list or array."""


def _axis(axis: Axis, default: tuple[float, float]) -> Any:
    if axis is None:
        return None
    if isinstance(axis, tuple):
        if len(axis) != 3 or not isinstance(axis[2], (int, np.integer)):
            raise ArgumentError(f"an axis is (low, high, points), or a list of coordinates, not {axis!r}")
        return (float(axis[0]), float(axis[1]), int(axis[2]))
    if isinstance(axis, (int, np.integer)) and not isinstance(axis, bool):
        return (*default, int(axis))
    return [float(value) for value in np.asarray(axis, dtype=float).reshape(-1)]


def _where(kind: str, directions: Sequence[Direction] = (), points: Sequence[np.ndarray] = (), **more: Any) -> Any:
    settings, mask = more.get("settings", ""), more.get("mask")
    return SimpleNamespace(
        kind=kind,
        directions=[direction._core for direction in directions],
        points=list(points),
        settings=settings,
        mask=mask,
        move_buffers=bool(more.get("move_buffers", False)),
    )


def _plane(directions: Any) -> Any:
    pair = list(directions) if isinstance(directions, Iterable) else []
    if len(pair) != 2 or not all(isinstance(direction, Direction) for direction in pair):
        kind = type(directions).__name__
        raise ArgumentError(f"a plane needs two directions, as `random_directions(oracle)` draws them, not {kind}")
    return _where("plane", pair)


def _what(kind: str, **more: Any) -> Any:
    base: dict[str, Any] = {
        "kind": kind,
        "draws": 1,
        "tolerance": None,
        "budget": None,
        "levels": [],
        "scale": "auto",
        "seed": 0,
        "confidence": None,
        "certified": False,
        "audit": None,
        "max_products": None,
        "mask": None,
        "relative_error": None,
        "standard_error": None,
        "share": None,
        "spacing": None,
    }
    return SimpleNamespace(**{**base, **more})


def _run(
    oracle: BaseOracle,
    where: Any,
    what: Any,
    *,
    alpha: Axis = None,
    beta: Axis = None,
    range_of_alpha: tuple[float, float] = (-1.0, 1.0),
    journal: str | os.PathLike | None = None,
    shard: tuple[int, int] | None = None,
    threads: int = 1,
    on_error: str = "raise",
    memory_limit: int = 4 << 30,
    progress: bool | Bar | None = None,
    observer: Observer | None = None,
) -> Any:
    if not isinstance(oracle, BaseOracle):
        raise ArgumentError(f"the first argument is an oracle, not {type(oracle).__name__}")
    if on_error not in ("raise", "record", "stop"):
        raise ArgumentError(f"on_error={on_error!r} is none of 'raise', 'record' and 'stop'")
    if threads < 1:
        raise ArgumentError(f"a sweep needs at least one thread, not {threads}")
    if threads > 1 and oracle._one_thread:
        raise ArgumentError("a module is moved from point to point, by one thread: leave `threads` at 1")
    options = SimpleNamespace(
        alpha=_axis(alpha, range_of_alpha),
        beta=_axis(beta, (-1.0, 1.0)),
        journal=None if journal is None else os.fspath(journal),
        shard=None if shard is None else (int(shard[0]), int(shard[1])),
        threads=int(threads),
        on_error=on_error,
        memory_limit=int(memory_limit),
        observer=watch(progress, observer),
    )
    with oracle._session():
        if what.kind == "ratio":
            oracle._ready_for_products()
        if what.kind == "sampled":
            oracle._ready_for_samples()
        found = _core.sweep(oracle, where, options, what)
    cores, error = found["landscapes"], found["error"]
    result: Any
    if found["draws"] is not None:
        result = Draws([_landscape(core) for core in cores], json.loads(found["draws"]))
    elif found["ratio"] is not None:
        result = _ratio(cores[0], found["ratio"])
    elif found["adaptive"] is not None:
        estimated_error, about = found["adaptive"]
        result = AdaptiveSurface(cores[0], estimated_error, json.loads(about))
    elif found["sampled"] is not None:
        made = SampledSurface if cores[0].is_surface else SampledCurve
        result = made(cores[0], json.loads(found["sampled"]))
    else:
        result = _landscape(cores[0])
    if error is None:
        return result
    done = result.report
    text = f"{done['computed']} of {done['total']} points are done"
    if isinstance(error, KeyboardInterrupt):
        where_else = " and in the journal" if journal is not None else ""
        raise Interrupted(f"{text}; they are in `.result` of this exception{where_else}", result) from error
    if journal is not None and hasattr(error, "add_note"):
        error.add_note(f"{text} and in the journal {os.fspath(journal)!r}: the same call goes on from there")
    raise error


def _landscape(core: _core.Landscape) -> Curve | Surface:
    return Surface(core) if core.is_surface else Curve(core)


def _ratio(core: _core.Landscape, parts: tuple) -> RatioMap | RatioCurve:
    uncertain, states, about = parts
    made = RatioMap if core.is_surface else RatioCurve
    return made(core, uncertain, states, json.loads(about))


_OPTIONS = """

    Args:
        oracle: what is evaluated.
        {where}
        journal: a file to which every point is written as it is finished. The same call, made again, goes on where
            the first was killed, and gives the same bits.
        shard: ``(k, n)`` evaluates points k, k + n, k + 2n, … alone; :func:`read_journal` merges the journals.
        threads: for numpy oracles whose function releases Python's lock. The calling thread alone by default.
        on_error: ``'raise'`` ends the sweep with the exception of the oracle, which says at which point it came;
            ``'record'`` lists the point as bad and goes on; ``'stop'`` stops at the first bad point, NaN included.
        memory_limit: the most bytes for coordinates and values.
        progress: a bar, by default where somebody looks: in terminals and notebooks.
        observer: called with a :class:`Progress` for every point; False stops the sweep.
    """


def _documented(where: str) -> Any:
    def decorate(function: Any) -> Any:
        head, separator, example = function.__doc__.partition("\n\n    >>>")
        function.__doc__ = head.rstrip() + _OPTIONS.format(where=where).rstrip() + separator + example
        return function

    return decorate


@_documented("direction: α is counted along it; alpha: (low, high, points), or coordinates.")
def line_1d(oracle: BaseOracle, direction: Direction, alpha: Axis = None, **options: Any) -> Curve:
    """The loss, and all other channels, at θ + α·d: by default at 51 values of α from −1 to 1.

    >>> import numpy as np, loss_landscape as ll
    >>> oracle = ll.Oracle(np.zeros(2), lambda t: float(t @ t))
    >>> curve = ll.line_1d(oracle, ll.Direction(oracle, [3.0, 4.0]), alpha=(0, 1, 3))
    >>> curve["loss"]
    array([ 0.  ,  6.25, 25.  ])
    """
    return _run(oracle, _where("line", [direction]), _what("loss"), alpha=alpha, **options)


@_documented("directions: two, for α and β; alpha, beta: (low, high, points), or coordinates.")
def grid_2d(
    oracle: BaseOracle, directions: Directions, alpha: Axis = None, beta: Axis = None, **options: Any
) -> Surface:
    """The loss, and all other channels, at θ + α·d₁ + β·d₂: by default at 51×51 points of [−1, 1]².

    >>> import numpy as np, loss_landscape as ll
    >>> oracle = ll.Oracle(np.ones(3), lambda t: float(t @ t))
    >>> surface = ll.grid_2d(oracle, ll.random_directions(oracle), alpha=(-1, 1, 5), beta=[0.0, 0.5])
    >>> surface.shape, float(surface["loss"][2, 0])  # the centre is θ itself
    ((5, 2), 3.0)
    """
    return _run(oracle, _plane(directions), _what("loss"), alpha=alpha, beta=beta, **options)


@_documented("a, b: the ends, as vectors, dictionaries of arrays, state dicts or modules; "
             "alpha: (low, high, points), or coordinates; move_buffers: interpolate buffers too.")
def interpolate(
    oracle: BaseOracle, a: Any, b: Any, alpha: Axis = None, *, move_buffers: bool = False, **options: Any
) -> Curve:
    """The loss at (1−α)·θ_a + α·θ_b: by default at 101 values of α from −0.5 to 1.5.

    >>> import numpy as np, loss_landscape as ll
    >>> two_wells = ll.Oracle(np.ones(1), lambda t: float((t[0] ** 2 - 1) ** 2))
    >>> curve = ll.interpolate(two_wells, [-1.0], [1.0])
    >>> float(curve["loss"][50])  # half-way
    1.0
    """
    where = _where("segment", points=[oracle.vector(a), oracle.vector(b)], move_buffers=move_buffers)
    return _run(oracle, where, _what("loss"), alpha=alpha, range_of_alpha=(-0.5, 1.5), **options)


@_documented("path: points of a :class:`Path`, ends included; alpha: (low, high, points), or coordinates.")
def sweep_path(oracle: BaseOracle, path: Any, alpha: Axis = None, **options: Any) -> Curve:
    """The loss along a bent path between minimisers: by default at 101 values of α from 0 to 1.

    >>> import numpy as np, loss_landscape as ll
    >>> ring = ll.Oracle(np.array([1.0, 0.0]), lambda t: float((t @ t - 1) ** 2))
    >>> path = ll.Path("bezier", [np.array([1.0, 0.0]), np.array([1.0, 1.0]), np.array([0.0, 1.0])])
    >>> float(ll.sweep_path(ring, path)["loss"].max()) < 0.02
    True
    """
    where = _where(path.shape, points=[oracle.vector(point) for point in path.points])
    return _run(oracle, where, _what("loss"), alpha=alpha, range_of_alpha=(0.0, 1.0), **options)


@_documented("directions: two, for α and β; tolerance: the error that is allowed, relative to the loss; budget: the "
             "most evaluations; levels: contours that must be right; scale: 'auto', 'linear' or 'log'.")
def adaptive_2d(
    oracle: BaseOracle,
    directions: Directions,
    alpha: Axis = None,
    beta: Axis = None,
    *,
    tolerance: float = 0.01,
    budget: int | None = None,
    levels: Sequence[float] = (),
    scale: str = "auto",
    seed: int = 0,
    **options: Any,
) -> AdaptiveSurface:
    """A surface of which some points are evaluated, a fifth where the loss is smooth, and the others interpolated.

    >>> import numpy as np, loss_landscape as ll
    >>> oracle = ll.Oracle(np.ones(3), lambda t: float(t @ t))
    >>> surface = ll.adaptive_2d(oracle, ll.random_directions(oracle))
    >>> surface.shape, surface.evaluations < 1000
    ((51, 51), True)
    """
    settings = dict(tolerance=float(tolerance), budget=budget, scale=scale, seed=seed)
    what = _what("adaptive", levels=[float(level) for level in levels], **settings)
    return _run(oracle, _plane(directions), what, alpha=alpha, beta=beta, **options)


def _sampling(
    relative_error: float | None,
    standard_error: float | None,
    budget: float | None,
    spacing: int | None,
    seed: int,
) -> Any:
    targets = dict(relative_error=relative_error, standard_error=standard_error, budget=budget)
    given = {name: float(value) for name, value in targets.items() if value is not None}
    if len(given) > 1:
        raise ArgumentError(f"a sampled sweep has one target, and not both {' and '.join(given)}")
    if "budget" in given:
        given["share"] = given.pop("budget")
    return _what("sampled", spacing=spacing, seed=seed, **given)


_SAMPLED = (
    "relative_error: the standard error that a point may have, as a share of its loss, 0.01 by default; "
    "standard_error: the same in the unit of the loss; budget: instead, the share of all evaluations of samples; "
    "spacing: every how many points one is evaluated in full, by default 4, or 5 from 4,096 samples on; seed: of the "
    "draws of samples."
)


@_documented("directions: two, for α and β; " + _SAMPLED)
def sampled_2d(
    oracle: BaseOracle,
    directions: Directions,
    alpha: Axis = None,
    beta: Axis = None,
    *,
    relative_error: float | None = None,
    standard_error: float | None = None,
    budget: float | None = None,
    spacing: int | None = None,
    seed: int = 0,
    **options: Any,
) -> SampledSurface:
    """A surface of which each point is estimated from some of the samples, with its standard error. The oracle must
    know the losses of single samples: of modules it does, of functions by ``sample_losses=``.

    >>> import numpy as np, loss_landscape as ll
    >>> x = np.sin(np.arange(5000.0))
    >>> def loss(t, x): return float(((t[0] * x + t[1] - x) ** 2).mean())
    >>> def sample_losses(t, x, samples): return (t[0] * x[samples] + t[1] - x[samples]) ** 2
    >>> line = ll.Oracle(np.array([2.0, 1.0]), loss, data={"train": x}, sample_losses=sample_losses)
    >>> surface = ll.sampled_2d(line, ll.random_directions(line), alpha=25, beta=25, relative_error=0.02)
    >>> surface.share < 0.15, bool((surface.standard_error() <= 0.02 * surface["loss"]).all())
    (True, True)
    """
    what = _sampling(relative_error, standard_error, budget, spacing, seed)
    return _run(oracle, _plane(directions), what, alpha=alpha, beta=beta, **options)


@_documented("direction: α is counted along it; " + _SAMPLED)
def sampled_1d(
    oracle: BaseOracle,
    direction: Direction,
    alpha: Axis = None,
    *,
    relative_error: float | None = None,
    standard_error: float | None = None,
    budget: float | None = None,
    spacing: int | None = None,
    seed: int = 0,
    **options: Any,
) -> SampledCurve:
    """A curve of which each point is estimated from some of the samples; see :func:`sampled_2d`.

    >>> import numpy as np, loss_landscape as ll
    >>> x = np.sin(np.arange(5000.0))
    >>> def loss(t, x): return float(((t[0] * x) ** 2).mean())
    >>> def sample_losses(t, x, samples): return (t[0] * x[samples]) ** 2
    >>> bowl = ll.Oracle(np.array([1.0]), loss, data={"": x}, sample_losses=sample_losses)
    >>> curve = ll.sampled_1d(bowl, ll.Direction(bowl, [1.0]), alpha=101, standard_error=0.01)
    >>> curve.share < 0.3, bool(abs(curve["loss"] - (1 + curve.alpha) ** 2 * (x**2).mean()).max() < 0.05)
    (True, True)
    """
    what = _sampling(relative_error, standard_error, budget, spacing, seed)
    return _run(oracle, _where("line", [direction]), what, alpha=alpha, **options)


@_documented("n: how many; planes: draw planes and not lines; seed, norm, mask, orthogonal and policies as for "
             ":func:`random_directions`.")
def draws(
    oracle: BaseOracle,
    n: int,
    alpha: Axis = None,
    beta: Axis = None,
    *,
    planes: bool = False,
    seed: int = 42,
    norm: str = "filter",
    orthogonal: bool = False,
    mask: str | Sequence[str] | None = None,
    policies: dict[str, str] | None = None,
    **options: Any,
) -> Draws:
    """The same sweep along n draws of random lines, or planes: what one draw says, others may not.

    >>> import numpy as np, loss_landscape as ll
    >>> oracle = ll.Oracle(np.ones(3), lambda t: float(t @ t))
    >>> lines = ll.draws(oracle, 10, alpha=21)
    >>> lines["loss"].shape
    (10, 21)
    """
    settings = _settings(seed, 0, orthogonal, norm, policies or {})
    kind = "random plane" if planes else "random line"
    where = _where(kind, settings=settings, mask=_patterns(mask))
    if beta is not None and not planes:
        raise ArgumentError("β is an axis of planes: give `planes=True`")
    return _run(oracle, where, _what("draws", draws=int(n)), alpha=alpha, beta=beta, **options)


def _ratio_settings(
    tolerance: float | None,
    confidence: float | None,
    certified: bool,
    audit: int | None,
    max_products: int | None,
    seed: int,
    mask: str | Sequence[str] | None,
) -> Any:
    return _what(
        "ratio",
        tolerance=tolerance,
        confidence=confidence,
        certified=certified,
        audit=audit,
        max_products=max_products,
        seed=seed,
        mask=_patterns(mask),
    )


_RATIO = (
    "tolerance: of the ratio, 0.05 by default; confidence: of a certified point, 0.9999 by default; certified: "
    "certify every point; audit: how many warm points are certified at the end; max_products: the most a point; mask: "
    "patterns of block names, for the Hessian in these alone."
)


@_documented("directions: two, for α and β; " + _RATIO)
def eigen_ratio_2d(
    oracle: BaseOracle,
    directions: Directions,
    alpha: Axis = None,
    beta: Axis = None,
    *,
    tolerance: float | None = None,
    confidence: float | None = None,
    certified: bool = False,
    audit: int | None = None,
    max_products: int | None = None,
    seed: int = 0,
    mask: str | Sequence[str] | None = None,
    **options: Any,
) -> RatioMap:
    """|λ_min/λ_max| of the Hessian over a plane: by default at 25×25 points of [−1, 1]². The oracle needs a gradient.

    >>> import numpy as np, loss_landscape as ll
    >>> h = np.array([1.0, 2.0, -0.5])
    >>> saddle = ll.Oracle(np.ones(3), lambda t: t @ (h * t) / 2, gradient=lambda t: h * t,
    ...                    hessian_product=lambda t, v: h * v)
    >>> ratios = ll.eigen_ratio_2d(saddle, ll.random_directions(saddle), alpha=3, beta=3)
    >>> bool(np.allclose(ratios.ratio, 0.25))
    True
    """
    what = _ratio_settings(tolerance, confidence, certified, audit, max_products, seed, mask)
    return _run(oracle, _plane(directions), what, alpha=alpha, beta=beta, **options)


@_documented("direction: α is counted along it; " + _RATIO)
def eigen_ratio_1d(
    oracle: BaseOracle,
    direction: Direction,
    alpha: Axis = None,
    *,
    tolerance: float | None = None,
    confidence: float | None = None,
    certified: bool = False,
    audit: int | None = None,
    max_products: int | None = None,
    seed: int = 0,
    mask: str | Sequence[str] | None = None,
    **options: Any,
) -> RatioCurve:
    """|λ_min/λ_max| of the Hessian along a line: by default at 25 values of α from −1 to 1.

    >>> import numpy as np, loss_landscape as ll
    >>> quartic = ll.Oracle(np.ones(2), lambda t: float((t**4).sum()), gradient=lambda t: 4 * t**3)
    >>> line = ll.eigen_ratio_1d(quartic, ll.Direction(quartic, [0.5, 0.0]), alpha=[0.0, 1.0])
    >>> line.ratio.round(3)
    array([1.   , 0.444])
    """
    what = _ratio_settings(tolerance, confidence, certified, audit, max_products, seed, mask)
    return _run(oracle, _where("line", [direction]), what, alpha=alpha, **options)


def read_journal(*paths: str | os.PathLike) -> Landscape | Draws:
    """What is in the journal of a sweep, or in those of all its shards: a curve, surface, ratio map or draws."""
    cores, ratio = _core.read_journal([os.fspath(path) for path in paths])
    if ratio is not None:
        return _ratio(cores[0], ratio)
    if len(cores) > 1:
        return Draws([_landscape(core) for core in cores])
    return _landscape(cores[0])


def merge_journals(
    paths: Sequence[str | os.PathLike], out: str | os.PathLike, *, drop_failures: bool = False
) -> tuple[int, int]:
    """Writes the journals of one sweep as one; returns the points in it, and those there should be. Without failures
    the points that failed are tried again by the next run."""
    return _core.merge_journals([os.fspath(path) for path in paths], os.fspath(out), drop_failures)
