"""Which parameters there are: named blocks of one flat vector, their roles and filter axes."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping, NamedTuple

import numpy as np

from . import _core
from ._errors import ArgumentError

#: What a block is, which decides how a direction is normalised there.
ROLES = ("weight", "bias", "norm_scale", "norm_shift", "buffer")


class Block(NamedTuple):
    """A named tensor of parameters.

    >>> Block("fc.weight", (10, 64), "weight", 0)
    Block(name='fc.weight', shape=(10, 64), role='weight', filter_axis=0)
    """

    name: str
    shape: tuple[int, ...]
    #: One of ``'weight'``, ``'bias'``, ``'norm_scale'``, ``'norm_shift'`` and ``'buffer'``.
    role: str = "weight"
    #: The axis along which filters are counted; without one the block is a single filter.
    filter_axis: int | None = None


class Layout:
    """The blocks that a flat parameter vector is made of, in their order.

    >>> layout = Layout([Block("w", (2, 3), "weight", 0), Block("b", (2,), "bias")])
    >>> len(layout)
    8
    >>> print(layout)
    name  shape  role    filters
    w     2×3    weight  2 along axis 0
    b     2      bias    -
    8 parameters in 2 blocks
    """

    def __init__(self, blocks: Iterable[Block | tuple]) -> None:
        made = [Block(*block) for block in blocks]
        self._core = _core.Layout([(b.name, [int(n) for n in b.shape], b.role, b.filter_axis) for b in made])

    @classmethod
    def _of(cls, core: _core.Layout) -> Layout:
        layout = cls.__new__(cls)
        layout._core = core
        return layout

    @classmethod
    def flat(cls, n: int) -> Layout:
        """One block without filters, for a function of n numbers."""
        return cls([Block("theta", (n,), "weight", None)])

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, Any],
        *,
        filter_axis: int | Mapping[str, int | None],
        roles: Mapping[str, str] | None = None,
    ) -> Layout:
        """The layout of named arrays, such as the parameters of a JAX or TensorFlow model.

        Arrays of two or more dimensions are weights whose filters lie along ``filter_axis`` (−1 for kernels that are
        stored as [in, out]); others are biases. ``roles`` says otherwise by name.

        >>> kernel, bias = np.zeros((64, 10)), np.zeros(10)
        >>> print(Layout.from_arrays({"dense/kernel": kernel, "dense/bias": bias}, filter_axis=-1))
        name          shape  role    filters
        dense/kernel  64×10  weight  10 along axis 1
        dense/bias    10     bias    -
        650 parameters in 2 blocks
        """
        blocks = []
        for name, array in arrays.items():
            shape = tuple(np.shape(array))
            role = (roles or {}).get(name, "weight" if len(shape) > 1 else "bias")
            axis = filter_axis.get(name) if isinstance(filter_axis, Mapping) else filter_axis
            if role != "weight" or axis is None:
                axis = None
            elif not -len(shape) <= axis < len(shape):
                raise ArgumentError(f"`{name}` has {len(shape)} dimensions, and no axis {axis}")
            else:
                axis %= len(shape)
            blocks.append(Block(name, shape, role, axis))
        return cls(blocks)

    @property
    def blocks(self) -> list[Block]:
        """All blocks."""
        return [Block(name, tuple(shape), role, axis) for name, shape, role, axis in self._core.blocks()]

    def __len__(self) -> int:
        return len(self._core)

    def __iter__(self) -> Iterator[Block]:
        return iter(self.blocks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layout) and self._core == other._core

    def __hash__(self) -> int:
        return hash(tuple(self.blocks))

    def split(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Views of a vector by block name.

        >>> Layout([("w", (1, 2), "weight", 0), ("b", (1,), "bias")]).split(np.arange(3.0))
        {'w': array([[0., 1.]]), 'b': array([2.])}
        """
        if vector.shape != (len(self),):
            raise ArgumentError(f"a vector of shape {vector.shape} where the layout has {len(self)} parameters")
        parts, start = {}, 0
        for block in self.blocks:
            size = int(np.prod(block.shape, dtype=np.int64))
            parts[block.name] = vector[start : start + size].reshape(block.shape)
            start += size
        return parts

    def join(self, arrays: Mapping[str, object], dtype: np.dtype | type | None = None) -> np.ndarray:
        """The flat vector of named arrays. All that does not fit is named at once."""
        wrong, parts = [], []
        for block in self.blocks:
            if block.name not in arrays:
                wrong.append(f"`{block.name}` is missing")
                continue
            array = np.asarray(arrays[block.name])
            if array.shape != block.shape:
                wrong.append(f"`{block.name}` has shape {array.shape} where the layout has {block.shape}")
            parts.append(array.reshape(-1))
        if wrong:
            raise ArgumentError("the arrays do not fit the layout: " + "; ".join(wrong))
        joined = np.concatenate(parts)
        return np.ascontiguousarray(joined if dtype is None else joined.astype(dtype, copy=False))

    def table(self, notes: Mapping[str, str] | None = None) -> str:
        """What was decided for each block, as a table of text."""
        rows = [["name", "shape", "role", "filters", *(["note"] if notes else [])]]
        for block in self.blocks:
            shape = "×".join(map(str, block.shape)) or "scalar"
            axis = block.filter_axis
            filters = "-" if axis is None else f"{block.shape[axis]} along axis {axis}"
            rows.append([block.name, shape, block.role, filters, *([notes.get(block.name, "")] if notes else [])])
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        lines.append(f"{len(self):,} parameters in {len(self.blocks)} blocks".replace(",", " "))
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        return f"<Layout of {len(self)} parameters in {len(self.blocks)} blocks>"

    def __reduce__(self) -> tuple:
        return (Layout, (self.blocks,))
