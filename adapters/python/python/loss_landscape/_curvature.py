"""Curvature at one point: the ends of the Hessian's spectrum, eigenvectors, trace, spectral density, and the parts of
H = G + R."""

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


def _ready(oracle: BaseOracle, part: str) -> None:
    if part == "hessian":
        oracle._ready_for_products()
    else:
        oracle._ready_for_parts()


def _method(oracle: BaseOracle, part: str) -> str | None:
    """How products were computed; those with R = H − G in both ways."""
    if part == "hessian":
        return oracle.product_method
    if part == "gauss_newton":
        return oracle.gauss_newton_method
    return f"{oracle.product_method}, less {oracle.gauss_newton_method}"


def _extremes(found: dict, method: str | None, about: dict) -> Extremes:
    return Extremes(
        lambda_min=float(found["lambda_min"]),
        lambda_max=float(found["lambda_max"]),
        bounds=_floats(found["bounds"]),
        residuals=_floats(found["residuals"]),
        confidence=found["confidence"],
        ratio=about["ratio"],
        ratio_interval=tuple(about["ratio_interval"]),
        products=found["products"],
        end=found["end"],
        product_error=float(found["product_error"]),
        method=method,
        reason=about["reason"],
        _text=about["text"],
    )


def _trace(found: dict, method: str | None) -> Trace:
    return Trace(
        float(found["value"]),
        float(found["standard_error"]),
        _floats(found["interval"]),
        found["confidence"],
        found["products"],
        method,
    )


def _floats(pair: Sequence) -> tuple[float, float]:
    # What is not finite is a text.
    return (float(pair[0]), float(pair[1]))


def eigen_extremes(
    oracle: BaseOracle,
    *,
    theta: Any = None,
    data: str | None = None,
    part: str = "hessian",
    mask: str | Sequence[str] | None = None,
    tolerance: float = 0.05,
    confidence: float = 0.9999,
    max_products: int = 300,
    seed: int = 0,
) -> Extremes:
    """λ_min and λ_max of the Hessian at θ, with an interval for their ratio; with ``part`` those of
    ``'gauss_newton'``, G, or ``'rest'``, R = H − G (see :func:`gauss_newton_split`).

    >>> import numpy as np, loss_landscape as ll
    >>> h = np.array([1.0, 4.0, -2.0])
    >>> saddle = ll.Oracle(np.zeros(3), lambda t: t @ (h * t) / 2, gradient=lambda t: h * t,
    ...                    hessian_product=lambda t, v: h * v)
    >>> found = ll.eigen_extremes(saddle)
    >>> round(found.lambda_min, 9), round(found.lambda_max, 9), found.end
    (-2.0, 4.0, 'exact')
    """
    with oracle._session():
        _ready(oracle, part)
        settings = (tolerance, confidence, max_products, seed)
        which = (part, _patterns(mask))
        found, about = json.loads(_core.extremes(oracle, oracle._set(data), _at(oracle, theta), which, settings))
    return _extremes(found, _method(oracle, part), about)


def eigenpairs(
    oracle: BaseOracle,
    highest: int = 2,
    lowest: int = 0,
    *,
    theta: Any = None,
    data: str | None = None,
    part: str = "hessian",
    mask: str | Sequence[str] | None = None,
    tolerance: float = 1e-6,
    max_products: int = 1000,
    seed: int = 0,
) -> EigenPairs:
    """The outermost eigenvalues of the Hessian, or of a ``part`` of it, with their eigenvectors as directions.

    >>> import numpy as np, loss_landscape as ll
    >>> h = np.array([1.0, 4.0, -2.0])
    >>> saddle = ll.Oracle(np.zeros(3), lambda t: t @ (h * t) / 2, gradient=lambda t: h * t,
    ...                    hessian_product=lambda t, v: h * v)
    >>> [round(value, 6) for value in ll.eigenpairs(saddle, highest=1, lowest=1).values]
    [-2.0, 4.0]
    """
    with oracle._session():
        _ready(oracle, part)
        settings = (tolerance, max_products, seed)
        which, counts = (part, _patterns(mask)), (lowest, highest)
        found = _core.eigenpairs(oracle, oracle._set(data), _at(oracle, theta), which, counts, settings)
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
    part: str = "hessian",
    mask: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    max_products: int = 100,
    seed: int = 0,
) -> Trace:
    """The trace of the Hessian, or of a ``part`` of it, by Hutch++, with an interval.

    >>> import numpy as np, loss_landscape as ll
    >>> h = np.array([1.0, 4.0, -2.0])
    >>> saddle = ll.Oracle(np.zeros(3), lambda t: t @ (h * t) / 2, gradient=lambda t: h * t,
    ...                    hessian_product=lambda t, v: h * v)
    >>> round(ll.hessian_trace(saddle).value, 9)
    3.0
    """
    with oracle._session():
        _ready(oracle, part)
        settings = (confidence, max_products, seed)
        which = (part, _patterns(mask))
        found = json.loads(_core.trace(oracle, oracle._set(data), _at(oracle, theta), which, settings))
    return _trace(found, _method(oracle, part))


@dataclass(frozen=True, eq=False)
class Diagonal:
    """An estimate of the Hessian's diagonal."""

    #: As long as θ, with zeros in buffers and outside the chosen blocks.
    values: np.ndarray
    #: 0 where a value is exact.
    standard_errors: np.ndarray
    #: The norm of the errors, as a share of that of the values.
    relative_error: float
    products: int
    #: ``'Exact'``, ``'Tolerance'``, ``'Missed'`` or ``'ProductLimit'``.
    end: str
    method: str | None


def hessian_diagonal(
    oracle: BaseOracle,
    *,
    theta: Any = None,
    data: str | None = None,
    part: str = "hessian",
    mask: str | Sequence[str] | None = None,
    tolerance: float | None = None,
    max_products: int = 100,
    seed: int = 0,
) -> Diagonal:
    """The diagonal of the Hessian, or of a ``part`` of it, from random products; ``oracle.split(found.values)`` has it
    by block. With a ``tolerance`` of the relative error no more products are taken than that needs.

    >>> import numpy as np, loss_landscape as ll
    >>> h = np.array([1.0, 4.0, -2.0])
    >>> saddle = ll.Oracle(np.zeros(3), lambda t: t @ (h * t) / 2, gradient=lambda t: h * t,
    ...                    hessian_product=lambda t, v: h * v)
    >>> ll.hessian_diagonal(saddle).values.round(6)
    array([ 1.,  4., -2.])
    """
    with oracle._session():
        _ready(oracle, part)
        which, settings = (part, _patterns(mask)), (tolerance, max_products, seed)
        found = _core.diagonal(oracle, oracle._set(data), _at(oracle, theta), which, settings)
    return Diagonal(*found, _method(oracle, part))


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
    part: str = "hessian",
    mask: str | Sequence[str] | None = None,
    probes: int = 8,
    steps: int = 64,
    confidence: float = 0.95,
    seed: int = 0,
) -> Density:
    """The density of the Hessian's eigenvalues, or of those of a ``part`` of it, by stochastic Lanczos quadrature, with
    an interval.

    >>> import numpy as np, loss_landscape as ll
    >>> h = np.linspace(-1, 1, 50)
    >>> saddle = ll.Oracle(np.zeros(50), lambda t: t @ (h * t) / 2, gradient=lambda t: h * t,
    ...                    hessian_product=lambda t, v: h * v)
    >>> low, high = ll.spectral_density(saddle).range
    >>> round(low, 6), round(high, 6)
    (-1.0, 1.0)
    """
    with oracle._session():
        _ready(oracle, part)
        settings = (probes, steps, confidence, seed)
        which = (part, _patterns(mask))
        return Density(_core.density(oracle, oracle._set(data), _at(oracle, theta), which, settings))


@dataclass(frozen=True)
class GaussNewtonSplit:
    """The parts of a Hessian H = G + R. As text it explains them."""

    #: How many parameters there are in the chosen blocks.
    parameters: int
    #: Both ends of the spectra of H, G and R.
    hessian: Extremes
    gauss_newton: Extremes
    rest: Extremes
    #: vᵀGv and vᵀRv for the Ritz vectors v of λ_min(H) and of λ_max(H), whose sums these are.
    lowest: tuple[float, float]
    highest: tuple[float, float]
    gauss_newton_trace: Trace
    rest_trace: Trace
    #: tr G / (tr G + tr R), NaN if both are 0, and its standard error.
    trace_share: float
    trace_share_error: float
    #: Σλ² of G and of R, and their standard errors.
    energies: tuple[float, float]
    energy_errors: tuple[float, float]
    #: Products with vectors, in all.
    products: int
    _text: str

    def __str__(self) -> str:
        return self._text


def gauss_newton_split(
    oracle: BaseOracle,
    *,
    theta: Any = None,
    data: str | None = None,
    mask: str | Sequence[str] | None = None,
    tolerance: float = 0.05,
    confidence: float = 0.9999,
    max_products: int = 300,
    trace_products: int = 100,
    probes: int = 32,
    seed: int = 0,
) -> GaussNewtonSplit:
    """Takes the Hessian of a loss ℓ(z(θ)) apart: G = Jᵀ·∇²ℓ·J is what the curvature of ℓ puts into it, R = H − G what
    the curvature of the network z does. Where ℓ is convex in z, as cross-entropy and squared error are, negative
    eigenvalues of H come from R.

    A module gives products with G through its output and ``loss_fn`` (:class:`ll.torch.Oracle <Oracle>`); a function of
    numpy arrays has to bring its own, ``gauss_newton_product=``.

    >>> import numpy as np, loss_landscape as ll
    >>> # Outputs t³ that should be 1, with the squared error: G = 9t⁴ and R = (t³ − 1)·6t.
    >>> cubes = ll.Oracle(
    ...     np.array([0.5, 1.0, 1.0]), lambda t: ((t**3 - 1) ** 2).sum() / 2,
    ...     gradient=lambda t: (t**3 - 1) * 3 * t**2,
    ...     hessian_product=lambda t, v: (9 * t**4 + (t**3 - 1) * 6 * t) * v,
    ...     gauss_newton_product=lambda t, v: 9 * t**4 * v)
    >>> parts = ll.gauss_newton_split(cubes)
    >>> round(parts.gauss_newton.lambda_max, 6), round(parts.rest.lambda_min, 6)
    (9.0, -2.625)
    >>> [round(value, 4) for value in parts.lowest]  # of λ_min(H)
    [0.5625, -2.625]
    """
    with oracle._session():
        oracle._ready_for_parts()
        settings = (tolerance, confidence, max_products, trace_products, probes, seed)
        found, about = json.loads(
            _core.gauss_newton_split(oracle, oracle._set(data), _at(oracle, theta), _patterns(mask), settings)
        )
    ends = {}
    for part in ("hessian", "gauss_newton", "rest"):
        ends[part] = _extremes(found[part], _method(oracle, part), about[part])
    return GaussNewtonSplit(
        parameters=found["parameters"],
        **ends,
        lowest=_floats(found["lowest"]),
        highest=_floats(found["highest"]),
        gauss_newton_trace=_trace(found["gauss_newton_trace"], _method(oracle, "gauss_newton")),
        rest_trace=_trace(found["rest_trace"], _method(oracle, "rest")),
        trace_share=float(found["trace_share"]),
        trace_share_error=float(found["trace_share_error"]),
        energies=_floats(found["energies"]),
        energy_errors=_floats(found["energy_errors"]),
        products=found["products"],
        _text=about["text"],
    )


def hessian_product(
    oracle: BaseOracle, v: Any, *, part: str = "hessian", theta: Any = None, data: str | None = None
) -> np.ndarray:
    """The product of the Hessian with a vector, or that of its part ``'gauss_newton'`` or ``'rest'``, as a flat vector.
    Buffers have no share in it.

    >>> import numpy as np, loss_landscape as ll
    >>> h = np.array([1.0, 4.0, -2.0])
    >>> saddle = ll.Oracle(np.zeros(3), lambda t: t @ (h * t) / 2, gradient=lambda t: h * t,
    ...                    hessian_product=lambda t, v: h * v)
    >>> ll.hessian_product(saddle, np.ones(3))
    array([ 1.,  4., -2.])
    """
    with oracle._session():
        _ready(oracle, part)
        return _core.part_product(oracle, oracle._set(data), _at(oracle, theta), part, oracle.vector(v))


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
