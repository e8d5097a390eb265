"""Files between Rust and Python: numpy, h5py, VTK, pandas and safetensors read what is written, and write what is read.

HDF5 is a matter of `scripts/original_hdf5.py`, which is tested here: on every npz, and on the h5 files of `tests/data`.

    cargo run --release --example formats -- write FOLDER
    python tests/python/round_trip.py FOLDER [NPZ_FOLDER]
    cargo run --release --example formats -- check FOLDER/python

Compares every format in FOLDER with the JSON there, number by number, and writes files of its own to FOLDER/python.
The files of the quickstart in NPZ_FOLDER are opened too. A package that is missing is named and its checks are
skipped; with LOSS_LANDSCAPE_STRICT set, that is an error.
"""

import importlib
import json
import math
import os
import pathlib
import sys
import warnings

skipped = []
done = []


def package(name):
    """A package, or None with a word about it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        skipped.append(name)
        return None


class Result:
    """A surface or a curve out of JSON, the reference: its numbers are exact."""

    def __init__(self, path):
        self.path = path
        content = json.loads(path.read_text())
        self.surface = content["format"] == "loss-landscape surface"
        assert content["version"] == 2, path
        self.alpha, self.beta = content["alpha"], content.get("beta")
        self.channels, self.report = content["channels"], content["report"]
        self.values = {
            # One row a point, as if a curve were a surface of one column.
            name: [[float(v) for v in (row if self.surface else [row])] for row in content["values"][name]]
            for name in self.channels
        }
        self.computed = [row if self.surface else [row] for row in content["computed"]]
        self.shape = (len(self.alpha), len(self.beta)) if self.surface else (len(self.alpha),)

    def points(self):
        columns = len(self.beta) if self.surface else 1
        return [(i, j) for i in range(len(self.alpha)) for j in range(columns)]


def same(a, b):
    a, b = float(a), float(b)
    return math.isnan(a) and math.isnan(b) or a == b and math.copysign(1, a) == math.copysign(1, b)


def check(what, reference, name, value_at, factor=1.0, todo=None):
    """Every value of a channel is the reference's; `todo` stands where nothing was computed."""
    for i, j in reference.points():
        expected = reference.values[name][i][j] * factor
        if todo is not None and not reference.computed[i][j]:
            expected = todo
        found = value_at(i, j)
        assert same(found, expected), (what, name, (i, j), found, expected)


def check_npz(numpy, reference):
    path = reference.path.with_suffix(".npz")
    with numpy.load(path) as file:
        assert file["alpha"].tolist() == reference.alpha, path
        assert ("beta" in file) == reference.surface
        if reference.surface:
            assert file["beta"].tolist() == reference.beta
        for name in reference.channels:
            array = file[name.replace(" ", "_")]
            assert array.shape == reference.shape and array.dtype == numpy.float64, (path, name)
            array = array.reshape(len(reference.alpha), -1)
            check(path, reference, name, lambda i, j: array[i, j])
        computed = file["computed"].reshape(len(reference.alpha), -1)
        assert computed.dtype == bool and computed.tolist() == reference.computed, path
        metadata = json.loads(bytes(file["metadata"]))
        assert metadata["report"] == reference.report and metadata["channels"] == reference.channels
    done.append(path.name)


def check_csv(numpy, pandas, reference):
    path = reference.path.with_suffix(".csv")
    comment = path.read_text().splitlines()[0]
    table = numpy.genfromtxt(path, delimiter=",", names=True, skip_header=1)
    points = reference.points()
    assert len(table) == len(points)
    columns = len(points) // len(reference.alpha)
    for name in reference.channels:
        column = table[name.replace(" ", "_")]
        check(path, reference, name, lambda i, j: column[i * columns + j])
    for line, (i, j) in zip(table, points):
        assert line["alpha"] == reference.alpha[i] and line["computed"] == reference.computed[i][j]
    assert comment.startswith("# {")
    metadata = json.loads(comment[2:])
    assert metadata["report"] == reference.report and metadata["channels"] == reference.channels
    if pandas:
        with warnings.catch_warnings():
            # The default was not exact once, and asking for exactness is deprecated now.
            warnings.simplefilter("ignore")
            frame = pandas.read_csv(path, comment="#", float_precision="round_trip")
        for name in reference.channels:
            check(path, reference, name, lambda i, j: frame[name].iloc[i * columns + j])
    done.append(path.name)


ORIGINAL = [
    # dataset, channels, factor, what stands for "not done yet"
    ("train_loss", ("train loss", "loss"), 1.0, -1.0),
    ("train_acc", ("train accuracy", "accuracy"), 100.0, -1.0),
    ("test_loss", ("test loss",), 1.0, -1.0),
    ("test_acc", ("test accuracy",), 100.0, -1.0),
]


def same_arrays(numpy, a, b):
    """Two npz files hold the same arrays, to the bit."""
    with numpy.load(a) as a, numpy.load(b) as b:
        assert sorted(a.files) == sorted(b.files), (a.files, b.files)
        for name in a.files:
            assert (a[name].dtype, a[name].shape) == (b[name].dtype, b[name].shape), name
            assert a[name].tobytes() == b[name].tobytes(), name


def check_hdf5(original_hdf5, h5py, numpy, reference):
    """The script's file is what the original's scripts read, and nothing is lost on the way back."""
    path, npz = reference.path.with_suffix(".h5"), reference.path.with_suffix(".npz")
    original_hdf5.convert(npz, path)
    back = path.with_name(f"{path.stem}_back.npz")
    original_hdf5.convert(path, back)
    same_arrays(numpy, npz, back)
    with h5py.File(path, "r") as file:
        x = file["xcoordinates"][:]
        assert x.tolist() == reference.alpha
        y = file["ycoordinates"][:] if reference.surface else numpy.zeros(1)
        assert not reference.surface or y.tolist() == reference.beta
        # As the original's scripts read it: element number k is the point number k of a meshgrid.
        mesh_x, mesh_y = numpy.meshgrid(x, y)
        for dataset, names, factor, todo in ORIGINAL:
            name = next((name for name in names if name in reference.channels), None)
            if name is None:
                continue
            array = file[dataset][:]
            assert array.shape == (mesh_x.shape if reference.surface else x.shape), (path, dataset)
            flat = {(a, b): v for a, b, v in zip(mesh_x.ravel(), mesh_y.ravel(), array.ravel())}
            check(path, reference, name, lambda i, j: flat[x[i], y[j]], factor, todo)
        group = file["loss_landscape"]
        for name in reference.channels:
            array = group["channels"][name.replace(" ", "_")][:].reshape(len(x), -1)
            check(path, reference, name, lambda i, j: array[i, j])
        computed = group["computed"][:].reshape(len(x), -1)
        assert (computed == 1).tolist() == reference.computed
        metadata = json.loads(bytes(group["metadata"][:]))
        assert metadata["report"] == reference.report and metadata["channels"] == reference.channels
    done.append(path.name)


def check_original(original_hdf5, h5py, numpy, folder):
    """The order, the shapes and the sentinels of the original's own files, both ways."""
    alpha, beta = numpy.array([-1.0, 0.0, 1.0]), numpy.array([0.5, 0.75])
    loss = numpy.array([[0.0, 1.0], [10.0, 11.0], [20.0, 21.0]])
    computed = numpy.array([[True, True], [True, False], [True, True]])
    arrays = {"alpha": alpha, "beta": beta, "train loss": loss, "sign/": loss, "computed": computed}
    arrays["train accuracy"] = loss / 64
    npz, h5 = folder / "script.npz", folder / "script.h5"
    original_hdf5.savez(npz, arrays)
    original_hdf5.convert(npz, h5)
    with h5py.File(h5, "r") as file:
        assert file["xcoordinates"][:].tolist() == alpha.tolist() and file["train_loss"].shape == (2, 3)
        assert file["train_loss"][:].ravel().tolist() == [0.0, 10.0, 20.0, 1.0, -1.0, 21.0]
        assert file["train_acc"][:].ravel()[2] == 20.0 / 64.0 * 100.0
        assert "sign" not in file and "test_loss" not in file
        assert file["loss_landscape/channels/sign_"].shape == (3, 2)
    original_hdf5.convert(h5, folder / "back.npz")
    same_arrays(numpy, npz, folder / "back.npz")

    for shape in [(3, 2), (2, 3)]:
        with h5py.File(h5, "w") as file:
            file["xcoordinates"], file["ycoordinates"] = alpha, beta
            file["train_loss"] = numpy.array([0.0, 10.0, 20.0, 1.0, -1.0, 21.0]).reshape(shape)
            # In chunks and compressed, which no reader of ours would have to believe.
            file.create_dataset("train_acc", data=numpy.full(shape, 50.0, "f4"), compression="gzip")
            file["max_eig"] = numpy.array([1.0, 2.0, -1.0, 3.0, 4.0, 5.0]).reshape(shape)
            file["min_eig"] = numpy.ones(shape)
        original_hdf5.convert(h5, npz)
        with numpy.load(npz) as file:
            names = ["train loss", "train accuracy", "train lambda_max", "train lambda_min"]
            assert [name for name in file.files if name.startswith("train")] == names, file.files
            loss, least = file["train loss"], file["train lambda_min"]
            assert (loss[0, 1], loss[2, 0], loss[2, 1]) == (1.0, 20.0, 21.0) and math.isnan(loss[1, 1])
            assert file["train accuracy"][1, 1] == 0.5
            assert math.isnan(least[2, 0]) and least[0, 0] == 1.0, "1 is an eigenvalue where max_eig is there"
            assert numpy.argwhere(~file["computed"]).tolist() == [[1, 1], [2, 0]]

    original_hdf5.savez(npz, {"alpha": alpha, "loss": alpha, "test loss": alpha})
    original_hdf5.convert(npz, h5)
    with h5py.File(h5, "r") as file:
        assert file["train_loss"][:].tolist() == alpha.tolist() and "ycoordinates" not in file
        assert all(numpy.isnan(file[name][:]).all() for name in ("train_acc", "test_acc"))

    with h5py.File(h5, "w") as file:
        file["xcoordinates"], file["ycoordinates"], file["train_loss"] = alpha, beta, numpy.zeros(5)
    before = npz.read_bytes()
    for source, target, reason in [(h5, npz, "has the shape (5,)"), (npz, folder / "x.csv", "python scripts")]:
        try:
            original_hdf5.convert(source, target)
        except SystemExit as error:
            assert reason in str(error), error
        else:
            raise AssertionError(reason)
    assert npz.read_bytes() == before and not list(folder.glob("*.partial")), "the old file stays"
    for path in (npz, h5, folder / "back.npz"):
        path.unlink()
    done.append("scripts/original_hdf5.py")


def check_kept(original_hdf5, numpy, folder):
    """The h5 files of `tests/data/files`, by h5py, hold what `expected` says, as do the npz beside them."""
    kept = pathlib.Path(__file__).parent.parent / "data" / "files"
    for path in sorted(kept.glob("*.h5")):
        npz = folder / f"{path.stem}_by_script.npz"
        original_hdf5.convert(path, npz)
        same_arrays(numpy, npz, kept / npz.name)
        with numpy.load(npz) as file:
            values = file["train loss"].reshape(5, -1)
            assert file["alpha"].tolist() == [-1.0, -0.5, 0.1, 2.0, 1e300] and file["computed"].all(), path
            assert values.shape[1] == (1 if path.stem == "curve" else 3)
            for (i, j), value in numpy.ndenumerate(values):
                assert same(value, expected(i, j)), (path, i, j, value)
        done.append(path.name)


def check_vtk(vtk, reference, channel="train loss", clip=5.0):
    from vtkmodules.util.numpy_support import vtk_to_numpy

    path = reference.path.with_suffix(".vts")
    reader = vtk.vtkXMLStructuredGridReader()
    reader.SetFileName(str(path))
    reader.Update()
    assert reader.GetErrorCode() == 0, path
    grid = reader.GetOutput()
    rows, columns = len(reference.alpha), len(reference.beta)
    assert grid.GetExtent() == (0, rows - 1, 0, columns - 1, 0, 0), path
    points = vtk_to_numpy(grid.GetPoints().GetData())
    arrays = {grid.GetPointData().GetArrayName(k): k for k in range(grid.GetPointData().GetNumberOfArrays())}
    arrays = {name: vtk_to_numpy(grid.GetPointData().GetArray(k)) for name, k in arrays.items()}
    for name in reference.channels:
        check(path, reference, name, lambda i, j: arrays[name][j * rows + i])
    for i, j in reference.points():
        x, y, z = points[j * rows + i]
        value = reference.values[channel][i][j]
        hidden = not math.isfinite(value)
        assert (x, y) == (reference.alpha[i], reference.beta[j]), path
        assert math.isfinite(z) and (hidden or z == min(value, clip)), (path, i, j, z)
        assert arrays["not_finite"][j * rows + i] == hidden
        assert arrays["computed"][j * rows + i] == reference.computed[i][j]
        assert bool(grid.IsPointVisible(j * rows + i)) != hidden
    # The cells that are drawn are those with four finite corners.
    surface = vtk.vtkGeometryFilter()
    surface.SetInputData(grid)
    surface.Update()
    finite = lambda i, j: math.isfinite(reference.values[channel][i][j])
    cells = sum(
        finite(i, j) and finite(i + 1, j) and finite(i, j + 1) and finite(i + 1, j + 1)
        for i in range(rows - 1)
        for j in range(columns - 1)
    )
    assert surface.GetOutput().GetNumberOfCells() == cells, (path, surface.GetOutput().GetNumberOfCells(), cells)
    done.append(path.name)


def check_safetensors(load_file, safe_open, folder):
    assert load_file(folder / "theta.safetensors")["theta"].tolist() == [1.0, 2.0]
    direction = load_file(folder / "direction.safetensors")["theta"]
    plane = load_file(folder / "plane.safetensors")
    assert plane["first.theta"].tolist() == direction.tolist() and plane["second.theta"].shape == (2,)
    with safe_open(folder / "plane.safetensors", "numpy") as file:
        metadata = file.metadata()
    assert metadata["loss_landscape"] == "directions 2", metadata
    assert metadata["first.source"] == "random seed=3 stream=0", metadata
    assert metadata["second.source"] == "random seed=3 stream=1", metadata
    rule = "norm=filter biases=still norm_parameters=still buffers=still conformance=paper"
    assert metadata["first.normalization"] == rule and len(metadata["first.hash"]) == 16
    done.append("safetensors")


def same_column(what, column, wanted):
    """Whether numbers are those of the JSON, in which none is null and what is not finite is a text."""
    import numpy

    number = lambda v: math.nan if v is None else float(v)
    column = numpy.asarray(column, dtype=float).ravel()
    wanted = numpy.asarray([number(v) for v in wanted], dtype=float)
    assert column.shape == wanted.shape, (what, column, wanted)
    assert all(same(a, b) for a, b in zip(column, wanted)), (what, column, wanted)


def check_reports(numpy, pandas, folder):
    """Shapes and paths: every number of the JSON, in the arrays of npz and in the columns of CSV."""
    shape = json.loads((folder / "shape.json").read_text())
    assert shape["format"] == "loss-landscape topology" and shape["version"] == 2
    shape = shape["report"]
    minima, merges, hills = shape["minima"], shape["merges"], shape["hills"]
    assert len(minima) > 2 and len(merges) == len(minima) - 1 and hills and shape["holes"] == 1
    none = lambda v: -1 if v is None else v
    with numpy.load(folder / "shape.npz") as file:
        assert file["minimum_index"].tolist() == [m["at"]["index"] for m in minima]
        assert file["minimum_coordinates"].tolist() == [m["at"]["coordinates"] for m in minima]
        assert file["minimum_merge"].tolist() == [none(m["merge"]) for m in minima]
        assert file["minimum_basin_points"].tolist() == [m["basin_points"] for m in minima]
        for name in ("persistence", "depth", "basin_share"):
            same_column(name, file[f"minimum_{name}"], [m[name] for m in minima])
        assert file["minimum_certain"].dtype == bool
        assert file["minimum_certain"].tolist() == [m["certain"] for m in minima]
        same_column("saddles", file["merge_value"], [m["at"]["value"] for m in merges])
        for name in ("ends", "continues", "between"):
            assert file[f"merge_{name}"].tolist() == [m[name] for m in merges]
        assert file["hill_index"].tolist() == [h["at"]["index"] for h in hills]
        basins = file["point_basin"].reshape(shape["shape"])
        assert basins.ravel().tolist() == [none(b) for b in shape["basins"]] and basins[7, 5] == -1
        assert file["node_parent"].tolist() == [none(n["parent"]) for n in shape["tree"]["nodes"]]
        births = file["pair_birth"][file["pair_dimension"] == 0]
        same_column("births", births, [m["at"]["value"] for m in minima])
        metadata = json.loads(bytes(file["metadata"]))
        assert metadata["report"]["saddle_distance"] == shape["saddle_distance"]

    path = json.loads((folder / "path.json").read_text())
    assert path["format"] == "loss-landscape trajectory"
    report, losses = path["report"]["report"], path["report"]["losses"]
    assert losses["failures"][0]["snapshot"] == 0
    with numpy.load(folder / "path.npz") as file:
        assert file["snapshot_coordinate"].T.tolist() == report["coordinates"]
        for name, wanted in [("distance", report["distances"]), ("off_plane", report["off_plane"])]:
            assert file[f"snapshot_{name}"].tolist() == wanted
        same_column("losses", file["snapshot_loss_on_path"], losses["on_path"])
        same_column("losses", file["snapshot_loss_on_plane"], losses["on_plane"])
        for name, key in [("eigenvalue", "eigenvalues"), ("share", "shares")]:
            assert file[f"component_{name}"].tolist() == report[key]
        for name in ("random_walk", "random_walk_of_steps"):
            assert file[f"component_{name}"].tolist() == report[name]
    done.extend(["shape.npz", "path.npz"])
    if not pandas:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = lambda name: pandas.read_csv(folder / name, comment="#", float_precision="round_trip")
        table, frame = read("shape.csv"), read("path.csv")
    wells = table[table.table == "minimum"]
    same_column("alpha", wells.alpha, [m["at"]["coordinates"][0] for m in minima])
    same_column("persistence", wells.persistence, [m["persistence"] for m in minima])
    same_column("merge", wells["merge"], [m["merge"] for m in minima])
    same_column("basin", table[table.table == "point"].basin, shape["basins"])
    steps = frame[frame.table == "snapshot"]
    same_column("alpha", steps.coordinate_1, report["coordinates"][0])
    same_column("beta", steps.coordinate_2, report["coordinates"][1])
    same_column("loss", steps.loss_on_plane, losses["on_plane"])
    same_column("share", frame[frame.table == "component"].share, report["shares"])
    done.extend(["shape.csv", "path.csv"])


def check_draws(numpy, pandas, folder):
    """Draws and measures: numbers, names and what is known, as the JSON has them."""
    draws = json.loads((folder / "draws.json").read_text())
    assert draws["format"] == "loss-landscape draws of surfaces" and draws["version"] == 2
    landscapes = draws["report"]["landscapes"]
    number = lambda v: float(v.replace("Infinity", "inf")) if isinstance(v, str) else v
    channels = landscapes[0]["channels"]
    wanted = [
        [[[number(l["values"][name][i][j]) for name in channels] for j in range(3)] for i in range(5)] for l in landscapes
    ]
    measures = json.loads((folder / "measures.json").read_text())["report"]["measures"]
    with numpy.load(folder / "draws.npz") as file:
        values = file["point_value"].reshape(3, 5, 3, len(channels))
        same_column("draws", values.ravel(), numpy.array(wanted).ravel())
        assert file["point_draw"].reshape(3, -1)[2].tolist() == [2] * 15
        assert file["point_beta"].reshape(3, 5, 3)[1, 4].tolist() == landscapes[1]["beta"]
        assert file["point_computed"].all() and numpy.isnan(values).any()
    with numpy.load(folder / "measures.npz") as file:
        names = json.loads(bytes(file["metadata"]))["report"]["names"]
        assert names == [m["name"] for m in measures]
        for k, measure in enumerate(measures):
            for row, reading in enumerate(measure["readings"]):
                known, value = file["draw_known"][row, k], file["draw_value"][row, k]
                kind = {0: "unknown", 1: "value", 2: "at_least"}[int(known)]
                assert reading == ("unknown" if known == 0 else {kind: float(value)}), (reading, known, value)
    done.extend(["draws.npz", "measures.npz"])
    if pandas:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            table = pandas.read_csv(folder / "draws.csv", comment="#", float_precision="round_trip")
        same_column("draws", table.value_2, numpy.array(wanted)[..., 1].ravel())
        done.append("draws.csv")


def expected(i, j):
    """What `formats check` expects at [i, j]."""
    special = {(0, 0): -0.0, (1, 0): math.nan, (2, 0): math.inf, (3, 0): -math.inf}
    return special.get((i, j), (i + 0.1) / (j + 0.3))


def write(folder, numpy, h5py, save_file):
    alpha, beta = [-1.0, -0.5, 0.1, 2.0, 1e300], [-1.0, 0.25, 1.5]
    values = [[expected(i, j) for j in range(3)] for i in range(5)]
    text = lambda v: v if math.isfinite(v) else "NaN" if math.isnan(v) else "Infinity" if v > 0 else "-Infinity"
    content = {"format": "loss-landscape surface", "version": 2, "alpha": alpha, "beta": beta}
    content["values"] = {"train loss": [[text(v) for v in row] for row in values]}
    (folder / "surface.json").write_text(json.dumps(content))
    content = {"format": "loss-landscape curve", "version": 2, "alpha": alpha}
    content["values"] = {"train loss": [text(row[0]) for row in values]}
    (folder / "curve.json").write_text(json.dumps(content))
    lines = [f"{alpha[i]!r},{beta[j]!r},{values[i][j]!r}" for j in (2, 0, 1) for i in (4, 0, 3, 1, 2)]
    (folder / "surface.csv").write_text("\n".join(["alpha,beta,train loss", *lines]))
    lines = [f"{a!r}, {row[0]!r}" for a, row in zip(alpha, values)]
    (folder / "curve.csv").write_text("\r\n".join(["alpha, train loss", *lines]))
    if numpy:
        array = numpy.array(values)
        numpy.savez(folder / "surface.npz", alpha=alpha, beta=beta, **{"train loss": array})
        numpy.savez(folder / "fortran.npz", alpha=alpha, beta=beta, **{"train loss": numpy.asfortranarray(array)})
        numpy.savez(folder / "curve.npz", alpha=alpha, **{"train loss": array[:, 0]})
        # What numpy has read and written again.
        with numpy.load(folder / "surface.npz") as file:
            numpy.savez(folder / "rewritten.npz", **file)
        # Types that a grid may have, and arrays that are none of numbers.
        shape = (5, 3)
        numpy.savez(
            folder / "types.npz",
            alpha=alpha,
            beta=beta,
            half=array.astype(numpy.float16),
            positive=array > 0,
            small=numpy.arange(15, dtype=numpy.uint8).reshape(shape),
            labels=numpy.full(shape, "α"),
            objects=numpy.full(shape, None),
            when=numpy.full(shape, numpy.datetime64("2018-11-07")),
            huge=numpy.full(shape, 2**60),
            seed=7,
        )
        numpy.savez(folder / "transposed.npz", alpha=alpha, beta=beta, loss=array.T)
        numpy.savez_compressed(folder / "compressed.npz", alpha=alpha, beta=beta, loss=array)
    if numpy and h5py:
        for name, version in [("original.h5", "earliest"), ("latest.h5", "latest")]:
            with h5py.File(folder / name, "w", libver=version) as file:
                file["dir_file"] = "a direction"
                file["xcoordinates"], file["ycoordinates"] = alpha, beta
                # The original declares (x, y) and fills in the order of its meshgrid.
                file["train_loss"] = array.T.reshape(5, 3)
                file["train_acc"] = 100 * array.T.reshape(5, 3)
        with h5py.File(folder / "curve.h5", "w") as file:
            file["xcoordinates"], file["train_loss"] = alpha, array[:, 0]
    if save_file:
        save_file({"theta": numpy.array([0.1, -2.5])}, folder / "direction.safetensors")


def check_quickstart(numpy, folder):
    """Names, shapes, types and provenance of the files of `examples/quickstart.rs`."""
    files = sorted(folder.glob("*.npz"))
    assert len(files) == 10, files
    for path in files:
        with numpy.load(path) as file:
            shape = (file["alpha"].size, file["beta"].size) if "beta" in file else (file["alpha"].size,)
            for channel in ("train_loss", "train_accuracy", "test_loss", "test_accuracy"):
                assert file[channel].shape == shape and file[channel].dtype == numpy.float64, (path, channel)
                assert numpy.isfinite(file[channel]).all(), (path, channel)
            assert file["computed"].dtype == bool and file["computed"].all(), path
            metadata = json.loads(bytes(file["metadata"]))
            assert metadata["format"].startswith("loss-landscape ") and metadata["version"] == 2, path
            assert metadata["report"]["provenance"]["data"] == ["train", "test"], path
    done.append(f"{len(files)} files of the quickstart")


def main():
    folder = pathlib.Path(sys.argv[1])
    numpy, h5py, vtk, pandas = (package(name) for name in ("numpy", "h5py", "vtk", "pandas"))
    tensors = package("safetensors.numpy") if numpy else None
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "scripts"))
    original_hdf5 = importlib.import_module("original_hdf5") if numpy and h5py else None
    results = [Result(folder / f"{name}.json") for name in ("surface", "stopped", "square", "curve")]
    surface = results[0]
    assert surface.shape == (5, 3) and surface.channels[0] == "train loss" and len(surface.channels) == 4
    all_values = [v for row in surface.values["train loss"] for v in row]
    assert any(map(math.isnan, all_values)) and math.inf in all_values, "the special values are there"
    assert not all(all(row) for row in results[1].computed), "some of it is not computed"
    assert any(bad["failure"].get("error") == 'the trap "snapped"\n' for bad in surface.report["bad_points"])
    for reference in results:
        if numpy:
            check_npz(numpy, reference)
            check_csv(numpy, pandas, reference)
        if original_hdf5:
            check_hdf5(original_hdf5, h5py, numpy, reference)
        if vtk and reference.surface:
            check_vtk(vtk, reference)
    if numpy:
        check_reports(numpy, pandas, folder)
        check_draws(numpy, pandas, folder)
    if tensors:
        check_safetensors(tensors.load_file, package("safetensors").safe_open, folder)
    if numpy and len(sys.argv) > 2:
        check_quickstart(numpy, pathlib.Path(sys.argv[2]))
    (folder / "python").mkdir(exist_ok=True)
    if original_hdf5:
        check_original(original_hdf5, h5py, numpy, folder / "python")
        check_kept(original_hdf5, numpy, folder / "python")
    write(folder / "python", numpy, h5py, tensors and tensors.save_file)
    print(f"read: {', '.join(done)}")
    if skipped:
        print(f"SKIPPED for want of packages: {', '.join(skipped)}")
        if os.environ.get("LOSS_LANDSCAPE_STRICT"):
            sys.exit(1)


main()
