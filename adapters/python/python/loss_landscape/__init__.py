"""Loss landscapes of neural networks that you can believe: for PyTorch modules and any function of numpy arrays.

>>> import numpy as np, loss_landscape as ll
>>> oracle = ll.Oracle(np.array([2.0, 1.0]), lambda t: float(t @ t))
>>> plane = ll.random_directions(oracle, seed=42)
>>> surface = ll.grid_2d(oracle, plane, alpha=(-1, 1, 21), beta=(-1, 1, 21))
>>> float(surface["loss"][10, 10])  # the centre is θ itself
5.0

``ll.torch.Oracle(model, loss_fn, loader)`` is the same for a module; it imports torch when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._barriers import BarrierMatrix, barrier_matrix
from ._core import __version__
from ._curvature import (
    Density,
    DerivativeErrors,
    Diagonal,
    EigenPairs,
    Extremes,
    GaussNewtonSplit,
    Trace,
    check_derivatives,
    eigen_extremes,
    eigenpairs,
    gauss_newton_split,
    gradient,
    hessian_diagonal,
    hessian_directions,
    hessian_product,
    hessian_trace,
    spectral_density,
)
from ._directions import (
    Direction,
    Directions,
    Projection,
    direction_between,
    plane_through,
    random_direction,
    random_directions,
)
from ._errors import (
    ArgumentError,
    BusyError,
    Error,
    FigureError,
    FileError,
    FormatError,
    HookWarning,
    Interrupted,
    JournalError,
    LandscapeWarning,
    LayoutError,
    LayoutWarning,
    LoaderWarning,
    MemoryLimitError,
    NonDeterministicWarning,
    OracleFailure,
    UnknownNameError,
)
from ._layout import Block, Layout
from ._matching import (
    Matched,
    PermutationCheck,
    UnitGroup,
    assignment,
    check_permutations,
    match_units,
    permute,
)
from ._oracle import BaseOracle, Oracle
from ._paths import Path, Trajectory, barrier, train_path, trajectory
from ._planes import SliceCurvature, directional_curvatures, gradient_directions, slice_curvature
from ._progress import Bar, Progress
from ._results import (
    AdaptiveSurface,
    Curve,
    Draws,
    Landscape,
    RatioCurve,
    RatioMap,
    SampledCurve,
    SampledSurface,
    Surface,
    load,
    page,
)
from ._sharpness import (
    AverageSharpness,
    Sharpness,
    WorstSharpness,
    average_sharpness,
    sharpness,
    worst_sharpness,
)
from ._sweeps import (
    adaptive_2d,
    draws,
    eigen_ratio_1d,
    eigen_ratio_2d,
    grid_2d,
    interpolate,
    line_1d,
    merge_journals,
    read_journal,
    sampled_1d,
    sampled_2d,
    sweep_path,
)
from ._topology import Hill, Merge, Minimum, PersistencePair, Topology, TreeNode, topology

if TYPE_CHECKING:
    from . import torch

__all__ = [
    "AdaptiveSurface", "ArgumentError", "AverageSharpness", "Bar", "BarrierMatrix", "BaseOracle", "Block", "BusyError",
    "Curve", "Density", "DerivativeErrors", "Diagonal", "Direction", "Directions", "Draws", "EigenPairs", "Error",
    "Extremes", "FigureError", "FileError", "FormatError", "GaussNewtonSplit", "Hill", "HookWarning", "Interrupted",
    "JournalError", "Landscape", "LandscapeWarning", "Layout", "LayoutError", "LayoutWarning", "LoaderWarning",
    "Matched", "MemoryLimitError", "Merge", "Minimum", "NonDeterministicWarning", "Oracle", "OracleFailure", "Path",
    "PermutationCheck", "PersistencePair", "Progress", "Projection", "RatioCurve", "RatioMap", "SampledCurve",
    "SampledSurface", "Sharpness", "SliceCurvature", "Surface", "Topology", "Trace", "Trajectory", "TreeNode",
    "UnitGroup", "UnknownNameError", "WorstSharpness", "__version__", "adaptive_2d", "assignment", "average_sharpness",
    "barrier", "barrier_matrix", "check_derivatives", "check_permutations", "direction_between",
    "directional_curvatures", "draws", "eigen_extremes", "eigen_ratio_1d", "eigen_ratio_2d", "eigenpairs",
    "gauss_newton_split", "gradient", "gradient_directions", "grid_2d", "hessian_diagonal", "hessian_directions",
    "hessian_product", "hessian_trace", "interpolate", "line_1d", "load", "match_units", "merge_journals", "page",
    "permute", "plane_through", "random_direction", "random_directions", "read_journal", "sampled_1d", "sampled_2d",
    "sharpness", "slice_curvature", "spectral_density", "sweep_path", "topology", "train_path", "trajectory",
    "worst_sharpness",
]


def __getattr__(name: str) -> Any:
    # Not imported with the package, which works without torch.
    if name == "torch":
        import importlib

        return importlib.import_module(".torch", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
