"""Curvature at one point: the ends of the Hessian's spectrum, eigenvectors, trace, spectral density."""

from __future__ import annotations

import html
import json
import os
from dataclasses import dataclass
from typing import Any, NamedTuple, Sequence

import numpy as np

from . import _core
from ._directions import Direction, Directions, _patterns
from ._errors import ArgumentError
from ._oracle import BaseOracle


@dataclass(frozen=True)
class Extremes:
    """Both ends of the spectrum, and how sure they are."""

    #: The outermost Ritz values.
    lambda_min: float
    lambda_max: float
    #: Both eigenvalues lie within these, with the probability ``confidence``.
    bounds: tuple[float, float]
    residuals: tuple[float, float]
    confidence: float
    #: |λ_min/λ_max|, and the interval that holds it with that probability.
    ratio: float
    ratio_interval: tuple[float, float]
    #: Hessian-vector products.
    products: int
    #: How the run ended, such as ``'certified'``.
    end: str
    #: The estimated error of a product, where products are differences of gradients.
    product_error: float
    #: How products were computed.
    method: str | None
    #: Why the run gave up, in a sentence, if it did.
    reason: str | None
    _text: str

    def __str__(self) -> str:
        return self._text


class EigenPairs(NamedTuple):
    """The outermost eigenpairs, values ascending."""

    values: list[float]
    directions: list[Direction]
    residuals: list[float]
    products: int
    #: How the run ended, in words.
    end: str


@dataclass(frozen=True)
class Trace:
    """An estimate of the Hessian's trace."""

    value: float
    standard_error: float
    interval: tuple[float, float]
    confidence: float
    products: int
    method: str | None


def _at(oracle: BaseOracle, theta: Any) -> np.ndarray | None:
    return None if theta is None else oracle.vector(theta)


def eigen_extremes(
    oracle: BaseOracle,
    *,
    theta: Any = None,
    data: str | None = None,
    mask: str | Sequence[str] | None = None,
    tolerance: float = 0.05,
    confidence: float = 0.9999,
    max_products: int = 300,
    seed: int = 0,
) -> Extremes:
    """λ_min and λ_max of the Hessian at θ, with an interval for their ratio.

    >>> import numpy as np, loss_landscape as ll
    >>> h = np.array([1.0, 4.0, -2.0])
    >>> saddle = ll.Oracle(np.zeros(3), lambda t: t @ (h * t) / 2, gradient=lambda t: h * t,
    ...                    hessian_product=lambda t, v: h * v)
    >>> found = ll.eigen_extremes(saddle)
    >>> round(found.lambda_min, 9), round(found.lambda_max, 9), found.end
    (-2.0, 4.0, 'exact')
    """
    with oracle._session():
        oracle._ready_for_products()
        settings = (tolerance, confidence, max_products, seed)
        found, about = json.loads(
            _core.extremes(oracle, oracle._set(data), _at(oracle, theta), _patterns(mask), settings)
        )
    return Extremes(
        lambda_min=found["lambda_min"],
        lambda_max=found["lambda_max"],
        bounds=tuple(found["bounds"]),
        residuals=tuple(found["residuals"]),
        confidence=found["confidence"],
        ratio=about["ratio"],
        ratio_interval=tuple(about["ratio_interval"]),
        products=found["products"],
        end=found["end"],
        product_error=found["product_error"],
        method=oracle.product_method,
        reason=about["reason"],
        _text=about["text"],
    )


def eigenpairs(
    oracle: BaseOracle,
    highest: int = 2,
    lowest: int = 0,
    *,
    theta: Any = None,
    data: str | None = None,
    tolerance: float = 1e-6,
    max_products: int = 1000,
    seed: int = 0,
) -> EigenPairs:
    """The outermost eigenvalues of the Hessian with their eigenvectors as directions."""
    with oracle._session():
        oracle._ready_for_products()
        settings = (tolerance, max_products, seed)
        found = _core.eigenpairs(oracle, oracle._set(data), _at(oracle, theta), (lowest, highest), settings)
    values, directions, residuals, products, end = found
    return EigenPairs(values, [Direction._of(d) for d in directions], residuals, products, end)


def hessian_directions(
    oracle: BaseOracle, ends: str = "highest", *, data: str | None = None, **settings: Any
) -> tuple[Directions, EigenPairs]:
    """The plane of two eigenvectors: ``'highest'``, ``'lowest'``, or ``'both'`` ends of the spectrum.

    >>> import numpy as np, loss_landscape as ll
    >>> h = np.array([1.0, 4.0, -2.0])
    >>> saddle = ll.Oracle(np.zeros(3), lambda t: t @ (h * t) / 2, gradient=lambda t: h * t,
    ...                    hessian_product=lambda t, v: h * v)
    >>> plane, pairs = ll.hessian_directions(saddle, "both")
    >>> abs(plane.first.values).round(6)
    array([0., 1., 0.])
    """
    counts = {"highest": (2, 0), "lowest": (0, 2), "both": (1, 1)}
    if ends not in counts:
        raise ArgumentError(f"`{ends}` is no part of a spectrum: one of {list(counts)}")
    highest, lowest = counts[ends]
    pairs = eigenpairs(oracle, highest, lowest, data=data, **settings)
    if len(pairs.values) < 2:
        raise ArgumentError(f"only {len(pairs.values)} eigenvectors were found, and a plane needs two")
    first, second = (0, 1) if ends == "lowest" else (1, 0)
    return Directions(pairs.directions[first], pairs.directions[second]), pairs


def hessian_trace(
    oracle: BaseOracle,
    *,
    theta: Any = None,
    data: str | None = None,
    confidence: float = 0.95,
    max_products: int = 100,
    seed: int = 0,
) -> Trace:
    """The trace of the Hessian, by Hutch++, with an interval.

    >>> import numpy as np, loss_landscape as ll
    >>> h = np.array([1.0, 4.0, -2.0])
    >>> saddle = ll.Oracle(np.zeros(3), lambda t: t @ (h * t) / 2, gradient=lambda t: h * t,
    ...                    hessian_product=lambda t, v: h * v)
    >>> round(ll.hessian_trace(saddle).value, 9)
    3.0
    """
    with oracle._session():
        oracle._ready_for_products()
        settings = (confidence, max_products, seed)
        found = json.loads(_core.trace(oracle, oracle._set(data), _at(oracle, theta), settings))
    return Trace(
        found["value"],
        found["standard_error"],
        tuple(found["interval"]),
        found["confidence"],
        found["products"],
        oracle.product_method,
    )


class Density:
    """An estimated density of the Hessian's eigenvalues."""

    def __init__(self, core: _core.Density) -> None:
        self._core = core

    @property
    def range(self) -> tuple[float, float]:
        """The outermost nodes."""
        low, high = self._core.range()
        return (low, high)

    @property
    def products(self) -> int:
        """Hessian-vector products."""
        return self._core.products

    def __call__(self, at: Any, width: float | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The density at these values, and the ends of its interval; each eigenvalue is a Gaussian of this width."""
        values, lower, upper, _ = self._core.density([float(x) for x in np.asarray(at).reshape(-1)], width)
        return values, lower, upper

    def svg(self, title: str | None = None) -> str:
        """The figure as SVG text."""
        return self._core.figure("svg", title)

    def plot(self, path: str | os.PathLike, title: str | None = None) -> None:
        """Draws the density to a file, ``.svg``, ``.png`` or ``.pdf``."""
        drawn = self._core.figure(os.path.splitext(os.fspath(path))[1].lower()[1:], title)
        _core.write_file(os.fspath(path), drawn.encode() if isinstance(drawn, str) else drawn)

    def _repr_html_(self) -> str:
        return f"<div>{self.svg()}<p>{html.escape(repr(self))}</p></div>"

    def __repr__(self) -> str:
        low, high = self.range
        return f"<Density from {low:.4g} to {high:.4g}, {self.products} products>"


def spectral_density(
    oracle: BaseOracle,
    *,
    theta: Any = None,
    data: str | None = None,
    probes: int = 8,
    steps: int = 64,
    confidence: float = 0.95,
    seed: int = 0,
) -> Density:
    """The density of the Hessian's eigenvalues, by stochastic Lanczos quadrature, with an interval.

    >>> import numpy as np, loss_landscape as ll
    >>> h = np.linspace(-1, 1, 50)
    >>> saddle = ll.Oracle(np.zeros(50), lambda t: t @ (h * t) / 2, gradient=lambda t: h * t,
    ...                    hessian_product=lambda t, v: h * v)
    >>> low, high = ll.spectral_density(saddle).range
    >>> round(low, 6), round(high, 6)
    (-1.0, 1.0)
    """
    with oracle._session():
        oracle._ready_for_products()
        settings = (probes, steps, confidence, seed)
        return Density(_core.density(oracle, oracle._set(data), _at(oracle, theta), settings))


def gradient(oracle: BaseOracle, *, theta: Any = None, data: str | None = None) -> tuple[float, np.ndarray]:
    """L(θ) and ∇L(θ), the latter as a flat vector.

    >>> import numpy as np, loss_landscape as ll
    >>> bowl = ll.Oracle(np.array([1.0, 2.0]), lambda t: float(t @ t), gradient=lambda t: 2 * t)
    >>> ll.gradient(bowl)
    (5.0, array([2., 4.]))
    """
    if not oracle.has_gradient:
        raise ArgumentError("the oracle has no gradient: give it `gradient=`")
    with oracle._session():
        return _core.gradient(oracle, oracle._set(data), _at(oracle, theta))


class DerivativeErrors(NamedTuple):
    """How far derivatives are from differences, relative to their size."""

    gradient: float
    products: float


def check_derivatives(oracle: BaseOracle, *, data: str | None = None) -> DerivativeErrors:
    """Compares the gradient with differences of losses, and products with differences of gradients.

    >>> import numpy as np, loss_landscape as ll
    >>> bowl = ll.Oracle(np.array([1.0, 2.0]), lambda t: float(t @ t), gradient=lambda t: 2 * t)
    >>> ll.check_derivatives(bowl).gradient < 1e-6
    True
    """
    with oracle._session():
        oracle._ready_for_products()
        return DerivativeErrors(*_core.check(oracle, oracle._set(data)))
