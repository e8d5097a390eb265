"""Oracles: what gives the loss at any parameters. Here of functions of numpy arrays."""

from __future__ import annotations

import contextlib
import hashlib
from typing import Any, Callable, Iterator, Mapping, Sequence

import numpy as np

from ._errors import ArgumentError
from ._layout import Layout


class BaseOracle:
    """What all oracles share: a layout, θ, data sets and channels. Use :class:`Oracle` or ``ll.torch.Oracle``."""

    layout: Layout
    #: θ, the centre: one flat vector of ``float32`` or ``float64``.
    theta: np.ndarray
    #: The names of what one evaluation gives; the first is the loss.
    channels: list[str]
    #: Whether there is a gradient, and so curvature.
    has_gradient: bool = False
    #: How Hessian-vector products are computed: ``'own'``, ``'double backward'``, ``'forward over reverse'``,
    #: ``'differences of gradients'``, or None before the first.
    product_method: str | None = None
    #: Whether there are products with the Gauss–Newton part of the Hessian, and so the parts of H = G + R.
    has_gauss_newton: bool = False
    #: How products with G are computed: ``'own'``, ``'jvp'``, ``'double backward'``, or None before the first.
    gauss_newton_method: str | None = None
    #: Whether the losses of single samples are known, as sampled sweeps need them.
    has_sample_losses: bool = False
    #: How they are computed: ``'own'``, ``'vmap'``, ``'one by one'``, or None before the first.
    sample_method: str | None = None
    _sample_counts: list[int] = []
    _data_names: list[str]
    _fingerprints: list[int | None]
    _has_products: bool = False
    _one_thread: bool = False
    #: The most points that are evaluated in one call.
    _points_at_once: int = 1

    def vector(self, parameters: Any) -> np.ndarray:
        """Parameters as one flat vector of this oracle's layout and scalar."""
        if isinstance(parameters, Mapping):
            return self.layout.join(parameters, self.theta.dtype)
        vector = np.ascontiguousarray(parameters, dtype=self.theta.dtype)
        if vector.shape != self.theta.shape:
            raise ArgumentError(f"parameters of shape {vector.shape} where the oracle has {self.theta.shape}")
        return vector

    def split(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Views of a vector by block name."""
        return self.layout.split(vector)

    def _set(self, data: str | None) -> int:
        """The number of a data set; the first without a name."""
        if data is None:
            return 0
        if data not in self._data_names:
            raise ArgumentError(f"no data set is named `{data}`; there are {self._data_names}")
        return self._data_names.index(data)

    @contextlib.contextmanager
    def _session(self) -> Iterator[None]:
        """Around everything that evaluates."""
        yield

    def _ready_for_products(self) -> None:
        """Called before curvature."""
        if not self.has_gradient:
            raise ArgumentError("curvature needs a gradient: give the oracle `gradient=`")

    def _ready_for_parts(self) -> None:
        """Called before anything that multiplies with G."""
        self._ready_for_products()
        if not self.has_gauss_newton:
            raise ArgumentError("the parts of H = G + R need products with G: give the oracle `gauss_newton_product=`")

    def _ready_for_samples(self) -> None:
        """Called before sampled sweeps."""
        if not self.has_sample_losses:
            raise ArgumentError("a sampled sweep needs the losses of single samples: give the oracle `sample_losses=`")

    def _prepare_samples(self, number: int, kind: str, vectors: list[np.ndarray]) -> Callable | None:
        """A function of the coefficients of these vectors and of numbers of samples, where the oracle combines them
        itself."""
        return None

    def _sample_losses(self, number: int, theta: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """The channels of samples, an array [sample, channel]."""
        raise NotImplementedError

    def _prepare(self, number: int, kind: str, vectors: list[np.ndarray]) -> Callable | None:
        """A function of the coefficients of these vectors, where the oracle combines them itself. With several points
        at once it gets a list of their places among these, below ``_points_at_once``, and a list of coefficients."""
        return None

    def _measure_together(self, number: int, thetas: np.ndarray, places: list[int]) -> list[Sequence[float]]:
        """The channels of the rows of ``thetas`` that have these numbers."""
        raise NotImplementedError

    def _measure(self, number: int, theta: np.ndarray) -> Sequence[float]:
        raise NotImplementedError


class Oracle(BaseOracle):
    """The loss of a function of numpy arrays: of JAX, TensorFlow, a simulation, anything that Python can call.

    ``theta`` is one flat vector, or a dictionary of arrays; ``loss`` gets the same form. With ``data``, a dictionary
    of named data sets, ``loss`` gets one of them as second argument, and channels are named ``"train loss"`` and so
    on. With ``channels`` it returns as many numbers, or a dictionary; the first is the loss, as a mean over samples.

    >>> import numpy as np, loss_landscape as ll
    >>> oracle = ll.Oracle(np.array([1.0, 2.0]), lambda t: float(t @ t))
    >>> ll.line_1d(oracle, ll.random_direction(oracle, seed=1))["loss"].shape
    (51,)

    With a gradient there is curvature; without ``hessian_product`` products are differences of gradients, with an
    estimated error that all bounds know:

    >>> bowl = ll.Oracle(np.ones(3), lambda t: t @ (t * [1, 2, 3]) / 2, gradient=lambda t: t * [1, 2, 3])
    >>> round(ll.eigen_extremes(bowl).lambda_max, 6)
    3.0

    Args:
        theta: the parameters, ``float32`` or ``float64``; a vector, or arrays by name.
        loss: called with θ (and a data set); returns a number.
        layout: names, roles and filter axes; needed for arrays by name, a single block without filters otherwise.
        gradient: called as ``loss`` is; returns ∇L in the form of θ, or a pair (L, ∇L).
        hessian_product: called with θ and v (and a data set); returns ∇²L·v.
        gauss_newton_product: called as ``hessian_product`` is; returns Jᵀ·∇²ℓ·J·v, where L is a mean of ℓ(z(θ)) over
            samples and J the Jacobian of z. :func:`gauss_newton_split` then tells the parts of the Hessian apart.
        losses: with ``points_at_once``, called with several θ as the rows of an array (or arrays by name with one more
            axis in front) and with a data set if there are any; returns what ``loss`` returns, with an axis of the
            points in front. ``jax.vmap(loss)`` is one.
        points_at_once: how many points ``losses`` gets in one call: always as many, the last ones repeated if need be.
        sample_losses: for :func:`sampled_2d`: called as ``loss`` is, with an array of numbers of samples as last
            argument; returns the loss of each of them, as what ``loss`` returns with an axis of the samples in front.
            The loss must be the plain mean over all samples, which is checked at the first point.
        sample_count: how many samples there are: a number, or a function of a data set; by default the length of the
            first array in a data set.
        channels: the names of what ``loss`` returns, if that is more than the loss.
        data: data sets by name.
        fingerprint: a number that changes when the data do, or a function of a data set that gives one. Arrays, and
            tuples, lists and dictionaries of arrays, have one without.
    """

    def __init__(
        self,
        theta: np.ndarray | Mapping[str, np.ndarray],
        loss: Callable,
        layout: Layout | None = None,
        *,
        gradient: Callable | None = None,
        hessian_product: Callable | None = None,
        gauss_newton_product: Callable | None = None,
        losses: Callable | None = None,
        points_at_once: int = 1,
        sample_losses: Callable | None = None,
        sample_count: int | Callable[[Any], int] | None = None,
        channels: Sequence[str] | None = None,
        data: Mapping[str, Any] | None = None,
        fingerprint: int | Callable[[Any], int] | None = None,
    ) -> None:
        self._named = isinstance(theta, Mapping)
        if self._named and layout is None:
            raise ArgumentError("arrays by name need a layout: `Layout.from_arrays(arrays, filter_axis=…)` makes one")
        if isinstance(theta, Mapping):
            assert layout is not None
            types = {np.asarray(array).dtype for array in theta.values()}
            if len(types) > 1:
                raise ArgumentError(f"parameters of several types: {sorted(map(str, types))}")
            flat = layout.join(theta)
        else:
            flat = np.array(theta)
        if flat.dtype not in (np.float32, np.float64):
            raise ArgumentError(f"parameters must be float32 or float64, not {flat.dtype}")
        if flat.ndim != 1:
            raise ArgumentError(f"parameters must be one flat vector, not of shape {flat.shape}")
        self.theta = np.array(flat, order="C")
        self.layout = Layout.flat(flat.size) if layout is None else layout
        if len(self.layout) != flat.size:
            raise ArgumentError(f"{flat.size} parameters where the layout has {len(self.layout)}")
        functions = {
            "loss": loss,
            "gradient": gradient,
            "hessian_product": hessian_product,
            "gauss_newton_product": gauss_newton_product,
            "losses": losses,
            "sample_losses": sample_losses,
        }
        for name, function in functions.items():
            if function is not None and not callable(function):
                raise ArgumentError(f"`{name}` must be callable, not {type(function).__name__}")
        self._loss, self._gradient_of, self._product_of = loss, gradient, hessian_product
        self.has_gradient = gradient is not None
        self._has_products = hessian_product is not None and gradient is not None
        self.product_method = None if gradient is None else "own" if self._has_products else "differences of gradients"
        self._gauss_newton_of = gauss_newton_product
        self.has_gauss_newton = gauss_newton_product is not None and gradient is not None
        self.gauss_newton_method = "own" if self.has_gauss_newton else None
        self._losses, self._points_at_once = losses, points_at_once_of(points_at_once)
        if (losses is None) != (self._points_at_once == 1):
            raise ArgumentError("several points at once need both `losses` and `points_at_once`, above 1")
        self.channels = ["loss"] if channels is None else list(channels)
        self._data = None if data is None else list(data.values())
        self._data_names = [""] if data is None else list(data)
        self._fingerprints = [self._fingerprint(fingerprint, number) for number in range(len(self._data_names))]
        self._sample_losses_of = sample_losses
        self.has_sample_losses = sample_losses is not None
        if sample_losses is not None:
            self.sample_method = "own"
            sets = [None] if self._data is None else self._data
            self._sample_counts = [sample_count_of(sample_count, one) for one in sets]

    def _fingerprint(self, fingerprint: int | Callable[[Any], int] | None, number: int) -> int | None:
        if callable(fingerprint):
            fingerprint = fingerprint(None if self._data is None else self._data[number])
        if fingerprint is not None:
            return int(fingerprint) % 2**64
        return None if self._data is None else fingerprint_of(self._data[number])

    def _arguments(self, number: int, *vectors: np.ndarray) -> list:
        arguments: list = [self.layout.split(v) if self._named else v for v in vectors]
        return arguments if self._data is None else [*arguments, self._data[number]]

    def __call__(self, theta: Any = None, data: str | None = None) -> float:
        """The loss at θ, or at other parameters."""
        at = self.theta.copy() if theta is None else self.vector(theta)
        return self._measure(self._set(data), at)[0]

    def _measure(self, number: int, theta: np.ndarray) -> list[float]:
        value = self._loss(*self._arguments(number, theta))
        if len(self.channels) == 1 and not isinstance(value, Mapping):
            return [number_of(value, "the loss")]
        if isinstance(value, Mapping):
            missing = [name for name in self.channels if name not in value]
            if missing:
                raise ArgumentError(f"the loss gave {list(value)}, and not the channels {missing}")
            value = [value[name] for name in self.channels]
        return [number_of(v, f"channel `{name}`") for v, name in zip_exactly(value, self.channels)]

    def _measure_together(self, number: int, thetas: np.ndarray, places: list[int]) -> list[Sequence[float]]:
        assert self._losses is not None
        given: Any = thetas
        if self._named:
            rows = [self.layout.split(theta) for theta in thetas]
            given = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        value = self._losses(given, *([] if self._data is None else [self._data[number]]))
        table = table_of(value, len(thetas), self.channels, "points")
        return [table[place].tolist() for place in places]

    def _sample_losses(self, number: int, theta: np.ndarray, samples: np.ndarray) -> np.ndarray:
        assert self._sample_losses_of is not None
        value = self._sample_losses_of(*self._arguments(number, theta), samples)
        return table_of(value, len(samples), self.channels, "samples")

    def _vector(self, value: Any, what: str) -> np.ndarray:
        vector = self.layout.join(value) if isinstance(value, Mapping) else np.asarray(value)
        if vector.shape != self.theta.shape:
            raise ArgumentError(f"{what} has shape {vector.shape} where θ has {self.theta.shape}")
        return np.ascontiguousarray(vector, dtype=self.theta.dtype)

    def _gradient(self, number: int, theta: np.ndarray) -> tuple[float, np.ndarray]:
        assert self._gradient_of is not None
        value = self._gradient_of(*self._arguments(number, theta))
        if isinstance(value, tuple) and len(value) == 2:
            return number_of(value[0], "the loss"), self._vector(value[1], "the gradient")
        return self._measure(number, theta)[0], self._vector(value, "the gradient")

    def _hessian_at(self, number: int, theta: np.ndarray) -> None:
        self._at = theta

    def _hessian_product(self, number: int, v: np.ndarray) -> np.ndarray:
        assert self._product_of is not None
        return self._vector(self._product_of(*self._arguments(number, self._at, v)), "the product")

    def _gauss_newton_product(self, number: int, v: np.ndarray) -> np.ndarray:
        assert self._gauss_newton_of is not None
        return self._vector(self._gauss_newton_of(*self._arguments(number, self._at, v)), "the product with G")

    def __repr__(self) -> str:
        sets = "" if self._data is None else f", data {self._data_names}"
        return f"<Oracle of {self.theta.size} {self.theta.dtype} parameters, channels {self.channels}{sets}>"


def points_at_once_of(number: Any) -> int:
    """A number of points in one call, 1 or more."""
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not 1 <= number <= 1 << 20:
        raise ArgumentError(f"points_at_once={number!r} is no number of points from 1 to {1 << 20}")
    return int(number)


def sample_count_of(given: Any, data: Any) -> int:
    """How many samples there are: as given, or as many as the first array of the data is long."""
    count = given(data) if callable(given) else given
    if count is None:
        first = next(_arrays(data), None)
        if first is None or first.ndim == 0:
            raise ArgumentError("`sample_losses` needs to know how many samples there are: give `sample_count=`")
        count = len(first)
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        raise ArgumentError(f"sample_count={count!r} is no number of samples")
    return int(count)


def _arrays(data: Any) -> Iterator[np.ndarray]:
    if isinstance(data, np.ndarray):
        yield data
    elif isinstance(data, (Mapping, tuple, list)):
        for value in data.values() if isinstance(data, Mapping) else data:
            yield from _arrays(value)


def table_of(value: Any, rows: int, channels: Sequence[str], what: str) -> np.ndarray:
    """The losses of several points or samples as an array [row, channel], from one array or one for each channel."""
    if isinstance(value, Mapping):
        missing = [name for name in channels if name not in value]
        if missing:
            raise ArgumentError(f"the losses are {list(value)}, and not the channels {missing}")
        value = np.stack([np.asarray(value[name]) for name in channels], axis=-1)
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"the losses must be real numbers, not {array.dtype}")
    count = len(channels)
    if array.shape not in ((rows, count), *([(rows,)] if count == 1 else [])):
        wanted = f"{rows} {what}" + (f" of {count} channels" if count > 1 else "")
        raise TypeError(f"the losses have shape {array.shape} for {wanted}")
    return np.ascontiguousarray(array.reshape(rows, count), dtype=np.float64)


def number_of(value: Any, what: str) -> float:
    """A single number, whatever library it comes from."""
    array = np.asarray(value)
    if array.size != 1:
        raise TypeError(f"{what} must be one number, not an array of shape {array.shape}: take its mean")
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{what} must be a real number, not {array.dtype}")
    return float(array.reshape(()))


def zip_exactly(values: Any, names: Sequence[str]) -> list[tuple[Any, str]]:
    values = list(values)
    if len(values) != len(names):
        raise TypeError(f"{len(values)} values where the channels are {list(names)}")
    return list(zip(values, names))


def fingerprint_of(data: Any) -> int | None:
    """A hash of arrays, and of tuples, lists and dictionaries of them; None for anything else.

    >>> fingerprint_of(np.zeros(3)) == fingerprint_of(np.zeros(3)) != fingerprint_of(np.ones(3))
    True
    >>> fingerprint_of(object()) is None
    True
    """
    digest = hashlib.blake2b(digest_size=8)
    return int.from_bytes(digest.digest(), "little") if _hash(data, digest) else None


def _hash(data: Any, digest: Any) -> bool:
    if isinstance(data, np.ndarray) and data.dtype != object:
        digest.update(f"array {data.dtype.str} {data.shape}\n".encode())
        digest.update(np.ascontiguousarray(data).data.cast("B") if data.size else b"")
        return True
    if isinstance(data, (bool, int, float, str, bytes, type(None))):
        digest.update(f"{type(data).__name__} {data!r}\n".encode())
        return True
    if isinstance(data, Mapping):
        digest.update(f"mapping {len(data)}\n".encode())
        return all(_hash(key, digest) and _hash(value, digest) for key, value in data.items())
    if isinstance(data, (tuple, list)):
        digest.update(f"sequence {len(data)}\n".encode())
        return all(_hash(value, digest) for value in data)
    return False
