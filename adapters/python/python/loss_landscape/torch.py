"""PyTorch modules as oracles.

>>> import torch, loss_landscape as ll
>>> model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
>>> data = [(torch.ones(4, 2), torch.zeros(4, 1))]  # or a DataLoader
>>> oracle = ll.torch.Oracle(model, torch.nn.functional.mse_loss, data)
>>> surface = ll.grid_2d(oracle, ll.random_directions(oracle), alpha=5, beta=5)
>>> surface.shape
(5, 5)

For a sweep the module's parameters become views of one flat vector on its device. At a point two numbers go in,
θ + α·d₁ + β·d₂ is written there, and the channels come out. Then the module has its own tensors again, which nobody
touched: whatever happens in between, it is left as it was, bit for bit.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import threading
import warnings
import weakref
from typing import Any, Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import nn

from ._errors import (
    ArgumentError,
    BusyError,
    HookWarning,
    LayoutError,
    LayoutWarning,
    NonDeterministicWarning,
)
from ._layout import Block, Layout
from ._oracle import BaseOracle, number_of, points_at_once_of, table_of
from ._torch_data import Batches, Samples, count_of, generators, raw, sample_axes
from ._torch_units import unit_groups

__all__ = ["Oracle", "module_layout", "unit_groups"]

_NUMPY = {torch.float32: np.float32, torch.float64: np.float64}


class Oracle(BaseOracle):
    """The mean loss of a module over the batches of a loader.

    Args:
        model: any ``torch.nn.Module``.
        loss_fn: called with the output and the target of a batch; returns the mean over the batch.
        loader: a ``DataLoader``, a list of batches, a tuple of tensors as one batch, or a dictionary of these by name
            (``{"train": …, "test": …}``). A batch is ``(inputs…, target)``, a dictionary of keywords, or a tensor that
            is input and target. It is read once, in a fixed order, and kept; see ``memory_limit``.
        metrics: more channels by name: functions of output and target that return a mean over the batch.
        device, dtype: where and in which precision to evaluate; those of the module by default. The module itself
            stays where it is.
        step: instead of ``loss_fn`` and ``metrics``, for any other training step: called with the module and a batch,
            returns the mean loss, or a dictionary of channels with ``"loss"`` as its first.
        size: called with a batch, returns how much its mean counts; by default the number of samples. Give the number
            of tokens where a loss ignores some.
        roles: what to decide otherwise: by pattern of names a role, or a pair of role and filter axis, such as
            ``{"blocks.*.gate": ("weight", 1)}``.
        frozen: whether parameters with ``requires_grad=False`` ``'still'`` stand, or ``'move'`` as the others. If all
            are frozen, all move.
        mode: ``'eval'``, or ``'train'``, or ``'keep'`` for whatever each module is set to.
        batch_norm: ``'frozen'`` statistics, or ``'reestimate'``-d at each point over the first data set.
        noise_seed: seeds torch's generator before each evaluation, so that dropout draws the same masks everywhere.
        memory_limit: the most bytes of batches that are kept; more are read again for every point. Graphs for
            Hessian-vector products are kept within the same limit.
        products: ``'auto'``, ``'double backward'``, ``'forward over reverse'`` or ``'differences'`` for
            Hessian-vector products; ``'auto'`` takes the first of these that works.
        points_at_once: how many points of a sweep are evaluated in one call, by ``torch.func.vmap``. It is faster
            where a point takes hardly longer than the calls that it is made of, a small module on a handful of samples,
            and slower elsewhere: measure it. Values are those of one point at a time but for rounding. It takes the
            memory of as many modules and activations.
        sample_losses: for sampled sweeps, called with the module and a batch: returns as many losses as the batch has
            samples, or a dictionary of channels with as many values each. A ``step`` needs it; without, the loss of a
            sample is ``loss_fn`` of its output alone.
        probe: evaluate one point twice before the first sweep, and warn if the two differ.

    >>> oracle = Oracle(nn.Linear(2, 1), nn.functional.mse_loss, (torch.ones(4, 2), torch.zeros(4, 1)))
    >>> print(oracle.layout)
    name    shape  role    filters
    weight  1×2    weight  1 along axis 0
    bias    1      bias    -
    3 parameters in 2 blocks
    """

    _one_thread = True
    has_gradient = True

    def __init__(
        self,
        model: nn.Module,
        loss_fn: Callable | None,
        loader: Any,
        *,
        metrics: Mapping[str, Callable] | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
        step: Callable | None = None,
        size: Callable[[Any], float] | None = None,
        roles: Mapping[str, Any] | None = None,
        frozen: str = "still",
        mode: str = "eval",
        batch_norm: str = "frozen",
        noise_seed: int | None = None,
        memory_limit: int = 2 << 30,
        products: str = "auto",
        points_at_once: int = 1,
        sample_losses: Callable | None = None,
        probe: bool = True,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise ArgumentError(f"the model must be a torch.nn.Module, not {type(model).__name__}")
        _one_of("frozen", frozen, ("still", "move"))
        _one_of("mode", mode, ("eval", "train", "keep"))
        _one_of("batch_norm", batch_norm, ("frozen", "reestimate"))
        _one_of("products", products, ("auto", *_METHODS, "differences"))
        self._points_at_once = points_at_once_of(points_at_once)
        if self._points_at_once > 1 and batch_norm == "reestimate":
            raise ArgumentError("batch statistics are estimated again one point at a time: leave `points_at_once` at 1")
        if (loss_fn is None) == (step is None):
            raise ArgumentError("an oracle needs a `loss_fn`, or else a `step`")
        if step is not None and metrics:
            raise ArgumentError("a `step` returns its own channels, as a dictionary: leave `metrics` out")
        given = [("loss_fn", loss_fn), ("step", step), ("size", size), ("sample_losses", sample_losses)]
        for name, function in [*given, *(metrics or {}).items()]:
            if function is not None and not callable(function):
                raise ArgumentError(f"`{name}` must be callable, not {type(function).__name__}")
        if getattr(loss_fn, "reduction", "mean") == "none":
            raise ArgumentError("the loss has reduction='none', and must give the mean over a batch")
        self.model = model
        self._loss_fn, self._step, self._size = loss_fn, step, size
        self._sample_losses_of = sample_losses
        self.has_sample_losses = sample_losses is not None or step is None
        self._metrics = dict(metrics or {})
        self._mode, self._batch_norm, self._noise_seed = mode, batch_norm, noise_seed
        self._memory_limit, self._products_wanted, self._probe = memory_limit, products, probe
        self._sums = getattr(loss_fn, "reduction", "mean") == "sum"

        decided = _decide(model, roles or {}, frozen, dtype)
        self.layout, self._slots, self._notes, dtype = decided
        self._dtype = dtype
        self._device = torch.device(device) if device is not None else self._slots[0].tensor.device
        if self._device.type == "cuda" and self._device.index is None:
            self._device = torch.device("cuda", torch.cuda.current_device())
        parts = [slot.tensor.detach().to("cpu", dtype).reshape(-1) for slot in self._slots]
        self.theta = np.ascontiguousarray(torch.cat(parts).numpy())
        self._trained = [slot for slot in self._slots if slot.moves]
        hooked = [n for n, m in model.named_modules() if m._forward_hooks or m._forward_pre_hooks]
        if hooked:
            shown = ", ".join(f"`{name or 'the module'}`" for name in hooked[:4])
            text = f"{len(hooked)} modules have forward hooks ({shown}…), which run at every evaluation"
            warnings.warn(text.replace("…", "…" if len(hooked) > 4 else ""), HookWarning, stacklevel=2)

        self._data_names = list(loader) if isinstance(loader, Mapping) else [""]
        loaders = list(loader.values()) if isinstance(loader, Mapping) else [loader]
        read = (self._device, dtype, self._weight, memory_limit)
        self._sets = [Batches(one, name, *read) for one, name in zip(loaders, self._data_names)]
        self.channels = ["loss", *self._metrics]
        if step is not None:
            with self._session(), torch.no_grad():
                first = step(model, next(iter(self._sets[0])))
            if isinstance(first, Mapping):
                self.channels = list(first)
        context = self._context()
        self._fingerprints = [batches.fingerprint(context) for batches in self._sets]
        #: Whether two evaluations of one point gave the same bits; None until it was tried.
        self.deterministic: bool | None = None
        self._keep_graph: bool | None = None
        self._tried_together: set[int] = set()
        # The parts of H = G + R are those of a loss of outputs.
        self.has_gauss_newton = step is None
        #: Why the better way to multiply with G was not taken.
        self.gauss_newton_failures: dict[str, str] = {}
        #: Why losses of single samples are computed one by one.
        self.sample_failures: dict[str, str] = {}

    # What was decided.

    def table(self) -> str:
        """The layout as a table, with what is tied, frozen or a guess."""
        return self.layout.table(self._notes)

    @property
    def notes(self) -> list[str]:
        """What became of the loaders."""
        return [note for batches in self._sets for note in batches.notes]

    def vector(self, parameters: Any) -> np.ndarray:
        """Parameters as one flat vector: a vector, a state dict, or a module of the same kind."""
        if isinstance(parameters, nn.Module):
            parameters = parameters.state_dict()
        if not isinstance(parameters, Mapping):
            return super().vector(parameters)
        arrays = {}
        for block in self.layout.blocks:
            if block.name in parameters:
                value = parameters[block.name]
                arrays[block.name] = value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value
        known = {block.name for block in self.layout.blocks} | set(self._left_out())
        strange = [name for name in parameters if name not in known]
        if strange:
            raise ArgumentError(f"the state dict does not fit: the module has no {strange}")
        return self.layout.join(arrays, self.theta.dtype)

    def _left_out(self) -> list[str]:
        """Names of the state dict that are not in θ: other names of tied tensors, counters and buffers."""
        blocks = {block.name for block in self.layout.blocks}
        return [name for name in self.model.state_dict(keep_vars=True) if name not in blocks]

    def state_dict(self, theta: Any = None) -> dict[str, torch.Tensor]:
        """A state dict of the module at other parameters, to load where they came from."""
        parts = self.layout.split(self.theta if theta is None else self.vector(theta))
        state = {name: tensor.detach().clone() for name, tensor in self.model.state_dict(keep_vars=True).items()}
        by_tensor = {id(slot.tensor): parts[slot.name] for slot in self._slots}
        for name, tensor in self.model.state_dict(keep_vars=True).items():
            if id(tensor) in by_tensor:
                state[name] = torch.from_numpy(by_tensor[id(tensor)].copy()).to(tensor.device, tensor.dtype)
        return state

    def __call__(self, theta: Any = None, data: str | None = None) -> float:
        """The loss at θ, or at other parameters."""
        at = self.theta if theta is None else self.vector(theta)
        with self._session():
            return self._measure(self._set(data), at)[0]

    def __repr__(self) -> str:
        where = f"{self._dtype}".removeprefix("torch.") + f" on {self._device}"
        return f"<torch.Oracle of {type(self.model).__name__}, {self.theta.size} parameters, {where}>"

    # Moving the module, and leaving it as it was.

    @contextlib.contextmanager
    def _session(self) -> Iterator[None]:
        lock = _lock_of(self.model)
        if not lock.acquire(blocking=False):
            raise BusyError("another sweep is moving this module: sweep a copy (`copy.deepcopy`) in each thread")
        forked = os.getpid() != _PID
        threads = torch.get_num_threads()
        try:
            if forked and self._device.type == "cuda":
                raise BusyError("CUDA cannot be used after a fork: start processes by `spawn`")
            if forked and threads > 1:
                # The threads of OpenMP did not come along, and waiting for them would never end.
                torch.set_num_threads(1)
            with _left_as_it_was(self.model, self._device):
                self._enter()
                try:
                    yield
                finally:
                    self._graph = self._outputs = None
                    self._flat = None
        finally:
            if forked and threads > 1:
                torch.set_num_threads(threads)
            lock.release()

    def _enter(self) -> None:
        if self._mode != "keep":
            self.model.train(self._mode == "train")
        flat = torch.from_numpy(self.theta).to(self._device, copy=True)
        start = 0
        mine = {id(slot.tensor) for slot in self._slots}
        for slot in self._slots:
            tensor = slot.tensor
            tensor.data = flat[start : start + tensor.numel()].view(tensor.shape)
            if slot.moves and not tensor.requires_grad:
                tensor.requires_grad_(True)
            start += tensor.numel()
        for tensor in _tensors(self.model):
            if id(tensor) not in mine:
                kind = self._dtype if tensor.is_floating_point() else tensor.dtype
                tensor.data = tensor.data.to(self._device, kind, copy=True)
        self._flat = flat
        self._graph = self._outputs = None

    # Losses.

    def _on_device(self, vectors: list[np.ndarray]) -> list[torch.Tensor]:
        return [torch.from_numpy(vector).to(self._device) for vector in vectors]

    @staticmethod
    def _combiner(kind: str, basis: list[torch.Tensor]) -> Callable[[Sequence[float], torch.Tensor], None]:
        """Writes a combination of these vectors, as the core would make it."""
        same = basis[0] == basis[1] if kind == "segment" else None

        def combine(coefficients: Sequence[float], out: torch.Tensor) -> None:
            if kind == "affine":
                torch.add(basis[0], basis[1], alpha=coefficients[1], out=out)
                if len(basis) == 3:
                    out.add_(basis[2], alpha=coefficients[2])
            elif 0.0 in coefficients:
                # An end, exactly.
                out.copy_(basis[1 if coefficients[0] == 0.0 else 0])
            else:
                assert same is not None
                torch.mul(basis[0], coefficients[0], out=out)
                out.add_(basis[1], alpha=coefficients[1])
                # What is equal at both ends stands still to the last bit.
                torch.where(same, basis[0], out, out=out)

        return combine

    def _prepare(self, number: int, kind: str, vectors: list[np.ndarray]) -> Callable:
        flat = self._flat
        assert flat is not None
        if number == 0:
            self._look_for_noise()
        basis = self._on_device(vectors)
        combine = self._combiner(kind, basis)

        def evaluate(coefficients: tuple[float, ...]) -> list[float]:
            with torch.no_grad():
                combine(coefficients, flat)
            return self._channels(number)

        if self._points_at_once == 1:
            return evaluate
        self._try_together(number)
        many = torch.empty((self._points_at_once, flat.numel()), dtype=self._dtype, device=self._device)

        def evaluate_together(places: list[int], coefficients: list[list[float]]) -> list[Sequence[float]]:
            # Places without a point have the first one's θ.
            all_of_them = [coefficients[0]] * self._points_at_once
            for place, one in zip(places, coefficients):
                all_of_them[place] = one
            with torch.no_grad():
                if kind == "affine":
                    columns = torch.tensor(all_of_them, dtype=self._dtype, device=self._device).T[:, :, None]
                    torch.addcmul(basis[0], columns[1], basis[1], out=many)
                    if len(basis) == 3:
                        many.addcmul_(columns[2], basis[2])
                else:
                    for row, one in zip(many, all_of_them):
                        combine(one, row)
            return self._together(number, many, places)

        return evaluate_together

    # Several points in one call.

    def _measure_together(self, number: int, thetas: np.ndarray, places: list[int]) -> list[Sequence[float]]:
        self._try_together(number)
        return self._together(number, torch.from_numpy(thetas).to(self._device), places)

    def _together(self, number: int, many: torch.Tensor, places: list[int]) -> list[Sequence[float]]:
        wrapped = _AsModule(self)
        names = {id(t): name for name, t in [*wrapped.named_parameters(), *wrapped.named_buffers()]}
        tensors = {names[id(s.tensor)]: many[:, s.range].view(-1, *s.tensor.shape) for s in self._slots}
        rows, weights = [], []
        self._seed()
        # The masks of a seed are the same for all points; without one they may not be drawn at all.
        randomness = "error" if self._noise_seed is None else "same"
        with torch.no_grad(), _double_backward_kernels(False):
            for batch in self._sets[number]:

                def row(tensors: dict, batch: Any = batch) -> tuple:
                    values = torch.func.functional_call(wrapped, tensors, (batch, "row"))
                    return tuple(torch.as_tensor(value, device=self._device).reshape(()) for value in values)

                found = torch.func.vmap(row, randomness=randomness)(tensors)
                rows.append([channel.tolist() for channel in found])
                weights.append(1.0 if self._sums else self._weight(batch))
        return [self._means([[c[place] for c in row] for row in rows], weights, number) for place in places]

    def _try_together(self, number: int) -> None:
        """Evaluates θ alone and among others, before the first points of a data set."""
        if number in self._tried_together:
            return
        count = self._points_at_once
        alone = self._measure(number, self.theta)
        many = torch.from_numpy(self.theta).to(self._device).repeat(count, 1)
        try:
            found = self._together(number, many, [0, count - 1])
        except (RuntimeError, NotImplementedError, ValueError) as error:
            why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            text = f"{count} points at once do not work here: {why.rstrip('.')}. Leave `points_at_once` at 1"
            raise ArgumentError(text) from error
        allowed = 1e-9 if self._dtype == torch.float64 else 1e-3
        for row in found:
            for name, one, other in zip(self.channels, alone, row):
                if one == other or (one != one and other != other):
                    continue
                if not abs(one - other) <= allowed * max(1.0, abs(one)):
                    text = f"`{name}` is {one} at θ alone and {other} among {count} points: leave `points_at_once` at 1"
                    raise ArgumentError(text)
        self._tried_together.add(number)

    # Single samples.

    def _ready_for_samples(self) -> None:
        """Finds out how the losses of single samples can be computed, by three of them."""
        if self._batch_norm == "reestimate":
            text = "with batch statistics that are estimated again at each point, the loss of a sample is that of all"
            raise ArgumentError(f"{text}: freeze them")
        if not self.has_sample_losses:
            raise ArgumentError("a `step` does not show the losses of single samples: give the oracle `sample_losses=`")
        if self._samples:
            return
        self._look_for_noise()
        picked = [batches.samples() for batches in self._sets]
        with torch.no_grad():
            if self._sample_losses_of is not None:
                ways = ["own"]
            else:
                two, three = (self._outputs_of(picked[0].gathered([0] * n))[0] for n in (2, 3))
                self._sample_axes, ways = sample_axes(two, three), ["vmap", "one by one"]
            for way in ways:
                self.sample_method = way
                try:
                    self._compare_samples(picked[0])
                except (RuntimeError, NotImplementedError) as error:
                    if way == ways[-1]:
                        self.sample_method = None
                        raise
                    self.sample_failures[way] = str(error).strip().splitlines()[0]
                    continue
                break
        self._sample_weights = [self._weights_of(samples, number) for number, samples in enumerate(picked)]
        self._sample_counts = [len(samples) for samples in picked]
        self._samples = picked

    def _compare_samples(self, samples: Samples) -> None:
        """Compares what some samples have together with what a batch of each alone has."""
        numbers = samples.few()
        together = self._sample_rows(samples.gathered(numbers), len(numbers))
        allowed = 1e-9 if self._dtype == torch.float64 else 1e-3
        for number, row in zip(numbers, together):
            alone = [float(value) for value in self._row(samples.gathered([number]))]
            for name, one, other in zip(self.channels, alone, row):
                if not (abs(one - other) <= allowed * max(1.0, abs(one)) or one != one and other != other):
                    text = f"`{name}` of sample {number} is {one} alone and {other} among {len(numbers)} samples"
                    raise ArgumentError(f"{text}: it depends on what is in the batch with it, and cannot be sampled")

    def _weights_of(self, samples: Samples, number: int) -> np.ndarray:
        """What the values of each sample are multiplied by, [sample, channel], so that their plain mean is the mean
        over batches."""
        batches, count = self._sets[number], len(samples)
        weights = np.ones(count)
        if self._size is not None:
            weights = np.array([self._weight(samples.gathered([k])) for k in range(count)])
        columns = np.repeat((weights * (count / batches.total))[:, None], len(self.channels), axis=1)
        if self._sums:
            columns[:, 0] = count / batches.total
        return columns

    def _outputs_of(self, batch: Any) -> tuple[list, Any]:
        """What the loss of a batch is a function of, output and target, as parts and how they are put together."""
        return torch.utils._pytree.tree_flatten(self._forward(batch))

    def _sample_rows(self, batch: Any, count: int) -> np.ndarray:
        """The channels of each sample of a batch, [sample, channel]."""
        if self._sample_losses_of is not None:
            given = self._sample_losses_of(self.model, batch)
            if isinstance(given, Mapping):
                given = {name: _as_array(value) for name, value in given.items()}
            return table_of(given if isinstance(given, Mapping) else _as_array(given), count, self.channels, "samples")
        leaves, structure = self._outputs_of(batch)
        axes = [(k, axis) for k, axis in enumerate(self._sample_axes) if axis is not None]

        def one(*parts: torch.Tensor) -> tuple:
            given = list(leaves)
            for (k, axis), part in zip(axes, parts):
                given[k] = part.unsqueeze(axis)
            row = self._row_of(*torch.utils._pytree.tree_unflatten(given, structure))
            return tuple(torch.as_tensor(value, device=self._device).reshape(()) for value in row)

        parts = [leaves[k] for k, _ in axes]
        if self.sample_method == "vmap":
            found = list(torch.func.vmap(one, in_dims=tuple(axis for _, axis in axes))(*parts))
        else:
            rows = [one(*(p.select(a, k) for p, (_, a) in zip(parts, axes))) for k in range(count)]
            found = [torch.stack(column) for column in zip(*rows)]
        return np.stack([_as_array(column).astype(np.float64) for column in found], axis=1)

    def _rows_of_samples(self, number: int, samples: np.ndarray) -> np.ndarray:
        out = np.empty((len(samples), len(self.channels)))
        self._seed()
        with torch.no_grad():
            for where, batch in self._samples[number].pick(samples):
                out[where] = self._sample_rows(batch, where.stop - where.start)
        return out * self._sample_weights[number][samples]

    def _prepare_samples(self, number: int, kind: str, vectors: list[np.ndarray]) -> Callable:
        flat = self._flat
        assert flat is not None
        combine = self._combiner(kind, self._on_device(vectors))

        def evaluate(coefficients: tuple[float, ...], samples: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                combine(coefficients, flat)
            return self._rows_of_samples(number, samples)

        return evaluate

    def _sample_losses(self, number: int, theta: np.ndarray, samples: np.ndarray) -> np.ndarray:
        self._move(theta)
        return self._rows_of_samples(number, samples)

    # One point.

    def _measure(self, number: int, theta: np.ndarray) -> list[float]:
        self._move(theta)
        return self._channels(number)

    def _move(self, theta: np.ndarray) -> None:
        assert self._flat is not None
        self._graph = self._outputs = None
        self._flat.copy_(torch.from_numpy(theta))

    def _channels(self, number: int) -> list[float]:
        if self._noise_seed is not None:
            torch.manual_seed(self._noise_seed)
        with torch.no_grad():
            if self._batch_norm == "reestimate":
                self._reestimate()
            rows, weights = [], []
            for batch in self._sets[number]:
                rows.append(self._row(batch))
                weights.append(1.0 if self._sums else self._weight(batch))
        return self._mean(rows, weights, number)

    def _mean(self, rows: list[list], weights: list[float], number: int) -> list[float]:
        if self._device.type == "cpu":
            values = [[float(value) for value in row] for row in rows]
        else:
            # One wait for the device a point.
            flat = torch.stack([torch.as_tensor(v, device=self._device).reshape(()) for row in rows for v in row])
            values = flat.to("cpu").to(torch.float64).reshape(len(rows), -1).tolist()
        return self._means(values, weights, number)

    def _means(self, values: list[list[float]], weights: list[float], number: int) -> list[float]:
        total = self._sets[number].total if self._sums else sum(weights)
        means = [sum(w * row[k] for w, row in zip(weights, values)) / total for k in range(len(self.channels))]
        if self._sums:
            # Metrics are means all the same.
            counts = self._sets[number].counts
            for k in range(1, len(means)):
                means[k] = sum(n * row[k] for n, row in zip(counts, values)) / sum(counts)
        return means

    def _row(self, batch: Any) -> list:
        """The channels of a batch, as they come."""
        if self._step is not None:
            given = self._step(self.model, batch)
            if not isinstance(given, Mapping):
                given = {"loss": given}
            if list(given) != self.channels:
                raise TypeError(f"the step gave {list(given)}, and gave {self.channels} before")
            return [_single(value, f"`{name}`") for name, value in given.items()]
        return self._row_of(*self._forward(batch))

    def _row_of(self, output: Any, target: Any) -> list:
        assert self._loss_fn is not None
        row = [_single(self._loss_fn(output, target), "the loss")]
        row += [_single(metric(output, target), f"metric `{name}`") for name, metric in self._metrics.items()]
        return row

    def _forward(self, batch: Any) -> tuple[Any, Any]:
        if isinstance(batch, torch.Tensor):
            return self.model(batch), batch
        if isinstance(batch, Mapping):
            return self.model(**batch), batch
        *inputs, target = batch
        return self.model(*inputs), target

    def _weight(self, batch: Any) -> float:
        if self._size is not None:
            return float(self._size(batch))
        return float(count_of(batch))

    def _reestimate(self) -> None:
        """Statistics of batch normalisations at these parameters, over the first data set."""
        norms = [m for m in self.model.modules() if isinstance(m, nn.modules.batchnorm._NormBase)]
        norms = [m for m in norms if m.running_mean is not None]
        before = [(m, m.training, m.momentum) for m in norms]
        try:
            for m in norms:
                m.reset_running_stats()
                m.training, m.momentum = True, None
            for batch in self._sets[0]:
                if self._step is not None:
                    self._step(self.model, batch)
                else:
                    self._forward(batch)
        finally:
            for m, training, momentum in before:
                m.training, m.momentum = training, momentum

    def _look_for_noise(self) -> None:
        if not self._probe or self.deterministic is not None:
            return
        first, second = self._measure(0, self.theta), self._measure(0, self.theta)
        self.deterministic = all(a == b or (a != a and b != b) for a, b in zip(first, second))
        if not self.deterministic:
            off = max(abs(a - b) / max(abs(a), abs(b), 1e-300) for a, b in zip(first, second))
            active = [
                name
                for name, m in self.model.named_modules()
                if m.training and isinstance(m, nn.modules.dropout._DropoutNd)
            ]
            cause = (
                f"dropout is active in {active[:3]}: use mode='eval', or `noise_seed`"
                if active
                else "look for random augmentation, noise in the module, or atomic additions on the device"
            )
            text = f"two evaluations at the same parameters differ by {off:.1e}, relative: {cause}"
            warnings.warn(text, NonDeterministicWarning, stacklevel=2)

    # Derivatives.

    def _gradient(self, number: int, theta: np.ndarray) -> tuple[float, np.ndarray]:
        self._move(theta)
        out = torch.zeros(self.theta.size, dtype=self._dtype, device=self._device)
        loss = 0.0
        tensors = [slot.tensor for slot in self._trained]
        batches = self._sets[number]
        self._seed()
        with torch.enable_grad(), _double_backward_kernels(False):
            for batch in batches:
                share = self._share(batch, number)
                value = self._differentiable(batch)
                loss += share * float(value.detach())
                for slot, part in zip(self._trained, torch.autograd.grad(value, tensors, allow_unused=True)):
                    if part is not None:
                        out[slot.range].add_(part.reshape(-1), alpha=share)
        return loss, out.cpu().numpy()

    def _seed(self) -> None:
        if self._noise_seed is not None:
            torch.manual_seed(self._noise_seed)

    def _share(self, batch: Any, number: int) -> float:
        return (1.0 if self._sums else self._weight(batch)) / self._sets[number].total

    def _differentiable(self, batch: Any) -> torch.Tensor:
        if self._step is not None:
            value = self._step(self.model, batch)
            value = value[self.channels[0]] if isinstance(value, Mapping) else value
        else:
            assert self._loss_fn is not None
            value = self._loss_fn(*self._forward(batch))
        value = _single(value, "the loss")
        if not isinstance(value, torch.Tensor) or not value.requires_grad:
            raise TypeError("the loss does not depend on the parameters through torch, and has no gradient")
        return value.reshape(())

    def _ready_for_products(self) -> None:
        """Finds out how products can be computed, by one product."""
        self._look_for_noise()
        if self.product_method is not None:
            return
        if self._batch_norm == "reestimate":
            raise ArgumentError("curvature with batch statistics that move is not that of one function: freeze them")
        wanted = [*_METHODS] if self._products_wanted == "auto" else [self._products_wanted]
        #: Why the better ways to compute products were not taken.
        self.product_failures: dict[str, str] = {}
        self._move(self.theta)
        v = np.ones_like(self.theta)
        once = self._once_differentiable() if wanted != ["differences"] else None
        for method in wanted:
            if method == "differences":
                break
            if once is not None:
                self.product_failures[method] = f"`{once}` can be differentiated once only"
                continue
            for plain in (True, False):
                self._plain_kernels = plain
                try:
                    self._estimate_graph(method)
                    _METHODS[method](self, 0, v)
                except (RuntimeError, NotImplementedError) as error:
                    self.product_failures[method] = str(error).splitlines()[0]
                    self._graph = None
                    continue
                self.product_method, self._has_products = method, True
                self._graph = None
                return
        if self._products_wanted not in ("auto", "differences"):
            failure = self.product_failures.get(self._products_wanted)
            raise ArgumentError(f"products by {self._products_wanted} do not work here: {failure}")
        self.product_method, self._has_products = "differences of gradients", False

    def _once_differentiable(self) -> str | None:
        """The name of a function in the graph that is marked `once_differentiable`, if there is one: its second
        derivative would silently be zero."""
        for batch in self._sets[0]:
            with torch.enable_grad(), _double_backward_kernels(False):
                left = [self._differentiable(batch).grad_fn]
            seen: set[Any] = set()
            while left:
                node = left.pop()
                if node is None or node in seen:
                    continue
                seen.add(node)
                function = getattr(node, "_forward_cls", None)
                code = getattr(getattr(function, "backward", None), "__code__", None)
                if code is not None and code.co_filename == torch.autograd.function.__file__ and function is not None:
                    return function.__name__
                left.extend(following for following, _ in node.next_functions)
            break
        return None

    def _estimate_graph(self, method: str) -> None:
        """Whether the graphs of all batches fit into the limit, by those of the first one."""
        if method != "double backward" or self._keep_graph is not None:
            return
        seen: dict[int, int] = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            seen[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            for batch in self._sets[0]:
                self._slopes(batch, 1.0)
                break
        self._keep_graph = sum(seen.values()) * len(self._sets[0].counts) <= self._memory_limit

    def _slopes(self, batch: Any, share: float) -> list[torch.Tensor | None]:
        """The gradient of a batch, as a function that can be differentiated again."""
        tensors = [slot.tensor for slot in self._trained]
        with torch.enable_grad(), _double_backward_kernels(self._plain_kernels is False):
            value = self._differentiable(batch) * share
            return list(torch.autograd.grad(value, tensors, create_graph=True, allow_unused=True))

    def _hessian_at(self, number: int, theta: np.ndarray) -> None:
        self._move(theta)

    def _hessian_product(self, number: int, v: np.ndarray) -> np.ndarray:
        assert self.product_method is not None
        return _METHODS[self.product_method](self, number, v)

    def _by_double_backward(self, number: int, v: np.ndarray) -> np.ndarray:
        out = torch.zeros(self.theta.size, dtype=self._dtype, device=self._device)
        vector = torch.from_numpy(v).to(self._device)
        self._seed()
        if self._graph is None or self._graph[0] != number or not self._keep_graph:
            made: Iterator = (self._slopes(b, self._share(b, number)) for b in self._sets[number])
            self._graph = (number, list(made)) if self._keep_graph else None
        else:
            made = iter(list[list]())
        graphs = made if self._graph is None else iter(self._graph[1])
        tensors = [slot.tensor for slot in self._trained]
        with _double_backward_kernels(self._plain_kernels is False):
            for slopes in graphs:
                pairs = [
                    (slope, vector[slot.range].view(slot.tensor.shape))
                    for slope, slot in zip(slopes, self._trained)
                    if slope is not None and slope.requires_grad
                ]
                if not pairs:
                    continue
                parts = torch.autograd.grad(
                    [slope for slope, _ in pairs],
                    tensors,
                    [along for _, along in pairs],
                    retain_graph=bool(self._keep_graph),
                    allow_unused=True,
                )
                for slot, part in zip(self._trained, parts):
                    if part is not None:
                        out[slot.range].add_(part.reshape(-1))
        return out.cpu().numpy()

    def _by_forward_over_reverse(self, number: int, v: np.ndarray) -> np.ndarray:
        out = torch.zeros(self.theta.size, dtype=self._dtype, device=self._device)
        vector = torch.from_numpy(v).to(self._device)
        wrapped = _AsModule(self)
        names = {id(parameter): name for name, parameter in wrapped.named_parameters()}
        mine = [(slot, names[id(slot.tensor)]) for slot in self._trained]
        at = {name: slot.tensor.detach() for slot, name in mine}
        along = {name: vector[slot.range].view(slot.tensor.shape) for slot, name in mine}
        self._seed()
        with _double_backward_kernels(True):
            for batch in self._sets[number]:

                def loss(parameters: dict, batch: Any = batch) -> torch.Tensor:
                    return torch.func.functional_call(wrapped, parameters, (batch,))

                products = torch.func.jvp(torch.func.grad(loss), (at,), (along,))[1]
                share = self._share(batch, number)
                for slot, name in mine:
                    out[slot.range].add_(products[name].detach().reshape(-1), alpha=share)
        return out.cpu().numpy()

    # Products with the Gauss–Newton part of the Hessian.

    def _ready_for_parts(self) -> None:
        """Finds out how products with G can be computed, by one product."""
        if self._step is not None:
            text = "the parts of H = G + R are those of a `loss_fn` of the module's output, and a `step` shows neither"
            raise ArgumentError(text)
        self._ready_for_products()
        if self.gauss_newton_method is not None:
            return
        once = self._once_differentiable()
        if once is not None:
            raise ArgumentError(f"G has second derivatives in it, and `{once}` can be differentiated once only")
        # With a seed for the noise, the one way in which a batch goes through the module once only.
        ways = ["double backward"] if self._noise_seed is not None else ["jvp", "double backward"]
        self._move(self.theta)
        for way in ways:
            for plain in (True, False):
                self._plain_outputs, self._outputs = plain, None
                try:
                    self._gauss_newton_by(way, 0, np.ones_like(self.theta))
                except (RuntimeError, NotImplementedError) as error:
                    self.gauss_newton_failures[way] = str(error).splitlines()[0]
                    continue
                finally:
                    self._outputs = None
                self.gauss_newton_method = way
                return
        raise ArgumentError(f"products with G do not work here: {self.gauss_newton_failures}")

    def _gauss_newton_product(self, number: int, v: np.ndarray) -> np.ndarray:
        assert self.gauss_newton_method is not None
        return self._gauss_newton_by(self.gauss_newton_method, number, v)

    def _gauss_newton_by(self, way: str, number: int, v: np.ndarray) -> np.ndarray:
        """Jᵀ·∇²ℓ·J·v, batch by batch."""
        out = torch.zeros(self.theta.size, dtype=self._dtype, device=self._device)
        vector = torch.from_numpy(v).to(self._device)
        tensors = [slot.tensor for slot in self._trained]
        along_slots = [vector[slot.range].view(slot.tensor.shape) for slot in self._trained]
        batches, keep = self._sets[number], bool(self._keep_graph)
        if self._outputs is None or self._outputs[0] != number or not keep:
            self._seed()
            made = (self._output_of(batch, self._share(batch, number), way) for batch in batches)
            self._outputs = (number, list(made)) if keep else None
        kept = made if self._outputs is None else iter(self._outputs[1])
        with torch.enable_grad(), _double_backward_kernels(self._plain_outputs is False):
            for batch, output in zip(batches, kept):
                if way == "jvp":
                    along = self._along_by_jvp(batch, output, along_slots)
                else:
                    along = output.along(along_slots)
                for part, slot in zip(output.back(along, tensors), self._trained):
                    if part is not None:
                        out[slot.range].add_(part.reshape(-1))
        return out.cpu().numpy()

    def _output_of(self, batch: Any, share: float, way: str) -> _Output:
        with torch.enable_grad(), _double_backward_kernels(self._plain_outputs is False):
            output, target = self._forward(batch)
            leaves, structure = torch.utils._pytree.tree_flatten(output)
            moving = [k for k, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor) and leaf.requires_grad]
            if not moving:
                kind = type(output).__name__
                text = f"the output, a {kind}, has no tensors that depend on the parameters: "
                raise TypeError(text + "return tensors, or tuples, lists or dictionaries of them")
            free = [leaves[k].detach().requires_grad_(True) for k in moving]
            given = [leaf.detach() if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]
            for k, tensor in zip(moving, free):
                given[k] = tensor
            assert self._loss_fn is not None
            loss = self._loss_fn(torch.utils._pytree.tree_unflatten(given, structure), target)
            loss = _single(loss, "the loss")
            if not isinstance(loss, torch.Tensor) or not loss.requires_grad:
                raise TypeError("the loss does not depend on the output through torch, and has no derivatives by it")
            slopes = torch.autograd.grad(loss.reshape(()) * share, free, create_graph=True, allow_unused=True)
            made = _Output(moving, [leaves[k] for k in moving], free, list(slopes))
            if way == "double backward":
                made.prepare_along([slot.tensor for slot in self._trained])
        return made

    def _along_by_jvp(self, batch: Any, output: _Output, along: list[torch.Tensor]) -> list[torch.Tensor]:
        """J·v by forward derivatives."""
        wrapped = _AsModule(self)
        names = {id(parameter): name for name, parameter in wrapped.named_parameters()}
        mine = [names[id(slot.tensor)] for slot in self._trained]
        at = {name: slot.tensor.detach() for name, slot in zip(mine, self._trained)}

        def outputs(parameters: dict) -> tuple:
            leaves = torch.func.functional_call(wrapped, parameters, (batch, "output"))
            return tuple(leaves[k] for k in output.moving)

        found = torch.func.jvp(outputs, (at,), (dict(zip(mine, along)),))[1]
        return [tangent.detach() for tangent in found]

    _samples: list[Samples] = []
    _sample_axes: list[int | None] = []
    _sample_weights: list[np.ndarray] = []
    _plain_kernels = True
    _plain_outputs = True
    _flat: torch.Tensor | None = None
    _graph: tuple | None = None
    _outputs: tuple | None = None

    # What decides the values beside θ and the data.

    def _context(self) -> str:
        mine = {id(slot.tensor) for slot in self._slots}
        digest = hashlib.blake2b(digest_size=8)
        for name, tensor in [*self.model.named_buffers(), *self.model.named_parameters()]:
            if id(tensor) not in mine:
                digest.update(name.encode())
                digest.update(raw(tensor))
        parts = [
            repr(self.model),
            _described(self._loss_fn),
            _described(self._step),
            _described(self._size),
            *([] if self._sample_losses_of is None else [_described(self._sample_losses_of)]),
            str({name: _described(metric) for name, metric in self._metrics.items()}),
            f"{self._mode} {self._batch_norm} {self._noise_seed} {self._dtype}",
            digest.hexdigest(),
        ]
        if self._points_at_once > 1:
            # Other roundings.
            parts.append(f"{self._points_at_once} points at once")
        return "\n".join(parts)


_METHODS: dict[str, Callable] = {
    "double backward": Oracle._by_double_backward,
    "forward over reverse": Oracle._by_forward_over_reverse,
}

_PID = os.getpid()
_LOCKS_LOCK = threading.Lock()
_LOCKS: weakref.WeakKeyDictionary[nn.Module, tuple[int, threading.Lock]] = weakref.WeakKeyDictionary()


def _lock_of(model: nn.Module) -> threading.Lock:
    """The lock of a module, whichever oracle moves it. A process that forked has locks of its own."""
    with _LOCKS_LOCK:
        pid, lock = _LOCKS.get(model, (None, None))
        if lock is None or pid != os.getpid():
            lock = threading.Lock()
            _LOCKS[model] = (os.getpid(), lock)
        return lock


class _AsModule(nn.Module):
    """What an oracle computes of a batch as a module, for `functional_call`: the loss, the row of all channels, or the
    tensors of the output."""

    def __init__(self, oracle: Oracle) -> None:
        super().__init__()
        self.model = oracle.model
        object.__setattr__(self, "_oracle", oracle)

    def forward(self, batch: Any, what: str = "loss") -> Any:
        oracle: Any = self._oracle
        if what == "row":
            return oracle._row(batch)
        if what == "output":
            return torch.utils._pytree.tree_flatten(oracle._forward(batch)[0])[0]
        if oracle._step is not None:
            value = oracle._step(self.model, batch)
            value = value[oracle.channels[0]] if isinstance(value, Mapping) else value
        else:
            value = oracle._loss_fn(*oracle._forward(batch))
        return _single(value, "the loss").reshape(())


class _Output:
    """The output z of a batch at θ, and the slopes of its share of the loss by z: with graphs for J and ∇²ℓ."""

    def __init__(self, moving: list[int], z: list[torch.Tensor], free: list[torch.Tensor], slopes: list) -> None:
        #: Which tensors of the output depend on θ.
        self.moving = moving
        #: These, and the same without their history, by which the loss is differentiated.
        self.z, self.free, self.slopes = z, free, slopes
        #: Jᵀu as a function of u, which is linear: its derivative along v is J·v.
        self._u: list[torch.Tensor] = []
        self._back: list = []

    def prepare_along(self, tensors: list[torch.Tensor]) -> None:
        self._u = [torch.zeros_like(z, requires_grad=True) for z in self.z]
        self._back = list(torch.autograd.grad(self.z, tensors, self._u, create_graph=True, allow_unused=True))

    def along(self, v: list[torch.Tensor]) -> list[torch.Tensor]:
        pairs = [(b, part) for b, part in zip(self._back, v) if b is not None and b.requires_grad]
        if not pairs:
            return [torch.zeros_like(z) for z in self.z]
        given = [b for b, _ in pairs], self._u, [part for _, part in pairs]
        found = torch.autograd.grad(*given, retain_graph=True, allow_unused=True)
        return [torch.zeros_like(z) if part is None else part for part, z in zip(found, self.z)]

    def back(self, along: list[torch.Tensor], tensors: list[torch.Tensor]) -> Sequence[torch.Tensor | None]:
        """Jᵀ·∇²ℓ of J·v."""
        pairs = [(s, a) for s, a in zip(self.slopes, along) if s is not None and s.requires_grad]
        if not pairs:
            # A loss that is linear in the output.
            return [None] * len(tensors)
        slopes, directions = [s for s, _ in pairs], [a for _, a in pairs]
        curved = torch.autograd.grad(slopes, self.free, directions, retain_graph=True, allow_unused=True)
        known = [(z, c) for z, c in zip(self.z, curved) if c is not None]
        if not known:
            return [None] * len(tensors)
        given = [z for z, _ in known], tensors, [c for _, c in known]
        return torch.autograd.grad(*given, retain_graph=True, allow_unused=True)


class _Slot:
    """A tensor of the module that has a place in θ."""

    __slots__ = ("name", "tensor", "moves", "range")

    def __init__(self, name: str, tensor: torch.Tensor, moves: bool, start: int) -> None:
        self.name, self.tensor, self.moves = name, tensor, moves
        self.range = slice(start, start + tensor.numel())


# Which parameters there are.


def module_layout(model: nn.Module, roles: Mapping[str, Any] | None = None, frozen: str = "still") -> Layout:
    """The layout of a module by the types of its modules, as an :class:`Oracle` decides it.

    >>> print(module_layout(nn.Sequential(nn.ConvTranspose2d(8, 4, 3), nn.BatchNorm2d(4))))
    name            shape    role        filters
    0.weight        8×4×3×3  weight      4 along axis 1
    0.bias          4        bias        -
    1.weight        4        norm_scale  -
    1.bias          4        norm_shift  -
    1.running_mean  4        buffer      -
    1.running_var   4        buffer      -
    308 parameters in 6 blocks
    """
    return _decide(model, roles or {}, frozen, None)[0]


def _decide(
    model: nn.Module, roles: Mapping[str, Any], frozen: str, dtype: torch.dtype | None
) -> tuple[Layout, list[_Slot], dict[str, str], torch.dtype]:
    blocks: list[Block] = []
    slots: list[_Slot] = []
    notes: dict[str, list[str]] = {}
    guessed: list[str] = []
    first: dict[int, str] = {}
    parameters = list(model.parameters())
    if not parameters:
        raise LayoutError("the module has no parameters")
    dtype = _check(model, dtype)
    all_frozen = not any(parameter.requires_grad for parameter in parameters)
    used: set[str] = set()
    start = 0
    for prefix, module in model.named_modules(remove_duplicate=True):
        own = [*module.named_parameters(recurse=False, remove_duplicate=False), *_statistics(module)]
        for short, tensor in own:
            name = f"{prefix}.{short}" if prefix else short
            if id(tensor) in first:
                notes.setdefault(first[id(tensor)], []).append(f"tied with {name}")
                continue
            first[id(tensor)] = name
            decision = _role(module, short, tensor)
            if decision is None:
                decision = ("weight", None) if tensor.ndim > 1 else ("bias", None)
                if not any(_matches(pattern, name) for pattern in roles):
                    guessed.append(name)
                    notes.setdefault(name, []).append(f"a guess: {type(module).__name__} is of no known type")
            for pattern, override in roles.items():
                if _matches(pattern, name):
                    used.add(pattern)
                    role, axis = (override, None) if isinstance(override, str) else override
                    decision = (role, axis)
                    notes.setdefault(name, []).append("as you said")
            role, axis = decision
            moves = isinstance(tensor, nn.Parameter)
            if moves and not tensor.requires_grad and not all_frozen and frozen == "still":
                role, axis, moves = "buffer", None, False
                notes.setdefault(name, []).append("frozen")
            if role == "buffer":
                moves = False
            blocks.append(Block(name, tuple(tensor.shape), role, axis))
            slots.append(_Slot(name, tensor, moves, start))
            start += tensor.numel()
    unused = [pattern for pattern in roles if pattern not in used]
    if unused:
        raise ArgumentError(f"no parameter matches {unused}; there are {[block.name for block in blocks]}")
    if guessed:
        shown = ", ".join(f"`{name}`" for name in guessed[:6]) + ("…" if len(guessed) > 6 else "")
        text = f"the role of {shown} is a guess (tensors of two or more axes are one filter each): say it by `roles=`"
        warnings.warn(text, LayoutWarning, stacklevel=3)
    if all_frozen:
        for block in blocks:
            notes.setdefault(block.name, []).append("all are frozen, so all move")
    return Layout(blocks), slots, {name: "; ".join(texts) for name, texts in notes.items()}, dtype


def _check(model: nn.Module, dtype: torch.dtype | None) -> torch.dtype:
    """Whether the parameters can be one vector."""
    named = list(model.named_parameters())
    lazy = [name for name, p in named if isinstance(p, nn.parameter.UninitializedParameter)]
    if lazy:
        raise LayoutError(f"{lazy} are not initialised: call the module once")
    devices: dict[str, str] = {str(p.device): name for name, p in reversed(named)}
    if len(devices) > 1:
        each = ", ".join(f"`{name}` on {device}" for device, name in devices.items())
        raise LayoutError(f"the parameters are on several devices ({each}), and one vector is on one")
    if "meta" in devices:
        raise LayoutError("the parameters are on the meta device, and have no values")
    odd = [f"`{name}` of {p.dtype}" for name, p in named if not p.is_floating_point() or p.is_sparse]
    if odd:
        raise LayoutError(f"{', '.join(odd[:4])}: only dense real numbers can be moved")
    kinds: dict[torch.dtype, str] = {p.dtype: name for name, p in reversed(named)}
    if len(kinds) > 1 and dtype is None:
        each = ", ".join(f"`{name}` of {kind}" for kind, name in kinds.items())
        raise LayoutError(f"the parameters are of several types ({each}): give the oracle one, such as "
                          "`dtype=torch.float32`; the module keeps its own")
    dtype = dtype or next(iter(kinds))
    if dtype not in _NUMPY:
        raise LayoutError(f"{dtype} is too coarse for directions: give the oracle `dtype=torch.float32`; the module "
                          "keeps its own")
    extents = sorted(
        (p.data_ptr(), p.data_ptr() + p.numel() * p.element_size(), name)
        for name, p in named
        if p.numel() and p.is_contiguous()
    )
    for (_, end, one), (begin, _, other) in zip(extents, extents[1:]):
        if begin < end:
            raise LayoutError(f"`{one}` and `{other}` are different parameters in the same memory: make them one "
                              "parameter, and it counts as tied")
    return dtype


def _statistics(module: nn.Module) -> list[tuple[str, torch.Tensor]]:
    if not isinstance(module, nn.modules.batchnorm._NormBase):
        return []
    named = [(name, getattr(module, name)) for name in ("running_mean", "running_var")]
    return [(name, tensor) for name, tensor in named if tensor is not None]


def _role(module: nn.Module, short: str, tensor: torch.Tensor) -> tuple[str, int | None] | None:
    """The role and the filter axis, by the type of the module; None where that is unknown."""
    if short in ("running_mean", "running_var"):
        return ("buffer", None)
    kind = type(module).__name__
    if isinstance(module, nn.modules.conv._ConvNd):
        axis = 1 if module.transposed else 0
        return ("weight", axis) if short == "weight" else ("bias", None)
    if isinstance(module, (nn.Linear, nn.Bilinear)):
        return ("weight", 0) if short == "weight" else ("bias", None)
    if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
        return ("weight", 0)
    if isinstance(module, nn.MultiheadAttention):
        # The rows of q, k and v are filters, also where the three are one tensor.
        return ("weight", 0) if short.endswith("weight") else ("bias", None)
    if isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
        return ("weight", 0) if short.startswith("weight") else ("bias", None)
    if isinstance(module, nn.modules.batchnorm._NormBase) or (kind.endswith("Norm") and tensor.ndim <= 1) or (
        isinstance(module, (nn.LayerNorm, nn.GroupNorm)) or re.fullmatch(r".*(Layer|Group|RMS)Norm\d*d?", kind)
    ):
        return ("norm_shift", None) if "bias" in short else ("norm_scale", None)
    if isinstance(module, nn.PReLU):
        return ("bias", None)
    if kind == "Conv1D" and hasattr(module, "nf"):
        # Of transformers: a linear layer that stores [in, out].
        return ("weight", 1) if short == "weight" else ("bias", None)
    return None


def _matches(pattern: str, name: str) -> bool:
    expression = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch(expression, name) is not None


# Leaving the module as it was.


def _tensors(model: nn.Module) -> list[torch.Tensor]:
    """All parameters and buffers, each once."""
    found: dict[int, torch.Tensor] = {}
    for module in model.modules():
        for tensor in [*module._parameters.values(), *module._buffers.values()]:
            if tensor is not None:
                found[id(tensor)] = tensor
    return list(found.values())


_PLAIN = (bool, int, float, str, type(None))


@contextlib.contextmanager
def _left_as_it_was(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Puts back every tensor with its memory, every plain attribute and every generator, whatever happened."""
    tensors = [(tensor, tensor.data, tensor.requires_grad) for tensor in _tensors(model)]
    modules = []
    for module in model.modules():
        plain = {name: value for name, value in vars(module).items() if isinstance(value, _PLAIN)}
        modules.append((module, dict(module._parameters), dict(module._buffers), plain))
    devices = [device] if device.type == "cuda" else []
    with generators(devices):
        try:
            yield
        finally:
            for tensor, data, requires_grad in tensors:
                tensor.data = data
                tensor.requires_grad_(requires_grad)
            for module, parameters, buffers, plain in modules:
                module._parameters.clear()
                module._parameters.update(parameters)
                module._buffers.clear()
                module._buffers.update(buffers)
                for name in [n for n, value in vars(module).items() if isinstance(value, _PLAIN) and n not in plain]:
                    del vars(module)[name]
                vars(module).update(plain)


@contextlib.contextmanager
def _double_backward_kernels(slow: bool) -> Iterator[None]:
    """Attention by plain arithmetic, which alone has second derivatives; if slow, no fused recurrent layers either."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with contextlib.ExitStack() as stack:
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        if slow:
            stack.enter_context(torch.backends.mkldnn.flags(enabled=False))
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        yield


# Arguments.


def _described(function: Any) -> str:
    """What is the same in every process: never an address."""
    if function is None:
        return "none"
    if isinstance(function, nn.Module):
        return repr(function)
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__qualname__)}"


def _as_array(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def _single(value: Any, what: str) -> Any:
    if isinstance(value, torch.Tensor):
        if value.numel() != 1:
            shape = tuple(value.shape)
            raise TypeError(f"{what} must be one number for a batch, not a tensor of shape {shape}: take its mean")
        if value.is_complex():
            raise TypeError(f"{what} must be a real number, not {value.dtype}")
        return value
    return number_of(value, what)


def _one_of(name: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ArgumentError(f"{name}={value!r} is none of {list(allowed)}")

