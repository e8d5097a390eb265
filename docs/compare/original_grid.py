"""The original repository's grids with different numbers of points along x and y.

`plot_surface.crunch` allocates an array of (len(x), len(y)), while `scheduler.get_unplotted_indices` numbers its
points as `meshgrid(x, y)` does, which is (len(y), len(x)). On square grids element [i, j] is then the point
(x_j, y_i); on others the values are in no order that the array's shape explains, and the contour plot stops.
"""

import contextlib
import io
import os
import tempfile

import numpy as np
from common import original_repository

original_repository()
import h5py
import matplotlib

matplotlib.use("Agg")
import plot_2D  # of the original repository
import scheduler


def file_of(x, y):
    """A surface file as `crunch` fills it, of the surface f(x, y) = 100 x + y."""
    values = -np.ones((len(x), len(y)))
    indices, coordinates, _ = scheduler.get_job_indices(values, x, y, None)
    for index, (a, b) in zip(indices, coordinates):
        values.ravel()[index] = 100.0 * a + b
    return values


def plotted(x, y, values):
    """What the contour plot says: nothing, or its error."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "surface.h5")
        with h5py.File(path, "w") as f:
            f["xcoordinates"], f["ycoordinates"], f["train_loss"] = x, y, values
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                plot_2D.plot_2d_contour(path, vmin=0.1, vmax=400, vlevel=50)
        except Exception as error:  # whatever it is, it is what the user sees
            return f"{type(error).__name__}: {error}"
    return "drawn"


x, y = np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0])
values = file_of(x, y)
print("f(x, y) = 100 x + y, x in 1 2 3, y in 10 20; array stored, shape", values.shape)
print(values)
x_first = 100.0 * x[:, None] + y[None, :]
y_first = 100.0 * x[None, :] + y[:, None]
assert values.shape == (3, 2) and not np.array_equal(values, x_first)
assert np.array_equal(values.reshape(2, 3), y_first)
print("expected for that shape, element [i, j] at (x_i, y_j):")
print(x_first)
message = plotted(x, y, values)
print("plot_2d_contour:", message)
assert message != "drawn"

square = file_of(x, 10.0 * x)
assert np.array_equal(square, 100.0 * x[None, :] + 10.0 * x[:, None])
print("on a square grid element [i, j] is f(x_j, y_i): the transpose of [i, j] at (x_i, y_j)")
