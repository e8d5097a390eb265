"""The data of an oracle: the batches of a loader in a fixed order, and single samples picked from them."""

from __future__ import annotations

import contextlib
import hashlib
import random
import warnings
from typing import Any, Callable, Iterator, Mapping, Sequence

import numpy as np
import torch

from ._errors import ArgumentError, LoaderWarning


@contextlib.contextmanager
def generators(devices: Sequence[torch.device]) -> Iterator[None]:
    """Puts back the states of all generators that code at a point might draw from."""
    python, numbers = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[device.index or 0 for device in devices]):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numbers)


class Batches:
    """The batches of a loader in a fixed order, kept on the device or read again."""

    def __init__(
        self,
        loader: Any,
        name: str,
        device: torch.device,
        dtype: torch.dtype,
        weight: Callable[[Any], float],
        limit: int,
    ) -> None:
        self._device, self._dtype = device, dtype
        self.notes: list[str] = []
        self.of = of = f"loader `{name}`" if name else "the loader"
        self._loader = self._in_order(loader, of)
        self._kept: list | None = []
        self.counts: list[float] = []
        digest = hashlib.blake2b(digest_size=8)
        held = 0
        for batch in self._read():
            digest.update(structure_of(batch))
            self.counts.append(weight(batch))
            if self._kept is not None:
                held += bytes_of(batch)
                if held > limit:
                    self._kept = None
                    self._tell(f"{of} has more than {limit / 2**30:.3g} GiB, and is read again for every point")
                else:
                    self._kept.append(moved(batch, device, dtype))
        if not self.counts:
            raise ArgumentError(f"{of} has no batches (a generator can be read only once)")
        self.total = sum(self.counts)
        if self.total <= 0:
            raise ArgumentError(f"the batches of {of} count {self.total} in all")
        self._digest = digest.digest()
        if self._kept is None and len(list(zip(range(1), self._read()))) == 0:
            raise ArgumentError(f"{of} is too large to be kept, and cannot be read again: raise `memory_limit`")

    def _tell(self, note: str) -> None:
        self.notes.append(note)
        warnings.warn(note, LoaderWarning, stacklevel=4)

    def _in_order(self, loader: Any, of: str) -> Any:
        data = torch.utils.data
        if isinstance(loader, tuple) and loader and all(isinstance(part, torch.Tensor) for part in loader):
            return [loader]
        if isinstance(loader, torch.Tensor):
            return [loader]
        if isinstance(loader, data.Dataset):
            raise ArgumentError(f"{of} is a data set without batches: wrap it in `DataLoader(…, batch_size=…)`")
        if not hasattr(loader, "__iter__"):
            raise ArgumentError(f"{of} must be a DataLoader or a list of batches, not {type(loader).__name__}")
        if not isinstance(loader, data.DataLoader) or isinstance(loader.dataset, data.IterableDataset):
            return loader
        sampler, dataset = loader.sampler, loader.dataset
        if isinstance(sampler, data.SequentialSampler) or loader.batch_size is None:
            return loader
        if isinstance(sampler, data.SubsetRandomSampler):
            dataset = data.Subset(dataset, sorted(int(i) for i in sampler.indices))
        elif not isinstance(sampler, data.RandomSampler) or sampler.replacement or sampler._num_samples is not None:
            kind = type(sampler).__name__
            self._tell(f"{of} draws its samples by {kind}: they are read once, in the order of seed 0")
            return loader
        self._tell(f"{of} shuffles: its samples are read in the order of the data set, all of them")
        return data.DataLoader(
            dataset,
            batch_size=loader.batch_size,
            num_workers=loader.num_workers,
            collate_fn=loader.collate_fn,
            pin_memory=loader.pin_memory,
            worker_init_fn=loader.worker_init_fn,
        )

    def _read(self) -> Iterator[Any]:
        """The batches as the loader gives them; what it draws, it draws from seed 0 each time."""
        iterator = None
        state = None
        while True:
            # Only while the loader works: between batches the generators are those of whoever evaluates.
            with generators([]):
                if state is None:
                    random.seed(0)
                    np.random.seed(0)
                    torch.manual_seed(0)
                    iterator = iter(self._loader)
                else:
                    random.setstate(state[0])
                    np.random.set_state(state[1])
                    torch.set_rng_state(state[2])
                try:
                    assert iterator is not None
                    batch = next(iterator)
                except StopIteration:
                    return
                state = (random.getstate(), np.random.get_state(), torch.get_rng_state())
            yield batch

    def __iter__(self) -> Iterator[Any]:
        if self._kept is not None:
            return iter(self._kept)
        return (moved(batch, self._device, self._dtype) for batch in self._read())

    def samples(self) -> Samples:
        """Its samples one by one."""
        if self._kept is None:
            text = f"{self.of} is read again for every point, and no single samples can be picked from it: "
            raise ArgumentError(text + "raise `memory_limit`")
        return Samples(self._kept)

    def fingerprint(self, context: str) -> int:
        digest = hashlib.blake2b(self._digest + context.encode(), digest_size=8)
        return int.from_bytes(digest.digest(), "little")


def moved(batch: Any, device: torch.device, dtype: torch.dtype) -> Any:
    if isinstance(batch, torch.Tensor):
        kind = dtype if batch.is_floating_point() else batch.dtype
        return batch.to(device, kind)
    if isinstance(batch, Mapping):
        return {key: moved(value, device, dtype) for key, value in batch.items()}
    if isinstance(batch, (tuple, list)):
        return type(batch)(moved(value, device, dtype) for value in batch) if type(batch) in (tuple, list) else batch
    return batch


def leaves_of(batch: Any) -> Iterator[torch.Tensor]:
    if isinstance(batch, torch.Tensor):
        yield batch
    elif isinstance(batch, Mapping):
        for value in batch.values():
            yield from leaves_of(value)
    elif isinstance(batch, (tuple, list)):
        for value in batch:
            yield from leaves_of(value)


def count_of(batch: Any) -> int:
    for leaf in leaves_of(batch):
        return int(leaf.shape[0]) if leaf.ndim else 1
    raise ArgumentError(f"a batch without tensors ({type(batch).__name__}): say by `size` how much it counts")


def bytes_of(batch: Any) -> int:
    return sum(leaf.numel() * leaf.element_size() for leaf in leaves_of(batch))


def structure_of(batch: Any) -> bytes:
    parts = []
    for leaf in leaves_of(batch):
        parts.append(f"{leaf.dtype} {tuple(leaf.shape)}\n".encode())
        parts.append(raw(leaf))
    return b"".join(parts)


def raw(tensor: torch.Tensor) -> bytes:
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


class Samples:
    """The samples of batches that are kept, numbered in their order.

    >>> samples = Samples([(torch.zeros(2, 3), torch.tensor([0, 1])), (torch.ones(1, 3), torch.tensor([2]))])
    >>> [(where, y.tolist()) for where, (x, y) in samples.pick(np.array([1, 2]))]
    [(slice(0, 2, None), [1, 2])]
    """

    def __init__(self, batches: list) -> None:
        self._batches = batches
        self._counts = [count_of(batch) for batch in batches]
        self._starts = np.cumsum([0, *self._counts])
        #: By batch, its tensors and what is no tensor, and how they are put together.
        self._flat = [torch.utils._pytree.tree_flatten(batch) for batch in batches]
        picked = [[_is_of_samples(leaf, n) for leaf in leaves] for (leaves, _), n in zip(self._flat, self._counts)]
        #: Which leaves have a row for each sample.
        self._picked = picked[0]
        self._alike = all(
            structure == self._flat[0][1] and which == picked[0] and self._shapes(leaves) == self._shapes(first)
            for (leaves, structure), which, first in zip(self._flat, picked, [self._flat[0][0]] * len(picked))
        )

    def _shapes(self, leaves: list) -> list:
        return [leaf.shape[1:] if picked else None for leaf, picked in zip(leaves, self._picked)]

    def __len__(self) -> int:
        return int(self._starts[-1])

    def _batch_of(self, numbers: np.ndarray) -> np.ndarray:
        return np.searchsorted(self._starts, numbers, side="right") - 1

    def pick(self, numbers: np.ndarray) -> Iterator[tuple[slice, Any]]:
        """Batches of these samples, which are ascending, and for each the range of ``numbers`` that it holds: the
        loader's own batches where all of one are asked for, and else as many samples as the largest of them."""
        batch_of = self._batch_of(numbers)
        most = max(self._counts)
        start = 0
        while start < len(numbers):
            batch = batch_of[start]
            within = int(np.searchsorted(batch_of, batch, side="right"))
            if within - start == self._counts[batch] == numbers[within - 1] - numbers[start] + 1:
                yield slice(start, within), self._batches[batch]
                start = within
                continue
            end = min(start + most, len(numbers)) if self._alike else within
            yield slice(start, end), self.gathered(numbers[start:end])
            start = end

    def few(self) -> list[int]:
        """Three samples, or fewer if there are fewer, that go into one batch."""
        last = len(self) - 1 if self._alike else self._counts[0] - 1
        return sorted({0, last // 2, last})

    def gathered(self, numbers: Sequence[int] | np.ndarray) -> Any:
        """One batch of these samples, which are ascending; one may come again."""
        numbers = np.asarray(numbers)
        batch_of = self._batch_of(numbers)
        parts: list[list] = [[] for _ in self._picked]
        leaves, structure = self._flat[batch_of[0]]
        for batch in np.unique(batch_of):
            rows = torch.from_numpy(numbers[batch_of == batch] - self._starts[batch])
            for part, leaf, picked in zip(parts, self._flat[batch][0], self._picked):
                if picked:
                    part.append(leaf.index_select(0, rows.to(leaf.device)))
        given = [torch.cat(part) if picked else leaf for part, leaf, picked in zip(parts, leaves, self._picked)]
        return torch.utils._pytree.tree_unflatten(given, structure)


def _is_of_samples(leaf: Any, count: int) -> bool:
    return isinstance(leaf, torch.Tensor) and leaf.ndim > 0 and leaf.shape[0] == count


def sample_axes(two: list, three: list) -> list[int | None]:
    """Along which axis each tensor has its samples, from the same for two and for three of them; None for what is
    shared.

    >>> sample_axes([torch.zeros(2, 4), torch.zeros(1, 2, 5), 3], [torch.zeros(3, 4), torch.zeros(1, 3, 5), 3])
    [0, 1, None]
    """
    if len(two) != len(three):
        raise ArgumentError(f"the output has {len(two)} parts for two samples and {len(three)} for three")
    axes: list[int | None] = []
    for a, b in zip(two, three):
        if not isinstance(a, torch.Tensor) or a.shape == b.shape:
            axes.append(None)
            continue
        differ = [axis for axis in range(a.ndim) if a.ndim == b.ndim and a.shape[axis] != b.shape[axis]]
        if [(a.shape[axis], b.shape[axis]) for axis in differ] != [(2, 3)]:
            shapes = f"{tuple(a.shape)} for two samples and {tuple(b.shape)} for three"
            raise ArgumentError(f"an output has shape {shapes}, and not one axis for the samples")
        axes.append(differ[0])
    return axes
