"""numpy opens the quickstart's files: names, shapes, types, provenance. `open_npz.py FOLDER`"""

import json
import pathlib
import sys

import numpy as np

files = sorted(pathlib.Path(sys.argv[1]).glob("*.npz"))
assert len(files) == 10, files
for path in files:
    with np.load(path) as file:
        shape = (file["alpha"].size, file["beta"].size) if "beta" in file else (file["alpha"].size,)
        for channel in ("train_loss", "train_accuracy", "test_loss", "test_accuracy"):
            assert file[channel].shape == shape and file[channel].dtype == np.float64, (path, channel)
            assert np.isfinite(file[channel]).all(), (path, channel)
        assert file["computed"].dtype == bool and file["computed"].all(), path
        provenance = json.loads(bytes(file["provenance"]).decode())
        assert provenance["crate"] == "loss-landscape" and provenance["data"] == ["train", "test"], path
print(f"{len(files)} files")
