"""Results between npz, which loss-landscape reads and writes, and the HDF5 files of the original repository.

    python scripts/original_hdf5.py surface.npz surface.h5     # for plot_2D.py, plot_1D.py and h52vtp.py
    python scripts/original_hdf5.py surface.h5 surface.npz     # for Surface::read_npz and Curve::read_npz

Needs numpy and h5py. The suffixes of the two names say which way; other suffixes of HDF5 are .hdf5 and .hdf.

For the original's scripts (https://github.com/tomgoldstein/loss-landscape) there are, at the root of the file,
`xcoordinates` (alpha, m values), `ycoordinates` (beta, n values; none for a curve), and of these what there is, each
n x m (m for a curve):

    train_loss, test_loss     channels `train loss`, `test loss`
    train_acc, test_acc       channels `train accuracy`, `test accuracy`, times 100: in percent
    min_eig, max_eig          channels `train lambda_min`, `train lambda_max`

Channels of the one data set without a name (`loss`, `accuracy`, `lambda_min`, `lambda_max`) count as those of `train`.
Points that were not computed hold what the original means by "not done yet": -1, in `min_eig` 1. A curve has NaN for an
accuracy that is missing beside a loss, without which `plot_1D.py` stops.

The original's scripts read element number j*m + i, row by row, as the point (x_i, y_j), and plot arrays of n rows of
m; so does this file. Its own files count points the same way but declare m x n, which is the same where m = n and
scrambled where not; both are read, by the order of the elements.

The group `loss_landscape` loses nothing: `channels` holds every channel (m x n, `[i, j]` is (alpha_i, beta_j)) under
its name with `_` for spaces, slashes and control characters, `computed` (m x n, 1 or 0) and `metadata` what the npz has.
Where the group is there, the npz is made of it and of the axes. Of a file of the original, percentages are divided by
100, values that stand for "not done yet" become NaN, and a point with one of them is not computed.
"""

import json
import os
import pathlib
import sys
import tempfile
import unicodedata

import h5py
import numpy

GROUP = "loss_landscape"

# Dataset, channels with the data set named and without, theirs in terms of ours, what stands for "not done yet".
# max_eig comes before min_eig, whose own sentinel is a likely eigenvalue.
DATASETS = [
    ("train_loss", ("train loss", "loss"), 1.0, -1.0),
    ("train_acc", ("train accuracy", "accuracy"), 100.0, -1.0),
    ("test_loss", ("test loss",), 1.0, -1.0),
    ("test_acc", ("test accuracy",), 100.0, -1.0),
    ("max_eig", ("train lambda_max", "lambda_max"), 1.0, -1.0),
    ("min_eig", ("train lambda_min", "lambda_min"), 1.0, 1.0),
]
OTHERS = ("alpha", "beta", "computed", "metadata")


def channels_of(arrays):
    """The channels of an npz: names, and the names of their arrays."""
    if "metadata" in arrays:
        names = json.loads(bytes(arrays["metadata"]))["channels"]
        return {name: name.replace(" ", "_") for name in names}
    shape = grid_shape(arrays)
    return {name: name for name, array in arrays.items() if name not in OTHERS and array.shape == shape}


def grid_shape(arrays):
    return tuple(arrays[axis].size for axis in ("alpha", "beta") if axis in arrays)


def to_original(array):
    """A grid of ours in the order of the original: x runs fastest."""
    return array.T


def from_original(array, shape, name):
    """A grid of the original as ours, whichever of the two shapes it declares."""
    if array.shape not in (shape, shape[::-1]):
        raise SystemExit(f"{name} has the shape {array.shape}, not {shape[::-1]}")
    return array.reshape(shape[::-1]).T


def npz_to_h5(arrays, file):
    channels, shape = channels_of(arrays), grid_shape(arrays)
    computed = arrays.get("computed", numpy.ones(shape, bool))
    file["xcoordinates"] = arrays["alpha"]
    if "beta" in arrays:
        file["ycoordinates"] = arrays["beta"]
    for dataset, names, factor, todo in DATASETS:
        name = next((name for name in names if name in channels), None)
        if name is not None:
            values = numpy.where(computed, arrays[channels[name]] * factor, todo)
            file[dataset] = to_original(values)
        elif "beta" not in arrays and dataset.endswith("_acc") and dataset.replace("_acc", "_loss") in file:
            file[dataset] = numpy.full(shape, numpy.nan)
    group = file.create_group(GROUP)
    group["computed"] = computed.astype(numpy.uint8)
    if "metadata" in arrays:
        group["metadata"] = arrays["metadata"]
    group = group.create_group("channels", track_order=True)
    for name in channels.values():
        plain = plain_name(name)
        if plain in group:
            raise SystemExit(f"two channels would get the name {plain}")
        group[plain] = arrays[name]
        group[plain].attrs["array"] = name


def plain_name(name):
    """A name in HDF5, where slashes part groups and dots may mean the group itself."""
    plain = "".join("_" if c in " /" or unicodedata.category(c) == "Cc" else c for c in name)
    return f"_{plain}" if plain.strip(".") == "" else plain


def h5_to_npz(file):
    if "xcoordinates" not in file:
        raise SystemExit("the file has no xcoordinates")
    arrays = {"alpha": file["xcoordinates"][()]}
    if "ycoordinates" in file:
        arrays["beta"] = file["ycoordinates"][()]
    if GROUP in file:
        group = file[GROUP]
        arrays |= {array.attrs["array"]: array[()] for array in group["channels"].values()}
        arrays["computed"] = group["computed"][()].astype(bool)
        if "metadata" in group:
            arrays["metadata"] = group["metadata"][()]
        return arrays
    shape = grid_shape(arrays)
    computed = numpy.ones(shape, bool)
    undone_eigenvalues = None
    for dataset, names, factor, todo in DATASETS:
        if dataset not in file:
            continue
        values = from_original(file[dataset][()].astype(float), shape, dataset)
        undone = values == todo
        if dataset == "max_eig":
            undone_eigenvalues = undone
        elif dataset == "min_eig" and undone_eigenvalues is not None:
            undone = undone_eigenvalues
        computed &= ~undone
        arrays[names[0]] = numpy.where(undone, numpy.nan, values / factor)
    arrays["computed"] = computed
    return arrays


def replaced(path, write):
    """Writes a file beside the target and moves it there when it is whole."""
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".partial")
    os.close(handle)
    try:
        write(partial)
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise


def savez(path, arrays):
    with open(path, "wb") as file:
        # Through a dictionary, since a channel may be called `file`.
        numpy.savez(file, **arrays)


def write_h5(path, arrays):
    with h5py.File(path, "w") as file:
        npz_to_h5(arrays, file)


def convert(source, target):
    source, target = pathlib.Path(source), pathlib.Path(target)
    hdf5 = (".h5", ".hdf5", ".hdf")
    if source.suffix == ".npz" and target.suffix in hdf5:
        with numpy.load(source) as file:
            arrays = dict(file)
        replaced(target, lambda path: write_h5(path, arrays))
    elif source.suffix in hdf5 and target.suffix == ".npz":
        with h5py.File(source, "r") as file:
            arrays = h5_to_npz(file)
        replaced(target, lambda path: savez(path, arrays))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    convert(*sys.argv[1:])
