"""Sharpness: how much the loss rises around a point, on average and in the worst case."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Sequence

from . import _core
from ._curvature import Extremes, Trace, _at, _extremes, _floats, _trace
from ._directions import _patterns
from ._errors import ArgumentError
from ._oracle import BaseOracle


@dataclass(frozen=True)
class AverageSharpness:
    """The mean rise of the loss over random perturbations."""

    #: The mean of L(θ + δ) − L(θ) over the draws that count; NaN if none does.
    value: float
    standard_error: float
    #: The expectation lies within, with the probability ``confidence``.
    interval: tuple[float, float]
    confidence: float
    #: L(θ).
    loss: float
    #: Draws, and those of them whose losses are finite, which alone count.
    draws: int
    counted: int
    #: Losses that failed or were not finite.
    bad: int


@dataclass(frozen=True)
class WorstSharpness:
    """The largest rise of the loss that ascents found."""

    #: A lower bound of the largest rise, 0 or more.
    value: float
    #: L(θ).
    loss: float
    #: What each start found. Where they differ, more starts may find more.
    rises: tuple[float, ...]
    #: ‖δ/c‖/ρ of the best perturbation: 1 on the surface of the ellipsoid.
    reach: float
    #: The cosine between δ/c and c⊙∇L there: 1 where no step along the surface rises any more.
    alignment: float
    gradients: int
    #: Places without a finite loss.
    bad: int


@dataclass(frozen=True)
class Sharpness:
    """Sharpness on average and in the worst case, beside the curvature. As text it explains the result, with what it
    does not say."""

    radius: float
    #: ``'plain'`` or ``'relative'``.
    scale: str
    parameters: int
    #: L(θ), and ‖c⊙∇L(θ)‖, which is 0 at a minimum.
    loss: float
    gradient_norm: float
    average: AverageSharpness
    worst: WorstSharpness
    #: The ends of the spectrum of diag(c)·H·diag(c), and its trace.
    extremes: Extremes
    trace: Trace
    #: ρ²·tr/2, which the average is at a stationary point, and ρ²·λ_max/2, which the worst case is at a minimum.
    quadratic_average: float
    quadratic_worst: float
    _text: str

    def __str__(self) -> str:
        return self._text


def _measured(oracle: BaseOracle, measure: str, theta: Any, data: str | None, **more: Any) -> Any:
    settings: dict[str, Any] = {
        "draws": 100,
        "given": None,
        "antithetic": False,
        "confidence": 0.95,
        "restarts": 8,
        "steps": 50,
        "seed": 0,
        "tolerance": 0.05,
        "max_products": 300,
        "trace_products": 100,
    }
    settings.update(more, measure=measure, mask=_patterns(more["mask"]), radius=float(more["radius"]))
    text = _core.sharpness(oracle, oracle._set(data), _at(oracle, theta), SimpleNamespace(**settings))
    return json.loads(text)


def _average(found: dict) -> AverageSharpness:
    return AverageSharpness(
        float(found["value"]),
        float(found["standard_error"]),
        _floats(found["interval"]),
        float(found["confidence"]),
        float(found["loss"]),
        found["draws"],
        found["counted"],
        found["bad"],
    )


def _worst(found: dict) -> WorstSharpness:
    return WorstSharpness(
        float(found["value"]),
        float(found["loss"]),
        tuple(float(rise) for rise in found["rises"]),
        float(found["reach"]),
        float(found["alignment"]),
        found["gradients"],
        found["bad"],
    )


def average_sharpness(
    oracle: BaseOracle,
    radius: float = 0.05,
    *,
    scale: str = "plain",
    draws: int | Sequence[Any] = 100,
    antithetic: bool = False,
    confidence: float = 0.95,
    theta: Any = None,
    data: str | None = None,
    mask: str | Sequence[str] | None = None,
    seed: int = 0,
) -> AverageSharpness:
    """E L(θ + δ) − L(θ) for δ ~ N(0, ρ²c²), by draws. It needs losses alone.

    Args:
        oracle: what is evaluated, ``draws`` + 1 times.
        radius: ρ.
        scale: ``'plain'``, c = 1, or ``'relative'``, c = |θ|, which no rescaling of layers can change.
        draws: how many, or the z of δ = ρ·c⊙z themselves, as vectors.
        antithetic: let each draw be the mean over δ and −δ, which pays where θ is no minimum.
        confidence: of the interval.
        theta, data: where, and on which data set.
        mask: patterns of block names; what they leave out stands still, and so do buffers.
        seed: of the draws.

    >>> import numpy as np, loss_landscape as ll
    >>> bowl = ll.Oracle(np.zeros(2), lambda t: float(t[0] ** 2 + 3 * t[1] ** 2))
    >>> found = ll.average_sharpness(bowl, 0.1, draws=400)
    >>> found.interval[0] < 0.04 < found.interval[1]  # ρ²·tr(H)/2
    True
    >>> round(ll.average_sharpness(bowl, 0.1, draws=[[1.0, 0.0], [0.0, 1.0]]).value, 12)
    0.02
    """
    given = None if isinstance(draws, int) else [oracle.vector(draw) for draw in draws]
    number = draws if isinstance(draws, int) else len(given or [])
    settings = dict(radius=radius, scale=scale, mask=mask, draws=number, given=given, antithetic=bool(antithetic))
    with oracle._session():
        found = _measured(oracle, "average", theta, data, confidence=confidence, seed=seed, **settings)
    return _average(found)


def worst_sharpness(
    oracle: BaseOracle,
    radius: float = 0.05,
    *,
    scale: str = "plain",
    restarts: int = 8,
    steps: int = 50,
    theta: Any = None,
    data: str | None = None,
    mask: str | Sequence[str] | None = None,
    seed: int = 0,
) -> WorstSharpness:
    """max L(θ + δ) − L(θ) over ‖δ/c‖ ≤ ρ, from below: the best of several projected gradient ascents. It needs a
    gradient; see :func:`average_sharpness` for the arguments.

    >>> import numpy as np, loss_landscape as ll
    >>> h = np.array([1.0, 3.0])
    >>> bowl = ll.Oracle(np.zeros(2), lambda t: t @ (h * t) / 2, gradient=lambda t: h * t)
    >>> round(ll.worst_sharpness(bowl, 0.1).value, 6)  # ρ²·λ_max/2
    0.015
    """
    if not oracle.has_gradient:
        raise ArgumentError("the worst case is found with a gradient: give the oracle `gradient=`")
    settings = dict(radius=radius, scale=scale, mask=mask, restarts=restarts, steps=steps, seed=seed)
    with oracle._session():
        return _worst(_measured(oracle, "worst", theta, data, **settings))


def sharpness(
    oracle: BaseOracle,
    radius: float = 0.05,
    *,
    scale: str = "plain",
    draws: int = 100,
    antithetic: bool = False,
    confidence: float = 0.95,
    restarts: int = 8,
    steps: int = 50,
    tolerance: float = 0.05,
    max_products: int = 300,
    trace_products: int = 100,
    theta: Any = None,
    data: str | None = None,
    mask: str | Sequence[str] | None = None,
    seed: int = 0,
) -> Sharpness:
    """Both :func:`average_sharpness` and :func:`worst_sharpness`, beside λ_max and the trace of diag(c)·H·diag(c).

    None of these measures predicts which of two networks generalises better (Andriushchenko et al., 2023).

    >>> import numpy as np, loss_landscape as ll
    >>> h = np.array([1.0, 3.0])
    >>> bowl = ll.Oracle(np.full(2, 2.0), lambda t: (t - 2) @ (h * (t - 2)) / 2, gradient=lambda t: h * (t - 2),
    ...                  hessian_product=lambda t, v: h * v)
    >>> found = ll.sharpness(bowl, 0.1, scale="relative")
    >>> round(found.worst.value, 6), round(found.quadratic_worst, 6), round(found.quadratic_average, 6)
    (0.06, 0.06, 0.08)
    """
    settings = dict(
        radius=radius,
        scale=scale,
        mask=mask,
        draws=draws,
        antithetic=bool(antithetic),
        confidence=confidence,
        restarts=restarts,
        steps=steps,
        seed=seed,
        tolerance=tolerance,
        max_products=max_products,
        trace_products=trace_products,
    )
    with oracle._session():
        oracle._ready_for_products()
        found, about = _measured(oracle, "report", theta, data, **settings)
    return Sharpness(
        radius=float(found["radius"]),
        scale=found["scale"],
        parameters=found["parameters"],
        loss=float(found["loss"]),
        gradient_norm=float(found["gradient_norm"]),
        average=_average(found["average"]),
        worst=_worst(found["worst"]),
        extremes=_extremes(found["extremes"], oracle.product_method, about["extremes"]),
        trace=_trace(found["trace"], oracle.product_method),
        quadratic_average=about["quadratic_average"],
        quadratic_worst=about["quadratic_worst"],
        _text=about["text"],
    )
