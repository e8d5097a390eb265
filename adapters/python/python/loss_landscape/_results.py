"""Results: curves, surfaces, ratio maps and draws, with their files and figures."""

from __future__ import annotations

import html
import json
import os
from types import SimpleNamespace
from typing import Any, Iterator, Sequence

import numpy as np

from . import _core
from ._errors import ArgumentError, FormatError

_FORMATS = (".npz", ".json", ".csv", ".h5", ".vtp")


class Landscape:
    """What curves and surfaces share: channels as arrays, a report, files and figures."""

    def __init__(self, core: _core.Landscape) -> None:
        self._core = core

    # Values.

    @property
    def alpha(self) -> np.ndarray:
        """The coordinates along the first direction."""
        return self._core.alpha()

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of points along each axis."""
        return tuple(self[self.channels[0]].shape)

    @property
    def channels(self) -> list[str]:
        """The names of all channels, with the names of their data sets before them."""
        return self._core.channels()

    def __getitem__(self, channel: str) -> np.ndarray:
        """The values of a channel, as a new array. ``"loss"`` is the loss of the first data set, whatever its name."""
        if channel == "loss" and channel not in self.channels:
            channel = self.channels[0]
        return self._core.channel(channel)

    def __contains__(self, channel: object) -> bool:
        return channel in self.channels

    def keys(self) -> list[str]:
        """The names of all channels."""
        return self.channels

    def __iter__(self) -> Iterator[str]:
        return iter(self.channels)

    @property
    def computed(self) -> np.ndarray:
        """Which points were computed, as booleans."""
        return self._core.computed()

    @property
    def report(self) -> dict:
        """How the sweep went, which points were bad, and where everything came from."""
        return json.loads(self._core.report())

    @property
    def complete(self) -> bool:
        """Whether all points were computed."""
        return self.report["end"] == "complete"

    @property
    def bad_points(self) -> list[dict]:
        """The points at which the oracle failed or was not finite."""
        return self.report["bad_points"]

    # Files.

    def save(self, path: str | os.PathLike, channel: str | None = None) -> None:
        """Writes a file in the format of its ending: ``.npz``, ``.json`` and ``.csv`` hold everything and can be
        :func:`load`-ed; ``.h5`` is what the original repository writes (needs h5py), ``.vtp`` is for ParaView."""
        ending = os.path.splitext(os.fspath(path))[1].lower()
        if ending in (".npz", ".json", ".csv"):
            _core.write_file(os.fspath(path), self._core.to_bytes(ending[1:]))
        elif ending == ".vtp":
            self._core.write_vtk(os.fspath(path), channel or self.channels[0])
        elif ending in (".h5", ".hdf5"):
            self._save_hdf5(os.fspath(path))
        else:
            raise ArgumentError(f"`{os.fspath(path)}` ends in none of {', '.join(_FORMATS)}")

    def _save_hdf5(self, path: str) -> None:
        import h5py  # type: ignore[import-not-found]

        with h5py.File(path, "w") as file:
            file["xcoordinates"] = self.alpha
            if isinstance(self, Surface):
                file["ycoordinates"] = self.beta
            for name in self.channels:
                file[name.replace(" ", "_")] = self[name]

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame`` with a row for each point, its coordinates and channels."""
        import pandas  # type: ignore[import-not-found]

        columns = {name: grid.reshape(-1) for name, grid in self._grids().items()}
        columns.update((name, self[name].reshape(-1)) for name in self.channels)
        return pandas.DataFrame(columns)

    def to_xarray(self) -> Any:
        """An ``xarray.Dataset`` with a variable for each channel."""
        import xarray  # type: ignore[import-not-found]

        axes = {"alpha": self.alpha, **({"beta": self.beta} if isinstance(self, Surface) else {})}
        channels = {name: (tuple(axes), self[name]) for name in self.channels}
        return xarray.Dataset(channels, coords=axes, attrs={"report": self._core.report()})

    def _grids(self) -> dict[str, np.ndarray]:
        axes = [self.alpha, *([self.beta] if isinstance(self, Surface) else [])]
        return dict(zip(("alpha", "beta"), np.meshgrid(*axes, indexing="ij")))

    # Figures.

    def _figure(self, kind: str | None, channels: list[str], format: str, style: SimpleNamespace) -> Any:
        return _core.figure(self._core, kind or self._kind, channels, format, style)

    _kind = "curve"

    def _drawn(self, channel: str | Sequence[str] | None) -> list[str]:
        if channel is None or channel == "loss" and channel not in self.channels:
            return [self.channels[0]]
        return [channel] if isinstance(channel, str) else list(channel)

    def svg(self, channel: str | Sequence[str] | None = None, *, kind: str | None = None, **style: Any) -> str:
        """The figure as SVG text; the arguments are those of :meth:`plot`."""
        return self._figure(kind, self._drawn(channel), "svg", _style(**style))

    def plot(
        self,
        path: str | os.PathLike,
        channel: str | Sequence[str] | None = None,
        *,
        kind: str | None = None,
        **style: Any,
    ) -> None:
        """Draws the result to a file, ``.svg``, ``.png`` or ``.pdf`` by its ending.

        Args:
            path: the file; it is replaced as a whole.
            channel: what is drawn, by default the loss; of curves also several.
            kind: of surfaces ``'contour'``, ``'surface'`` or ``'heat'``.
            style: ``title``, ``log`` (a logarithmic scale), ``range=(low, high)``, ``levels`` (of contours),
                ``markers`` (triples of x, y and a text), ``trajectory`` (a pair of coordinate arrays),
                ``x_label``, ``y_label``, of surfaces ``critical_points`` (a :class:`Topology`, whose minima and
                saddles are marked), and of contours ``splines`` (curves between the points of a coarse grid; the
                caption says so).
        """
        name = os.fspath(path)
        ending = os.path.splitext(name)[1].lower()
        if ending not in (".svg", ".png", ".pdf"):
            raise ArgumentError(f"`{name}` ends in none of .svg, .png and .pdf")
        drawn = self._figure(kind, self._drawn(channel), ending[1:], _style(**style))
        _core.write_file(name, drawn.encode() if isinstance(drawn, str) else drawn)

    def _repr_svg_(self) -> str | None:
        try:
            return self.svg()
        except Exception:
            # Nothing finite to draw: the text says so.
            return None

    def _repr_html_(self) -> str:
        svg = self._repr_svg_()
        text = html.escape(self._core.report_text())
        return f"<div>{svg or ''}<details><summary>{html.escape(str(self))}</summary><pre>{text}</pre></details></div>"

    def __str__(self) -> str:
        return str(self._core)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def __eq__(self, other: object) -> bool:
        """Equal types, axes, channels and values, to the bit."""
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, Landscape)
        same = self.channels == other.channels and np.array_equal(self.alpha, other.alpha)
        if same and isinstance(self, Surface):
            same = np.array_equal(self.beta, other.beta)  # type: ignore[attr-defined]
        return bool(same) and all(self[name].tobytes() == other[name].tobytes() for name in self.channels)

    __hash__ = None  # type: ignore[assignment]

    def _extras(self) -> dict:
        return {}

    def __reduce__(self) -> tuple:
        return (_restored, (type(self).__name__, self._core.to_bytes("npz"), self._core.is_surface, self._extras()))


class Curve(Landscape):
    """Values over one direction, a segment or a path.

    >>> curve = Curve.from_arrays([0.0, 1.0], {"loss": [2.0, 1.0]})
    >>> curve["loss"], curve.alpha
    (array([2., 1.]), array([0., 1.]))
    """

    @classmethod
    def from_arrays(cls, alpha: Any, channels: dict) -> Curve:
        """A curve from values of another program."""
        arrays = [(name, np.asarray(values, dtype=float)) for name, values in channels.items()]
        return cls(_core.Landscape.from_channels([float(x) for x in alpha], None, arrays))


class Surface(Landscape):
    """Values over a plane: ``surface["loss"][i, j]`` belongs to ``alpha[i]`` and ``beta[j]``.

    >>> surface = Surface.from_arrays([0.0, 1.0], [0.0, 1.0], {"loss": [[0.0, 1.0], [1.0, 2.0]]})
    >>> surface["loss"].shape, surface.svg(title="A plane").startswith("<svg")
    ((2, 2), True)
    """

    _kind = "contour"

    @property
    def beta(self) -> np.ndarray:
        """The coordinates along the second direction."""
        beta = self._core.beta()
        assert beta is not None
        return beta

    @classmethod
    def from_arrays(cls, alpha: Any, beta: Any, channels: dict) -> Surface:
        """A surface from values of another program."""
        arrays = [(name, np.asarray(values, dtype=float)) for name, values in channels.items()]
        return cls(_core.Landscape.from_channels([float(x) for x in alpha], [float(y) for y in beta], arrays))

    def page(
        self,
        path: str | os.PathLike | None = None,
        *,
        title: str = "Loss landscape",
        caption: str = "",
        paths: dict[str, tuple] | None = None,
    ) -> str:
        """An HTML page to turn and zoom in a browser, without network; written to ``path`` if there is one."""
        return page({title: self}, path, title=title, caption=caption, paths={title: paths or {}})


class AdaptiveSurface(Surface):
    """A surface of which some points were evaluated, and the others interpolated."""

    #: The estimated error at each point; 0 where the loss was evaluated.
    estimated_error: np.ndarray
    #: How many points were evaluated.
    evaluations: int
    #: Why it ended: ``'Tolerance'``, ``'Budget'``, ``'AllPoints'`` or ``'Stopped'``.
    end: str

    def __init__(self, core: _core.Landscape, estimated_error: np.ndarray, about: dict) -> None:
        super().__init__(core)
        self.estimated_error, self._about = estimated_error, about
        self.evaluations, self.end = about["evaluations"], about["end"]

    def _extras(self) -> dict:
        return {"estimated_error": self.estimated_error, "about": self._about}


class _Sampled:
    """What sampled curves and surfaces share."""

    #: The share of the evaluations of a full sweep over the same points.
    share: float
    #: How many samples were taken, and how sure the points are: the spacing of the points evaluated in full, their
    #: number, and for each data set the evaluations and relative errors.
    sampling: dict

    def _take(self, about: dict) -> None:
        self.share, self.sampling = about["share"], about

    def _extras(self) -> dict:
        return {"about": self.sampling}

    def standard_error(self, channel: str | None = None) -> np.ndarray:
        """The standard error of each point of a channel, by default the loss of the first data set: 0 where all samples
        were evaluated. 1.96 of them to both sides are an interval of 95 % for the mean over all samples."""
        return self[self._errors_of(channel)]  # type: ignore[index]

    def samples(self, data: str | None = None) -> np.ndarray:
        """How many samples of a data set, by default the first, were evaluated at each point."""
        first = self.sampling["sets"][0]["data"]
        name = f"{first if data is None else data} samples".strip()
        return self[name]  # type: ignore[index]

    def _errors_of(self, channel: str | None) -> str:
        return f"{self._drawn(channel)[0]} standard error"  # type: ignore[attr-defined]

    def _figure(self, kind: str | None, channels: list[str], format: str, style: SimpleNamespace) -> Any:
        errors = self._errors_of(channels[0])
        if errors in self.channels and len(channels) == 1:  # type: ignore[attr-defined]
            style.errors, style.note = errors, f"{100 * self.share:.1f} % of all samples evaluated"
        return super()._figure(kind, channels, format, style)  # type: ignore[misc]


class SampledCurve(_Sampled, Curve):
    """A curve of which each point is estimated from some of the samples. Figures shade two standard errors."""

    def __init__(self, core: _core.Landscape, about: dict) -> None:
        Curve.__init__(self, core)
        self._take(about)


class SampledSurface(_Sampled, Surface):
    """A surface of which each point is estimated from some of the samples: for each channel there is another one with
    its standard errors, and ``"samples"`` has how many samples were evaluated. Contours are shaded as far as two
    standard errors reach, and the caption says which share of all samples was evaluated."""

    def __init__(self, core: _core.Landscape, about: dict) -> None:
        Surface.__init__(self, core)
        self._take(about)


class _Ratios:
    """What ratio maps over lines and planes share."""

    uncertain: np.ndarray
    states: np.ndarray
    products: int

    def _take(self, uncertain: np.ndarray, states: list, about: dict) -> None:
        #: Points at which the ratio is not known at the confidence asked for.
        self.uncertain = uncertain
        shape = (*uncertain.shape, len(states[0]))
        #: ``'certified'``, ``'warm'`` or ``'marked'`` for each point and data set; ``''`` where nothing is known.
        self.states = np.array([[state or "" for state in row] for row in states]).reshape(shape)
        self._about = {**about, "states": states}
        #: Hessian-vector products in all.
        self.products = about["products"]
        #: Points that started without neighbours.
        self.cold_points = about["cold_points"]
        #: For each data set: points that were certified to test the map, how many were off, and the upper bound of
        #: the share of points that are off.
        self.audits = [tuple(audit) for audit in about["audits"]]
        #: Why products could not be used at some points, in a sentence.
        self.reason = about["reason"]

    def _extras(self) -> dict:
        return {"uncertain": self.uncertain, "about": self._about}

    @property
    def ratio(self) -> np.ndarray:
        """|λ_min/λ_max| of the first data set."""
        return self[self.channels[2]]  # type: ignore[attr-defined, index]

    @property
    def lambda_min(self) -> np.ndarray:
        """The smallest eigenvalue, of the first data set."""
        return self[self.channels[0]]  # type: ignore[attr-defined, index]

    @property
    def lambda_max(self) -> np.ndarray:
        """The largest eigenvalue, of the first data set."""
        return self[self.channels[1]]  # type: ignore[attr-defined, index]

    @property
    def products_per_point(self) -> float:
        """Hessian-vector products a point."""
        return self.products / max(self.report["computed"], 1)  # type: ignore[attr-defined]


class RatioCurve(_Ratios, Curve):
    """|λ_min/λ_max| of the Hessian along a line."""

    def __init__(self, core: _core.Landscape, uncertain: np.ndarray, states: list, about: dict) -> None:
        Curve.__init__(self, core)
        self._take(uncertain, states, about)

    def _drawn(self, channel: str | Sequence[str] | None) -> list[str]:
        return [self.channels[2]] if channel is None else super()._drawn(channel)


class RatioMap(_Ratios, Surface):
    """|λ_min/λ_max| of the Hessian over a plane."""

    def __init__(self, core: _core.Landscape, uncertain: np.ndarray, states: list, about: dict) -> None:
        Surface.__init__(self, core)
        self._take(uncertain, states, about)

    _kind = "ratio"

    def _drawn(self, channel: str | Sequence[str] | None) -> list[str]:
        return [self.channels[2]] if channel is None else super()._drawn(channel)

    def _figure(self, kind: str | None, channels: list[str], format: str, style: SimpleNamespace) -> Any:
        if kind not in (None, "ratio"):
            return super()._figure(kind, channels, format, style)
        ends = (self.lambda_min, self.lambda_max, self.uncertain)
        return _core.ratio_figure(list(self.alpha), list(self.beta), *ends, format, style)


class Draws:
    """Landscapes along several draws of random directions: a sequence of curves or surfaces."""

    def __init__(self, landscapes: Sequence[Landscape], report: dict | None = None) -> None:
        if not landscapes:
            raise ArgumentError("there is at least one draw")
        self._landscapes = list(landscapes)
        #: How the sweep went, over all draws.
        self.report = report or {}

    def __len__(self) -> int:
        return len(self._landscapes)

    def __iter__(self) -> Iterator[Landscape]:
        return iter(self._landscapes)

    def __getitem__(self, key: Any) -> Any:
        """A landscape by number, or a channel by name as an array with the draws along its first axis."""
        if isinstance(key, str):
            return np.stack([landscape[key] for landscape in self._landscapes])
        return self._landscapes[key]

    @property
    def alpha(self) -> np.ndarray:
        """The coordinates along the first direction."""
        return self._landscapes[0].alpha

    @property
    def channels(self) -> list[str]:
        """The names of all channels."""
        return self._landscapes[0].channels

    def svg(self, channel: str | None = None, **style: Any) -> str:
        """Curves as a fan: median and bands over the draws."""
        return self._fan(channel, "svg", style)

    def plot(self, path: str | os.PathLike, channel: str | None = None, **style: Any) -> None:
        """Draws curves as a fan to a file, ``.svg``, ``.png`` or ``.pdf``."""
        ending = os.path.splitext(os.fspath(path))[1].lower()
        if ending not in (".svg", ".png", ".pdf"):
            raise ArgumentError(f"`{os.fspath(path)}` ends in none of .svg, .png and .pdf")
        drawn = self._fan(channel, ending[1:], style)
        _core.write_file(os.fspath(path), drawn.encode() if isinstance(drawn, str) else drawn)

    def _fan(self, channel: str | None, format: str, style: dict) -> Any:
        cores = [landscape._core for landscape in self._landscapes]
        return _core.fan_figure(cores, self._landscapes[0]._drawn(channel)[0], format, _style(**style))

    def __repr__(self) -> str:
        return f"<Draws: {len(self)}, the first: {self._landscapes[0]}>"

    def _repr_html_(self) -> str:
        if isinstance(self._landscapes[0], Curve):
            return f"<div>{self.svg()}</div>"
        return "".join(landscape._repr_html_() for landscape in self._landscapes[:4])

    def __reduce__(self) -> tuple:
        return (Draws, (self._landscapes, self.report))


def _style(
    *,
    title: str | None = None,
    log: bool = False,
    range: tuple[float, float] | None = None,
    levels: Sequence[float] = (),
    markers: Sequence[tuple] = (),
    trajectory: tuple[Any, Any] | None = None,
    x_label: str | None = None,
    y_label: str | None = None,
    critical_points: Any = None,
    splines: bool = False,
) -> SimpleNamespace:
    low, high = (None, None) if range is None else (float(range[0]), float(range[1]))
    return SimpleNamespace(
        title=title,
        log=bool(log),
        low=low,
        high=high,
        levels=[float(level) for level in levels],
        markers=[(float(x), float(y), str(text)) for x, y, text in markers],
        path=None if trajectory is None else tuple([float(v) for v in along] for along in trajectory),
        x_label=x_label,
        y_label=y_label,
        critical_points=None if critical_points is None else critical_points._core,
        splines=bool(splines),
        errors=None,
        note=None,
    )


def page(
    surfaces: dict[str, Surface],
    path: str | os.PathLike | None = None,
    *,
    title: str = "Loss landscapes",
    caption: str = "",
    paths: dict[str, dict[str, tuple]] | None = None,
) -> str:
    """Several surfaces side by side on one HTML page, turned together.

    >>> flat = Surface.from_arrays([0, 1], [0, 1], {"loss": [[0, 1], [1, 2]]})
    >>> page({"A": flat, "B": flat}).startswith("<!DOCTYPE html>")
    True
    """
    shown = []
    for name, surface in surfaces.items():
        lines = []
        for label, (x, y) in ((paths or {}).get(name) or {}).items():
            lines.append((label, [float(v) for v in x], [float(v) for v in y]))
        shown.append((name, surface._core, lines))
    text = _core.page(title, caption, shown)
    if path is not None:
        _core.write_file(os.fspath(path), text.encode())
    return text


def load(path: str | os.PathLike) -> Curve | Surface:
    """Reads a curve or surface that ``save`` wrote, as ``.npz``, ``.json`` or ``.csv``.

    >>> import tempfile, os
    >>> curve = Curve.from_arrays([0.0, 1.0], {"loss": [2.0, float("nan")]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     curve.save(os.path.join(folder, "curve.npz"))
    ...     load(os.path.join(folder, "curve.npz")) == curve
    True
    """
    name = os.fspath(path)
    ending = os.path.splitext(name)[1].lower()
    if ending not in (".npz", ".json", ".csv"):
        raise ArgumentError(f"`{name}` ends in none of .npz, .json and .csv")
    with open(name, "rb") as file:
        data = file.read()
    try:
        return Surface(_core.Landscape.from_bytes(data, ending[1:], True))
    except (FormatError, ArgumentError) as of_surface:
        try:
            return Curve(_core.Landscape.from_bytes(data, ending[1:], False))
        except (FormatError, ArgumentError) as of_curve:
            raise FormatError(f"`{name}` is neither a surface ({of_surface}) nor a curve ({of_curve})") from None


def _restored(kind: str, data: bytes, surface: bool, extras: dict) -> Landscape:
    core = _core.Landscape.from_bytes(data, "npz", surface)
    if kind == "AdaptiveSurface":
        return AdaptiveSurface(core, extras["estimated_error"], extras["about"])
    if kind in ("SampledCurve", "SampledSurface"):
        return (SampledSurface if surface else SampledCurve)(core, extras["about"])
    if kind in ("RatioCurve", "RatioMap"):
        about = dict(extras["about"])
        states = about.pop("states")
        made = RatioMap if kind == "RatioMap" else RatioCurve
        return made(core, extras["uncertain"], states, about)
    return {"Curve": Curve, "Surface": Surface}[kind](core)
