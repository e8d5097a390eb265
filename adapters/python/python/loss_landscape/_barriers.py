"""Barriers between several minimisers: every pair of them, on the straight line between."""

from __future__ import annotations

import html
import json
import os
from typing import Any, Mapping, Sequence

import numpy as np

from . import _core
from ._errors import ArgumentError, Interrupted
from ._oracle import BaseOracle
from ._results import Curve, _style
from ._sweeps import interpolate


class BarrierMatrix:
    """The barriers between each pair of several minimisers, with the curves that they were measured on. As text it is a
    table; :func:`barrier_matrix` makes it and has an example."""

    def __init__(self, core: _core.BarrierMatrix) -> None:
        self._core = core

    @property
    def names(self) -> list[str]:
        """The names of the minimisers."""
        return self._core.names()

    @property
    def channel(self) -> str:
        """The channel that it is of."""
        return self._core.channel()

    @property
    def heights(self) -> np.ndarray:
        """The heights of all barriers: symmetric, 0 on the diagonal, NaN where none is known. Where points are
        :attr:`missing` a height is a lower bound."""
        return self._core.heights()

    @property
    def missing(self) -> np.ndarray:
        """For each pair the number of points without a finite value."""
        return self._core.missing()

    @property
    def highest(self) -> tuple[str, str] | None:
        """The pair with the highest barrier; None if none is known."""
        pair = self._core.highest()
        return None if pair is None else (self.names[pair[0]], self.names[pair[1]])

    def curve(self, a: int | str, b: int | str) -> Curve | None:
        """The curve between two minimisers, by number or name, from the one with the lower number at 0; None where it
        was not measured."""
        curve = self._core.curve(*self._numbers(a, b))
        return None if curve is None else Curve(curve)

    def barrier(self, a: int | str, b: int | str) -> dict | None:
        """The barrier between two minimisers, as :func:`barrier` gives it; None where an end has no finite value."""
        text = self._core.barrier(*self._numbers(a, b))
        return None if text is None else json.loads(text)

    def _numbers(self, *which: int | str) -> tuple[int, int]:
        names = self.names
        numbers = []
        for one in which:
            if isinstance(one, str):
                if one not in names:
                    raise ArgumentError(f"no minimiser is named `{one}`; there are {names}")
                one = names.index(one)
            if not 0 <= one < len(names):
                raise ArgumentError(f"there is no minimiser {one} among {len(names)}")
            numbers.append(int(one))
        return numbers[0], numbers[1]

    def svg(self, **style: Any) -> str:
        """The figure as SVG text; the arguments are those of :meth:`plot`."""
        return self._core.figure("svg", _style(**style))

    def plot(self, path: str | os.PathLike, **style: Any) -> None:
        """Draws the heights to a file, ``.svg``, ``.png`` or ``.pdf``: ``title``, ``log``, ``range=(low, high)``,
        ``y_label`` (of the colours)."""
        drawn = self._core.figure(os.path.splitext(os.fspath(path))[1].lower()[1:], _style(**style))
        _core.write_file(os.fspath(path), drawn.encode() if isinstance(drawn, str) else drawn)

    def save(self, path: str | os.PathLike) -> None:
        """Writes a file in the format of its ending: ``.json`` holds everything and can be :meth:`load`-ed, ``.npz``
        the matrices, ``.csv`` a line for each pair."""
        ending = os.path.splitext(os.fspath(path))[1].lower()
        if ending not in (".json", ".npz", ".csv"):
            raise ArgumentError(f"`{os.fspath(path)}` ends in none of .json, .npz and .csv")
        _core.write_file(os.fspath(path), self._core.to_bytes(ending[1:]))

    @classmethod
    def load(cls, path: str | os.PathLike) -> BarrierMatrix:
        """What :meth:`save` wrote as ``.json``."""
        with open(path, "rb") as file:
            return cls(_core.BarrierMatrix.from_bytes(file.read()))

    def __len__(self) -> int:
        return len(self.names)

    def __reduce__(self) -> tuple:
        return (_restored, (self._core.to_bytes("json"),))

    def __str__(self) -> str:
        return str(self._core)

    def __repr__(self) -> str:
        return f"<BarrierMatrix of {len(self)} minimisers>"

    def _repr_html_(self) -> str:
        try:
            svg = self.svg()
        except Exception:
            # Nothing finite to draw: the text says so.
            svg = ""
        return f"<div>{svg}<pre>{html.escape(str(self))}</pre></div>"


def _restored(data: bytes) -> BarrierMatrix:
    return BarrierMatrix(_core.BarrierMatrix.from_bytes(data))


def barrier_matrix(
    oracle: BaseOracle,
    minimisers: Mapping[str, Any] | Sequence[Any],
    *,
    points: int = 31,
    channel: str | None = None,
    move_buffers: bool = False,
    journals: str | os.PathLike | None = None,
    **options: Any,
) -> BarrierMatrix:
    """How high the loss rises between each pair of minimisers: n(n − 1)/2 sweeps for n of them.

    Args:
        oracle: what is evaluated.
        minimisers: two or more, in a list or by name: vectors, dictionaries of arrays, state dicts or modules.
        points: how many on each line, both ends among them.
        channel: of which; by default the loss of the first data set.
        move_buffers: interpolate buffers too. By default those of the first of a pair stay, so that the loss at the
            other end is not that of the other minimiser where buffers matter, as statistics of batch normalisation do:
            for these an oracle has ``batch_norm="reestimate"``.
        journals: a folder, in which each pair has a journal; the same call goes on where it was interrupted.
        options: those of :func:`interpolate`, such as ``on_error`` and ``progress``.

    Ctrl-C raises :class:`Interrupted`, with the pairs that are complete in ``result``.

    >>> import numpy as np, loss_landscape as ll
    >>> def loss(t): return float((t[0] + 1) ** 2 * (t[0] ** 2 + 0.1) * (t[0] - 2) ** 2)
    >>> wells = ll.Oracle(np.zeros(1), loss)
    >>> matrix = ll.barrier_matrix(wells, {"left": [-1.0], "middle": [0.0], "right": [2.0]}, points=101)
    >>> matrix.highest, bool(matrix.heights[2, 0] == matrix.barrier("left", "right")["height"])
    (('left', 'right'), True)
    """
    named = minimisers if isinstance(minimisers, Mapping) else {str(k): one for k, one in enumerate(minimisers)}
    names, vectors = [str(name) for name in named], [oracle.vector(one) for one in named.values()]
    if len(vectors) < 2:
        raise ArgumentError(f"barriers are between two minimisers or more, and there are {len(vectors)}")
    for given in ("journal", "shard"):
        if given in options:
            raise ArgumentError(f"`{given}` is of one sweep, and these are several: give `journals`, a folder")
    if journals is not None:
        os.makedirs(journals, exist_ok=True)
    curves: list[Any] = []
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    for i, j in pairs:
        journal = None if journals is None else os.path.join(os.fspath(journals), f"pair-{i}-{j}.journal")
        try:
            curve = interpolate(
                oracle,
                vectors[i],
                vectors[j],
                alpha=(0.0, 1.0, int(points)),
                move_buffers=move_buffers,
                journal=journal,
                **options,
            )
        except Interrupted as interrupted:
            done = f"{len(curves)} of {len(pairs)} pairs are done"
            result = _matrix(names, channel, curves, len(pairs)) if curves else None
            raise Interrupted(f"{done}; they are in `.result` of this exception", result) from interrupted
        curves.append(curve._core)
        if not curve.complete and options.get("on_error") != "stop":
            # An observer wants no more.
            break
    return _matrix(names, channel, curves, len(pairs))


def _matrix(names: list[str], channel: str | None, curves: list[_core.Landscape], pairs: int) -> BarrierMatrix:
    known = curves[0].channels()
    if channel is None or channel == "loss" and channel not in known:
        channel = known[0]
    # Whether there is such a channel.
    curves[0].channel(channel)
    return BarrierMatrix(_core.BarrierMatrix(names, channel, [*curves, *[None] * (pairs - len(curves))]))
