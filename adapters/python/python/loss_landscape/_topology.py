"""The shape of a curve or surface: its minima, the saddles between them, and how far they persist."""

from __future__ import annotations

import html
import json
import os
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from . import _core
from ._errors import ArgumentError
from ._results import Landscape, _style


@dataclass(frozen=True)
class Minimum:
    """A local minimum: a component of the points below a level begins here."""

    #: Its indices on the axes, and its coordinates α and β.
    index: tuple[int, int]
    coordinates: tuple[float, float]
    value: float
    #: How far the level rises until its component merges with that of a lower minimum; infinite if it never does.
    persistence: float
    #: The same until it merges with any other.
    depth: float
    #: How many points flow here, and their share of all.
    basin_points: int
    basin_share: float
    #: The number of the merge where it ends, None if it never does.
    merge: int | None
    #: Whether all this stays so whatever values the holes have.
    certain: bool


@dataclass(frozen=True)
class Merge:
    """A saddle where two components meet."""

    index: tuple[int, int]
    coordinates: tuple[float, float]
    value: float
    #: The number of the minimum that ends here, and of the lower one that goes on.
    ends: int
    continues: int
    #: The minima whose basins touch here.
    between: tuple[int, int]
    certain: bool


@dataclass(frozen=True)
class Hill:
    """A maximum that lower ground surrounds."""

    index: tuple[int, int]
    coordinates: tuple[float, float]
    value: float
    #: How far it rises above its pass; infinite without one.
    persistence: float
    #: The height of the pass, −∞ without one.
    pass_value: float
    certain: bool


class PersistencePair(NamedTuple):
    """A feature of the points below a level, which begins at one level and ends at another."""

    #: 0 for minima, 1 for hills.
    dimension: int
    birth: float
    death: float
    birth_index: tuple[int, int] | None
    death_index: tuple[int, int] | None
    certain: bool


class TreeNode(NamedTuple):
    """A node of the merge tree: ``'minimum'`` or ``'merge'`` with its number, its value, and the node above it."""

    kind: str
    number: int
    value: float
    parent: int | None


def _pair(pair: Any) -> Any:
    return None if pair is None else (pair[0], pair[1])


class Topology:
    """Minima, the saddles where they merge, and hills. As text it is a line; :func:`topology` has an example."""

    def __init__(self, core: _core.Topology) -> None:
        self._core = core
        #: All that is known, as the files hold it.
        self.report: dict = json.loads(core.report())

    @property
    def channel(self) -> str:
        """Of which channel it is."""
        return self.report["channel"]

    @property
    def minima(self) -> list[Minimum]:
        """The most persistent first; without holes that is the lowest point."""
        return [
            Minimum(
                **_site(m["at"]),
                persistence=float(m["persistence"]),
                depth=float(m["depth"]),
                basin_points=m["basin_points"],
                basin_share=float(m["basin_share"]),
                merge=m["merge"],
                certain=m["certain"],
            )
            for m in self.report["minima"]
        ]

    @property
    def merges(self) -> list[Merge]:
        """The saddles where minima merge, ascending."""
        return [
            Merge(**_site(m["at"]), ends=m["ends"], continues=m["continues"], between=_pair(m["between"]),
                  certain=m["certain"])
            for m in self.report["merges"]
        ]

    @property
    def hills(self) -> list[Hill]:
        """The most persistent first; a line has none."""
        return [
            Hill(
                **_site(h["at"]),
                persistence=float(h["persistence"]),
                pass_value=float("-inf") if h["pass"] is None else float(h["pass"]["value"]),
                certain=h["certain"],
            )
            for h in self.report["hills"]
        ]

    @property
    def pairs(self) -> list[PersistencePair]:
        """Minima and hills as persistence pairs: those of ``gudhi.CubicalComplex``."""
        return [
            PersistencePair(dimension, birth, death, _pair(born), _pair(died), certain)
            for dimension, birth, death, born, died, certain in self._core.pairs()
        ]

    @property
    def tree(self) -> list[TreeNode]:
        """The merge tree: all minima, then all merges, each with the number of the node above it."""
        nodes = []
        for node in self.report["tree"]["nodes"]:
            ((kind, number),) = node["feature"].items()
            nodes.append(TreeNode(kind, number, float(node["value"]), node["parent"]))
        return nodes

    @property
    def basins(self) -> np.ndarray:
        """For each point the number of the minimum that it flows to, −1 in holes."""
        rows, columns = self.report["shape"]
        flat = [-1 if basin is None else basin for basin in self.report["basins"]]
        return np.array(flat, dtype=np.int64).reshape(rows, columns)

    @property
    def left_out(self) -> int:
        """Minima and hills that were below the persistence asked for, or within the noise."""
        return self.report["left_out"]

    @property
    def holes(self) -> int:
        """Points without a finite value."""
        return self.report["holes"]

    @property
    def saddle_distance(self) -> dict[str, float] | None:
        """How far saddles are from their minima on average: ``height`` (the SMAD of arXiv 2602.07135),
        ``relative_height``, ``weighted_height`` and ``plane``; None if nothing merges."""
        found = self.report["saddle_distance"]
        return None if found is None else {name: float(value) for name, value in found.items()}

    def svg(self, kind: str = "persistence", *, floor: float | None = None, **style: Any) -> str:
        """The figure as SVG text; the arguments are those of :meth:`plot`."""
        return self._core.figure(kind, "svg", _style(**style), floor)

    def plot(
        self, path: str | os.PathLike, kind: str = "persistence", *, floor: float | None = None, **style: Any
    ) -> None:
        """Draws the ``'persistence'`` diagram or the ``'merge_tree'`` to a file, ``.svg``, ``.png`` or ``.pdf``.

        Args:
            path: the file; it is replaced as a whole.
            kind: ``'persistence'`` or ``'merge_tree'``.
            floor: a persistence, marked as the one below which nothing counts.
            style: ``title``, ``log``, ``y_label``.
        """
        drawn = self._core.figure(kind, os.path.splitext(os.fspath(path))[1].lower()[1:], _style(**style), floor)
        _core.write_file(os.fspath(path), drawn.encode() if isinstance(drawn, str) else drawn)

    def save(self, path: str | os.PathLike) -> None:
        """Writes a file in the format of its ending, ``.json``, ``.npz`` or ``.csv``, which :meth:`load` reads."""
        _core.write_file(os.fspath(path), self._core.to_bytes(_ending(path)))

    @classmethod
    def load(cls, path: str | os.PathLike) -> Topology:
        """What :meth:`save` wrote."""
        with open(path, "rb") as file:
            return cls(_core.Topology.from_bytes(file.read(), _ending(path)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Topology) and self.report == other.report

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple:
        return (_restored, (self._core.to_bytes("json"),))

    def __str__(self) -> str:
        return str(self._core)

    def __repr__(self) -> str:
        return f"<Topology: {self}>"

    def _repr_html_(self) -> str:
        try:
            svg = self.svg()
        except Exception:
            # Nothing to draw: the text says so.
            svg = ""
        return f"<div>{svg}<p>{html.escape(str(self))}</p></div>"


def _site(site: dict) -> dict:
    alpha, beta = site["coordinates"]
    return {
        "index": _pair(site["index"]),
        "coordinates": (float(alpha), float(beta)),
        "value": float(site["value"]),
    }


def _ending(path: str | os.PathLike) -> str:
    ending = os.path.splitext(os.fspath(path))[1].lower()
    if ending not in (".json", ".npz", ".csv"):
        raise ArgumentError(f"`{os.fspath(path)}` ends in none of .json, .npz and .csv")
    return ending[1:]


def _restored(data: bytes) -> Topology:
    return Topology(_core.Topology.from_bytes(data, "json"))


def topology(
    landscape: Landscape,
    channel: str | None = None,
    *,
    neighbours: int = 8,
    persistence_above: float = 0.0,
    standard_error: float | None = None,
    standard_errors: str | None = None,
    confidence: float = 0.95,
) -> Topology:
    """The minima of a curve or surface, how they merge as the level rises, and how deep and wide they are.

    Args:
        landscape: a curve, surface, adaptive surface or ratio map. Points without a finite value are holes.
        channel: by default the loss.
        neighbours: of a point of a surface: 8, those that touch at a corner too, or 4.
        persistence_above: leave out what rises no more than this above its minimum.
        standard_error: of every value; what noise can explain with ``confidence`` is then left out.
        standard_errors: the channel that holds one for each point.
        confidence: the probability with which what is kept is real.

    >>> import numpy as np, loss_landscape as ll
    >>> at = np.linspace(-2, 2, 17)
    >>> wells = (at[:, None] ** 2 - 1) ** 2 + at[None, :] ** 2  # at (±1, 0), with a pass of height 1 between
    >>> shape = ll.topology(ll.Surface.from_arrays(at, at, {"loss": wells}))
    >>> [(minimum.coordinates, minimum.persistence) for minimum in shape.minima]
    [((-1.0, 0.0), inf), ((1.0, 0.0), 1.0)]
    >>> shape.merges[0].coordinates, int(shape.basins[16, 8])
    ((0.0, 0.0), 1)
    >>> print(shape)
    shape of `loss`: 2 minima, 1 merge, 0 hills; saddle–minimum distance 1
    """
    if not isinstance(landscape, Landscape):
        raise ArgumentError(f"a shape is that of a curve or surface, not of {type(landscape).__name__}")
    if standard_error is not None and standard_errors is not None:
        raise ArgumentError("the standard error is one number, or a channel: give one of the two")
    if channel is None or channel == "loss" and channel not in landscape.channels:
        channel = landscape.channels[0]
    settings = SimpleNamespace(
        channel=channel,
        neighbours=int(neighbours),
        persistence_above=float(persistence_above),
        standard_error=standard_error,
        standard_errors=standard_errors,
        confidence=float(confidence),
    )
    return Topology(_core.topology(landscape._core, settings))
