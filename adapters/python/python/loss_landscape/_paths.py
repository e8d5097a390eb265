"""Paths between minimisers, and the paths of trainings."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Sequence

import numpy as np

from . import _core
from ._directions import Direction, Directions
from ._errors import ArgumentError
from ._oracle import BaseOracle
from ._results import Curve


@dataclass
class Path:
    """A bent path: ``'bezier'``, drawn towards its inner points, or ``'chain'``, straight from point to point."""

    shape: str
    points: list[np.ndarray]
    report: dict = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.shape not in ("bezier", "chain"):
            raise ArgumentError(f"`{self.shape}` is no shape of a path: 'bezier' or 'chain'")


def barrier(curve: Curve, channel: str | None = None, *, fall: bool = False) -> dict:
    """How high a curve rises above the straight line between its values at 0 and 1, and where.

    >>> import numpy as np, loss_landscape as ll
    >>> two_wells = ll.Oracle(np.ones(1), lambda t: float((t[0] ** 2 - 1) ** 2))
    >>> ll.barrier(ll.interpolate(two_wells, [-1.0], [1.0]))["height"]
    1.0
    """
    return json.loads(_core.barrier(curve._core, channel or curve.channels[0], fall))


def train_path(
    oracle: BaseOracle,
    a: Any,
    b: Any,
    *,
    shape: str = "bezier",
    bends: int = 1,
    learning_rate: float,
    steps: int = 1000,
    draws: int = 1,
    seed: int = 0,
    adam: bool = False,
    data: str | None = None,
) -> Path:
    """A path of low loss between two minimisers (Garipov et al. 2018). The oracle needs a gradient.

    >>> import numpy as np, loss_landscape as ll
    >>> def gradient(t): return 4 * (t @ t - 1) * t
    >>> ring = ll.Oracle(np.array([1.0, 0.0]), lambda t: float((t @ t - 1) ** 2), gradient=gradient)
    >>> path = ll.train_path(ring, [1.0, 0.0], [0.0, 1.0], learning_rate=0.1, steps=400, seed=1)
    >>> ll.barrier(ll.sweep_path(ring, path))["height"] < 0.01
    True
    """
    if not oracle.has_gradient:
        raise ArgumentError("a path is trained with a gradient: give the oracle `gradient=`")
    ends = (oracle.vector(a), oracle.vector(b))
    settings = (float(learning_rate), int(steps), int(draws), int(seed), bool(adam))
    with oracle._session():
        points, report = _core.train_path(oracle, oracle._set(data), ends, shape, int(bends), settings)
    return Path(shape, points, json.loads(report))


class Trajectory:
    """The principal plane of a training: where each snapshot lies in it, and how far off."""

    def __init__(self, directions: list[Direction], report: dict, text: str, end: np.ndarray) -> None:
        #: The two components, as a plane through the last snapshot.
        self.plane = Directions(directions[0], directions[1])
        self.components = directions
        #: Eigenvalues, shares of the variance, those of random walks, coordinates, distances, and so on.
        self.report = report
        #: The last snapshot, about which the plane lies.
        self.end = end
        self._text = text

    @property
    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the snapshots lie in the plane."""
        first, second = self.report["coordinates"][:2]
        return np.array(first), np.array(second)

    @property
    def off_plane(self) -> np.ndarray:
        """How far each snapshot is from the plane."""
        return np.array(self.report["off_plane"])

    @property
    def shares(self) -> np.ndarray:
        """The share of the variance along each component."""
        return np.array(self.report["shares"])

    @property
    def random_walk(self) -> np.ndarray:
        """The shares that a random walk of as many steps has: what noise alone would explain."""
        return np.array(self.report["random_walk"])

    def ranges(self, points: int = 51, margin: float = 0.25) -> tuple[tuple, tuple]:
        """Axes of α and β that hold the whole path."""
        axes = []
        for along in self.coordinates:
            low, high = min(0.0, float(along.min())), max(0.0, float(along.max()))
            beside = margin * (high - low)
            axes.append((low - beside, high + beside, points))
        return axes[0], axes[1]

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"<Trajectory: {self._text}>"


def trajectory(
    oracle: BaseOracle,
    snapshots: Sequence[Any],
    *,
    centred: bool = False,
    weights_only: bool = False,
    components: int = 2,
) -> Trajectory:
    """The plane in which a training moves most, after the paper's section 7. Snapshots are vectors, dictionaries of
    arrays or state dicts, in their order; the plane goes through the last.

    >>> import numpy as np, loss_landscape as ll
    >>> oracle = ll.Oracle(np.zeros(3), lambda t: float(t @ t))
    >>> path = [np.array([np.cos(t), np.sin(t), 0.01 * t]) for t in np.linspace(0, 2, 20)]
    >>> found = ll.trajectory(oracle, path)
    >>> bool(found.shares[:2].sum() > 0.99)
    True
    """
    vectors = [oracle.vector(snapshot) for snapshot in snapshots]
    found = _core.principal_plane(oracle.layout._core, vectors, centred, weights_only, components)
    directions, report, text = found
    return Trajectory([Direction._of(d) for d in directions], json.loads(report), text, vectors[-1])


