"""What planes and random directions show of the Hessian, and planes along the gradient."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Sequence

import numpy as np

from . import _core
from ._curvature import Extremes, _extremes
from ._directions import Direction, Directions, _patterns, _settings
from ._errors import ArgumentError
from ._oracle import BaseOracle


@dataclass(frozen=True)
class SliceCurvature:
    """The curvature that a plane shows at a point, beside that of the whole Hessian. As text it explains both."""

    coordinates: tuple[float, float]
    #: The Hessian of the loss over the plane, by α and β.
    matrix: tuple[tuple[float, float], tuple[float, float]]
    #: Its least and greatest curvature per unit of distance; NaN if the directions span no plane.
    curvatures: tuple[float, float]
    #: Curvatures nearer to 0 than this may be rounding.
    rounding: float
    #: Whether the plane is convex there; None if that may be rounding. If not, the loss is not convex either.
    convex: bool | None
    #: Both ends of the spectrum of the whole Hessian.
    extremes: Extremes
    #: Σλ² of the whole Hessian, its standard error, and the share of it in the plane.
    energy: float
    energy_error: float
    energy_share: float
    parameters: int
    products: int
    _text: str = field(repr=False)

    def __str__(self) -> str:
        return self._text


def slice_curvature(
    oracle: BaseOracle,
    directions: Directions,
    coordinates: tuple[float, float] = (0.0, 0.0),
    *,
    data: str | None = None,
    mask: str | Sequence[str] | None = None,
    tolerance: float = 0.05,
    confidence: float = 0.9999,
    max_products: int = 300,
    probes: int = 32,
    seed: int = 0,
) -> SliceCurvature:
    """What a plane hides: its two curvatures at (α, β), beside both ends of the spectrum of the whole Hessian. A plane
    that is not convex proves that the loss is not; a convex one proves nothing.

    >>> import numpy as np, loss_landscape as ll
    >>> h = np.arange(30) - 2.0
    >>> saddle = ll.Oracle(np.full(30, 0.01), lambda t: t @ (h * t) / 2, gradient=lambda t: h * t,
    ...                    hessian_product=lambda t, v: h * v)
    >>> found = ll.slice_curvature(saddle, ll.random_directions(saddle, seed=1))
    >>> found.convex, found.extremes.lambda_min < 0
    (True, True)
    """
    first, second = directions
    at = (float(coordinates[0]), float(coordinates[1]))
    settings = (tolerance, confidence, max_products, probes, seed)
    with oracle._session():
        oracle._ready_for_products()
        found, extremes, about = json.loads(
            _core.slice_curvature(oracle, oracle._set(data), first._core, second._core, at, _patterns(mask), settings)
        )
    (a, b), (c, d) = found["matrix"]
    return SliceCurvature(
        coordinates=at,
        matrix=((_number(a), _number(b)), (_number(c), _number(d))),
        curvatures=(_number(found["curvatures"][0]), _number(found["curvatures"][1])),
        rounding=_number(found["rounding"]),
        convex=found["convex"],
        extremes=_extremes(extremes, oracle.product_method, about),
        energy=_number(found["energy"]),
        energy_error=_number(found["energy_error"]),
        energy_share=_number(found["energy_share"]),
        parameters=found["parameters"],
        products=found["products"],
        _text=found["text"],
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def gradient_directions(
    oracle: BaseOracle,
    second: str = "random",
    *,
    data: str | None = None,
    mask: str | Sequence[str] | None = None,
    seed: int = 0,
    stream: int = 0,
    tolerance: float = 1e-6,
    max_products: int = 1000,
) -> Directions:
    """The plane of the gradient at θ and a direction across it, both of length 1: a ``'random'`` one, or the
    ``'eigenvector'`` of λ_max without its part along the gradient.

    >>> import numpy as np, loss_landscape as ll
    >>> h = np.arange(1.0, 11.0)
    >>> bowl = ll.Oracle(np.eye(10)[0], lambda t: t @ (h * t) / 2, gradient=lambda t: h * t)
    >>> plane = ll.gradient_directions(bowl, seed=7)
    >>> plane.first.values[:2], abs(plane.cosine) < 1e-15
    (array([1., 0.]), True)
    """
    if second not in ("random", "eigenvector"):
        raise ArgumentError(f"`{second}` is no second direction: 'random' or 'eigenvector'")
    if not oracle.has_gradient:
        raise ArgumentError("the plane of a gradient needs one: give the oracle `gradient=`")
    with oracle._session():
        if second == "eigenvector":
            oracle._ready_for_products()
        settings = (seed, stream, tolerance, max_products)
        found = _core.gradient_directions(oracle, oracle._set(data), second, _patterns(mask), settings)
    return Directions(Direction._of(found[0]), Direction._of(found[1]))


def directional_curvatures(
    oracle: BaseOracle,
    n: int,
    *,
    data: str | None = None,
    seed: int = 42,
    norm: str = "filter",
    mask: str | Sequence[str] | None = None,
    policies: dict[str, str] | None = None,
) -> np.ndarray:
    """dᵀHd at θ along the n random directions of :func:`draws`, by a product each: what their lines curve by. A random
    direction shows the mean curvature, and nothing of single eigenvalues.

    >>> import numpy as np, loss_landscape as ll
    >>> h = np.arange(100.0)
    >>> bowl = ll.Oracle(np.ones(100), lambda t: t @ (h * t) / 2, gradient=lambda t: h * t,
    ...                  hessian_product=lambda t, v: h * v)
    >>> found = ll.directional_curvatures(bowl, 50)
    >>> bool(abs(found.mean() - 4950) < 4 * found.std() / 50**0.5)  # ‖θ‖²/n·tr H
    True
    """
    with oracle._session():
        oracle._ready_for_products()
        settings = _settings(seed, 0, False, norm, policies or {})
        return np.array(_core.directional_curvatures(oracle, oracle._set(data), settings, _patterns(mask), int(n)))
