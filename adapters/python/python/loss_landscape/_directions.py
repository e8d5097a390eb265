"""Directions: one vector for each axis of a landscape, drawn, given, or between two parameter vectors."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, Sequence

import numpy as np

from . import _core
from ._errors import ArgumentError
from ._layout import Layout
from ._oracle import BaseOracle


class Direction:
    """A vector with its layout and its source. ``random_direction``, ``direction_between`` and ``Direction`` make one.

    >>> import numpy as np, loss_landscape as ll
    >>> oracle = ll.Oracle(np.array([3.0, 4.0]), lambda t: float(t @ t))
    >>> d = ll.Direction(oracle, [0.0, 2.0])
    >>> d.norm, d.values
    (2.0, array([0., 2.]))
    >>> d.normalized(oracle, "filter").norm  # as long as θ, which is a single filter here
    5.0
    """

    def __init__(self, oracle: BaseOracle, values: Any) -> None:
        self._core = _core.Direction.given(oracle.layout._core, oracle.vector(values))

    @classmethod
    def _of(cls, core: _core.Direction) -> Direction:
        direction = cls.__new__(cls)
        direction._core = core
        return direction

    @property
    def values(self) -> np.ndarray:
        """A copy of the vector."""
        return self._core.values()

    @property
    def norm(self) -> float:
        """The Euclidean norm of all of it."""
        return self._core.norm()

    @property
    def source(self) -> str:
        """Where it came from, in words."""
        return self._core.source()

    @property
    def normalization(self) -> str | None:
        """How it was normalised, in words."""
        return self._core.normalization()

    @property
    def layout(self) -> Layout:
        """The blocks that it is made of."""
        return Layout._of(self._core.layout())

    def cosine(self, other: Direction) -> float:
        """The cosine of the angle between two directions."""
        return self._core.cosine(other._core)

    def normalized(self, oracle: BaseOracle, norm: str = "filter", **policies: str) -> Direction:
        """The same direction with lengths by a rule; see :func:`random_directions`."""
        return Direction._of(self._core.normalized(oracle.theta, json.dumps(_normalization(norm, **policies))))

    def report(self, oracle: BaseOracle) -> list[dict]:
        """Norms block by block, and the filters that are zero in θ or in the direction."""
        return json.loads(self._core.report(oracle.theta))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.values if dtype is None else self.values.astype(dtype)

    def __len__(self) -> int:
        return len(self._core.layout())

    def __repr__(self) -> str:
        rule = f"; {self.normalization}" if self.normalization else ""
        return f"<Direction of norm {self.norm:.6g}, {self.source}{rule}>"


class Projection(NamedTuple):
    """Where a parameter vector lies in a plane, and how far off it."""

    #: α and β of the nearest point of the plane.
    coordinates: tuple[float, float]
    #: The distance from that point.
    residual: float
    #: The same as a share of the distance from the origin.
    relative_residual: float


class Directions:
    """Two directions, which span a plane. It unpacks into them.

    >>> import numpy as np, loss_landscape as ll
    >>> oracle = ll.Oracle(np.array([3.0, 4.0]), lambda t: float(t @ t))
    >>> plane = ll.Directions(ll.Direction(oracle, [1.0, 0.0]), ll.Direction(oracle, [0.0, 1.0]))
    >>> plane.cosine
    0.0
    >>> plane.project(oracle, [4.0, 6.0]).coordinates
    (1.0, 2.0)
    """

    def __init__(self, first: Direction, second: Direction) -> None:
        self.first, self.second = first, second

    @property
    def cosine(self) -> float:
        """The cosine of the angle between the two."""
        return self.first.cosine(self.second)

    def project(self, oracle: BaseOracle, parameters: Any, origin: Any = None) -> Projection:
        """Where parameters lie in the plane through θ, or through another origin."""
        start = oracle.theta if origin is None else oracle.vector(origin)
        found = self.first._core.project(self.second._core, start, oracle.vector(parameters))
        coordinates, residual, relative = found
        return Projection((coordinates[0], coordinates[1]), residual, relative)

    def __iter__(self):
        return iter((self.first, self.second))

    def __getitem__(self, index: int) -> Direction:
        return (self.first, self.second)[index]

    def __len__(self) -> int:
        return 2

    def __repr__(self) -> str:
        return f"<Directions with cosine {self.cosine:.4f}: {self.first!r}, {self.second!r}>"


_NORMS = ("filter", "layer", "weight", "unit_filter", "unit_layer", "none")


def _normalization(
    norm: str = "filter",
    biases: str = "still",
    norm_parameters: str = "still",
    buffers: str = "still",
    conformance: str = "paper",
) -> dict:
    if norm not in _NORMS:
        raise ArgumentError(f"`{norm}` is no normalisation: one of {list(_NORMS)}")
    for name, policy in [("biases", biases), ("norm_parameters", norm_parameters), ("buffers", buffers)]:
        if policy not in ("still", "copy", "normalize"):
            raise ArgumentError(f"{name}={policy!r} is no policy: one of 'still', 'copy' and 'normalize'")
    if conformance not in ("paper", "original"):
        raise ArgumentError(f"`{conformance}` is no rule: 'paper' or 'original'")
    return {
        "norm": norm,
        "biases": biases,
        "norm_parameters": norm_parameters,
        "buffers": buffers,
        "conformance": conformance,
    }


def _settings(seed: int, stream: int, orthogonal: bool, norm: str, policies: dict) -> str:
    if not 0 <= seed < 2**64:
        raise ArgumentError(f"a seed is from 0 to 2⁶⁴ − 1, not {seed}")
    rule = _normalization(norm, **policies)
    return json.dumps({"seed": seed, "stream": stream, "orthogonal": orthogonal, "normalization": rule})


def _patterns(mask: str | Sequence[str] | None) -> list[str] | None:
    return None if mask is None else [mask] if isinstance(mask, str) else list(mask)


def random_direction(
    oracle: BaseOracle,
    seed: int = 42,
    *,
    norm: str = "filter",
    mask: str | Sequence[str] | None = None,
    stream: int = 0,
    **policies: str,
) -> Direction:
    """A Gaussian direction, normalised at θ; see :func:`random_directions` for the arguments.

    >>> import numpy as np, loss_landscape as ll
    >>> oracle = ll.Oracle(np.ones(4), lambda t: float(t @ t))
    >>> ll.random_direction(oracle, seed=1)
    <Direction of norm 2, random, seed 1, stream 0; filter; biases still, ...>
    """
    settings = _settings(seed, stream, False, norm, policies)
    return Direction._of(_core.draw(oracle.layout._core, oracle.theta, settings, _patterns(mask), 1)[0])


def random_directions(
    oracle: BaseOracle,
    seed: int = 42,
    *,
    norm: str = "filter",
    orthogonal: bool = False,
    mask: str | Sequence[str] | None = None,
    stream: int = 0,
    **policies: str,
) -> Directions:
    """Two Gaussian directions, normalised at θ: by default filter by filter, after the paper.

    Args:
        oracle: gives layout and θ.
        seed: the same seed draws the same values, for ever.
        norm: ``'filter'``, ``'layer'``, ``'weight'``, ``'unit_filter'``, ``'unit_layer'`` or ``'none'``.
        orthogonal: make the second orthogonal to the first, filter by filter.
        mask: patterns of block names, such as ``'layer4.*'``; what they leave out stands still.
        stream: the number of the first of the two streams of the seed.
        policies: ``biases``, ``norm_parameters`` and ``buffers`` (``'still'``, ``'copy'`` or ``'normalize'``), and
            ``conformance='original'`` for the rule of the original repository.

    >>> import numpy as np, loss_landscape as ll
    >>> oracle = ll.Oracle(np.ones(4), lambda t: float(t @ t))
    >>> ll.random_directions(oracle, orthogonal=True, seed=7).cosine < 1e-12
    True
    """
    settings = _settings(seed, stream, orthogonal, norm, policies)
    first, second = _core.draw(oracle.layout._core, oracle.theta, settings, _patterns(mask), 2)
    return Directions(Direction._of(first), Direction._of(second))


def direction_between(oracle: BaseOracle, a: Any, b: Any, *, move_buffers: bool = False) -> Direction:
    """The direction from a to b: vectors, dictionaries of arrays, or state dicts of a module."""
    core = _core.Direction.between(oracle.layout._core, oracle.vector(a), oracle.vector(b), move_buffers)
    return Direction._of(core)


def plane_through(
    oracle: BaseOracle, a: Any, b: Any, c: Any, *, move_buffers: bool = False
) -> tuple[Directions, list[tuple[float, float]]]:
    """The plane through three parameter vectors, about the first, and where the three lie in it."""
    points = [oracle.vector(point) for point in (a, b, c)]
    directions, places = _core.through(oracle.layout._core, points, move_buffers)
    first, second = (Direction._of(direction) for direction in directions)
    return Directions(first, second), [(x, y) for x, y in places]
