"""Matching: the hidden units of one network in the order of those of another."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Sequence

import numpy as np

from . import _core
from ._curvature import _at
from ._directions import _patterns
from ._errors import ArgumentError
from ._oracle import BaseOracle


@dataclass(frozen=True)
class UnitGroup:
    """A group of hidden units that may be listed in any order, and where each of them has its parameters.

    A unit of a linear layer owns a row of its weight, an entry of its bias, and a column of the next layer's weight; a
    channel of a convolution also the scale, shift and statistics of the normalisation that follows. Channels that a
    skip connection adds to each other are one group. Inputs and outputs have their meaning, and are in no group.

    >>> group = UnitGroup("conv", 8).axis("conv.weight", 0).axis("conv.bias", 0)
    >>> group = group.runs("fc.weight", 1, 4)  # images of 2×2 pixels, flattened channel by channel
    >>> len(group.places)
    3
    """

    name: str
    units: int
    #: Block, axis, first index, indices of each unit, and whether the units fill the axis.
    places: tuple[tuple[str, int, int, int, bool], ...] = field(default=())

    def axis(self, block: str, axis: int) -> UnitGroup:
        """With an axis of a block that has one index for each unit."""
        return self.runs(block, axis, 1)

    def runs(self, block: str, axis: int, run: int) -> UnitGroup:
        """With an axis on which each unit has ``run`` indices in a row."""
        return self._with(block, axis, 0, run, True)

    def part(self, block: str, axis: int, start: int, run: int = 1) -> UnitGroup:
        """With a part of an axis, from the index ``start`` on. What no group covers stays where it is."""
        return self._with(block, axis, start, run, False)

    def _with(self, *place: Any) -> UnitGroup:
        block, axis, start, run, whole = place
        if min(axis, start, run) < 0:
            raise ArgumentError(f"axes and indices count from 0: axis {axis}, start {start}, run {run}")
        return UnitGroup(self.name, self.units, (*self.places, (block, int(axis), int(start), int(run), whole)))


def _groups(groups: Sequence[UnitGroup]) -> list[tuple]:
    for group in groups:
        if not isinstance(group, UnitGroup):
            raise ArgumentError(f"a group of units is a `UnitGroup`, not {type(group).__name__}")
        if group.units < 0:
            raise ArgumentError(f"the group `{group.name}` has {group.units} units")
    return [(group.name, int(group.units), list(group.places)) for group in groups]


@dataclass(frozen=True, eq=False)
class Matched:
    """Parameters with their units in the order of those of others, and how that order was found."""

    #: The permuted parameters, as a flat vector.
    theta: np.ndarray
    #: For each group by name the order: unit i was unit ``order[i]``.
    orders: dict[str, list[int]]
    #: The cosine of the angle between both parameter vectors, before and after.
    cosine_before: float
    cosine: float
    #: Whether no group alone could be permuted to more similarity.
    converged: bool
    #: How many units are not where they were.
    moved: int
    #: Norms, similarities, groups and descents.
    report: dict = field(repr=False)
    _text: str = field(repr=False)

    def __str__(self) -> str:
        return self._text


def match_units(
    oracle: BaseOracle,
    a: Any,
    b: Any,
    groups: Sequence[UnitGroup],
    *,
    mask: str | Sequence[str] | None = None,
    seed: int = 0,
    starts: int = 4,
    sweeps: int = 100,
    anchored: bool = True,
) -> Matched:
    """Lists the hidden units of b in the order in which they are most like those of a: weight matching, algorithm 1 of
    *Git Re-Basin* (Ainsworth, Hayase and Srinivasa, 2023), from several starts.

    Which units there are only you know: a module does not say what its ``forward`` does with its layers.
    :func:`check_permutations` tells whether ``groups`` are right. ``ll.torch.unit_groups`` writes them for chains of
    layers.

    Args:
        oracle: gives the layout.
        a, b: the parameters of two networks, as vectors, dictionaries of arrays, state dicts or modules.
        groups: the units that may be permuted.
        mask: patterns of the blocks that count; all but buffers by default. All blocks are permuted.
        seed: of the orders in which groups are visited.
        starts, sweeps: how many descents, and the most sweeps over all groups of each.
        anchored: let the first descent begin from groups matched one after the other, outwards from inputs and outputs.

    >>> import numpy as np, loss_landscape as ll
    >>> def loss(p): return float((p["out"] @ np.tanh(p["in"])).sum())
    >>> arrays = {"in": np.array([[1.0], [-2.0], [3.0]]), "out": np.array([[0.1, 0.2, 0.3]])}
    >>> oracle = ll.Oracle(arrays, loss, ll.Layout.from_arrays(arrays, filter_axis=0))
    >>> hidden = ll.UnitGroup("hidden", 3).axis("in", 0).axis("out", 1)
    >>> other = {"in": [[3.1], [0.9], [-2.1]], "out": [[0.3, 0.1, 0.2]]}
    >>> matched = ll.match_units(oracle, arrays, other, [hidden])
    >>> matched.orders, matched.theta
    ({'hidden': [1, 2, 0]}, array([ 0.9, -2.1,  3.1,  0.1,  0.2,  0.3]))
    """
    ends = (oracle.vector(a), oracle.vector(b))
    settings = (int(seed), int(starts), int(sweeps), bool(anchored))
    found = _core.match_units(oracle.layout._core, _groups(groups), ends, _patterns(mask), settings)
    theta, orders, report, text = found
    stated, about = json.loads(report)
    named = {group.name: order for group, order in zip(groups, orders)}
    return Matched(theta=theta, orders=named, report=stated, _text=text, **about)


def permute(
    oracle: BaseOracle,
    theta: Any,
    groups: Sequence[UnitGroup],
    orders: dict[str, Sequence[int]] | None = None,
    *,
    seed: int = 0,
) -> np.ndarray:
    """Parameters with their units in another order: unit i becomes unit ``orders[group][i]``. Groups that ``orders``
    leaves out stay; without ``orders`` all are shuffled by the seed.

    >>> import numpy as np, loss_landscape as ll
    >>> arrays = {"in": np.array([[1.0], [2.0], [3.0]]), "out": np.array([[10.0, 20.0, 30.0]])}
    >>> oracle = ll.Oracle(arrays, lambda p: float(p["out"] @ p["in"]), ll.Layout.from_arrays(arrays, filter_axis=0))
    >>> hidden = ll.UnitGroup("hidden", 3).axis("in", 0).axis("out", 1)
    >>> ll.permute(oracle, arrays, [hidden], {"hidden": [1, 2, 0]})
    array([ 2.,  3.,  1., 20., 30., 10.])
    """
    layout, stated = oracle.layout._core, _groups(groups)
    if orders is None:
        listed = _core.random_orders(layout, stated, int(seed))
    else:
        unknown = [name for name in orders if name not in {group.name for group in groups}]
        if unknown:
            raise ArgumentError(f"no group is named {unknown}; there are {[group.name for group in groups]}")
        listed = [[int(i) for i in orders.get(group.name, range(group.units))] for group in groups]
        if any(unit < 0 for order in listed for unit in order):
            raise ArgumentError("units count from 0")
    return _core.permute(layout, stated, listed, oracle.vector(theta))


class PermutationCheck(NamedTuple):
    """What permuting units did to a loss."""

    #: The loss at θ, and with all groups permuted at random.
    loss: float
    permuted: float
    #: The loss with one group alone permuted, by name.
    groups: dict[str, float]
    #: The largest relative difference, and its group; None if it is largest for all together.
    error: float
    worst: str | None


def check_permutations(
    oracle: BaseOracle,
    groups: Sequence[UnitGroup],
    *,
    theta: Any = None,
    data: str | None = None,
    seed: int = 0,
) -> PermutationCheck:
    """Compares the loss with those after random permutations of units. Right groups change it by rounding only, 1e-15
    in ``float64`` and 1e-6 in ``float32``; a group that leaves out a bias does not.

    >>> import numpy as np, loss_landscape as ll
    >>> def loss(p): return float((p["v"] * np.tanh(p["w"] + p["b"])).sum())
    >>> arrays = {"w": np.array([0.5, -1.0, 2.0]), "b": np.array([0.1, 0.2, 0.3]), "v": np.array([-0.2, 0.6, 0.9])}
    >>> oracle = ll.Oracle(arrays, loss, ll.Layout.from_arrays(arrays, filter_axis=0))
    >>> hidden = ll.UnitGroup("hidden", 3).axis("w", 0).axis("v", 0)
    >>> ll.check_permutations(oracle, [hidden]).worst  # the biases were forgotten
    'hidden'
    >>> ll.check_permutations(oracle, [hidden.axis("b", 0)]).error < 1e-14
    True
    """
    with oracle._session():
        found = _core.check_permutations(oracle, oracle._set(data), _at(oracle, theta), _groups(groups), int(seed))
    loss, permuted, alone, error, worst = found
    return PermutationCheck(loss, permuted, dict(alone), error, worst)


def assignment(similarity: Any) -> list[int]:
    """The column for each row of a square matrix, each column once, with the largest sum: the order of the units of b
    in which they are most like those of a, for similarities of your own, as of activations.

    >>> assignment([[0.1, 0.9], [0.8, 0.7]])
    [1, 0]
    """
    matrix = np.ascontiguousarray(similarity, dtype=np.float64)
    if matrix.ndim != 2:
        raise ArgumentError(f"similarities are a matrix, not an array of shape {matrix.shape}")
    return _core.assignment(matrix)[0]
