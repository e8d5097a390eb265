"""Principal components of a small path by scikit-learn, for tests/it/trajectory.rs.

    python3 tests/python/principal_planes.py tests/data/trajectory

Needs numpy, scikit-learn and safetensors. The path is a walk with a drift that slows down, 12 snapshots of 30
parameters in f64, drawn by a linear congruential generator that any program can repeat. It is written as
safetensors files of two blocks, as PyTorch users keep their checkpoints, and as plain numbers. About the mean the
components are scikit-learn's PCA; about the end they are its TruncatedSVD (ARPACK) of the differences, as in
section 7 of the paper, and numpy's singular values.
"""

import json
import pathlib
import sys

import numpy as np
from safetensors.numpy import save_file
from sklearn import __version__
from sklearn.decomposition import PCA, TruncatedSVD

SNAPSHOTS, PARAMETERS = 12, 30


def path():
    state = 1
    theta = np.zeros(PARAMETERS)
    rows = []
    for t in range(SNAPSHOTS):
        for i in range(PARAMETERS):
            state = (1103515245 * state + 12345) % 2**31
            step = state / 2**31 - 0.5
            theta[i] += (step + 0.3 * np.sin(i)) / (1 + 0.2 * t)
        rows.append(theta.copy())
    return np.array(rows)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rows = path()
    for t, row in enumerate(rows):
        tensors = {"fc.weight": row[:24].reshape(6, 4).copy(), "fc.bias": row[24:].copy()}
        save_file(tensors, folder / f"{t:02}.safetensors", metadata={"format": "pt"})
    # With all components, so that the shares of all are known.
    pca = PCA(svd_solver="full").fit(rows)
    away = rows[:-1] - rows[-1]
    svd = TruncatedSVD(n_components=4, algorithm="arpack", tol=0, random_state=0).fit(away)
    singular = np.linalg.svd(away, compute_uv=False)
    assert np.allclose(svd.singular_values_, singular[:4], rtol=1e-12, atol=0)
    (folder / "principal.json").write_text(json.dumps({
        "scikit-learn": __version__,
        "centred": {
            "eigenvalues": (pca.singular_values_[: SNAPSHOTS - 1] ** 2).tolist(),
            "shares": pca.explained_variance_ratio_[: SNAPSHOTS - 1].tolist(),
            "components": pca.components_[:4].tolist(),
            "scores": pca.transform(rows)[:, :4].T.tolist(),
        },
        "from_end": {
            "eigenvalues": (singular**2).tolist(),
            "shares": (singular**2 / (singular**2).sum()).tolist(),
            "components": svd.components_.tolist(),
            "scores": svd.transform(rows - rows[-1]).T.tolist(),
        },
    }) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
