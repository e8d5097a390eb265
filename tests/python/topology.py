"""Persistence pairs of small grids by gudhi, for `tests/it/topology.rs`.

    python3 -m venv venv && venv/bin/pip install numpy gudhi
    venv/bin/python tests/python/topology.py

writes `tests/data/topology/*.json` (with gudhi 3.13 and numpy 2.4 the files that are there). Each file has a shape, the
values row by row, and under `vertices` and `top_dimensional_cells` (gudhi's two constructions) the pairs of dimension 0
and 1, sorted; null is infinity. A value of null is a point without a value: gudhi gets infinity there, which keeps it
out of every sublevel set, and only its pairs of dimension 0 are written.
"""

import json
import math
import pathlib

import gudhi
import numpy as np

FOLDER = pathlib.Path(__file__).parent.parent / "data" / "topology"


def number(value):
    return None if math.isinf(value) else float(value)


def pairs(values, **construction):
    holes = np.isinf(values).any()
    found = gudhi.CubicalComplex(**construction).persistence(homology_coeff_field=2, min_persistence=0)
    found = [(dimension, birth, death) for dimension, (birth, death) in found]
    # gudhi leaves out pairs of persistence 0 with this setting; infinite births are the holes themselves.
    assert all(death > birth or math.isinf(birth) for _, birth, death in found)
    found = [pair for pair in found if not math.isinf(pair[1])]
    return {
        str(dimension): [[number(b), number(d)] for k, b, d in sorted(found) if k == dimension]
        for dimension in ([0] if holes else [0, 1])
    }


def write(name, values):
    values = np.asarray(values, dtype=float)
    content = {
        "shape": list(values.shape),
        "values": [number(v) for v in values.ravel()],
        "vertices": pairs(values, vertices=values),
        "top_dimensional_cells": pairs(values, top_dimensional_cells=values),
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")
    counts = {k: {d: len(p) for d, p in content[k].items()} for k in ("vertices", "top_dimensional_cells")}
    print(name, values.shape, counts)


def smooth(random, rows, columns, waves):
    """A sum of waves in random directions."""
    x, y = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    field = np.zeros((rows, columns))
    for _ in range(waves):
        (kx, ky), phase = random.normal(0, 12, 2), random.uniform(0, 2 * np.pi)
        field += random.normal() * np.cos(kx * x + ky * y + phase)
    return field


def main():
    FOLDER.mkdir(exist_ok=True)
    random = np.random.default_rng(42)
    write("random", random.normal(size=(16, 21)))
    write("smooth", smooth(random, 40, 33, 20).round(6))
    x = np.linspace(-5.12, 5.12, 65)
    wave = x * x + 10 - 10 * np.cos(2 * np.pi * x)
    write("rastrigin", np.add.outer(wave, wave).round(3))
    write("plateaus", random.integers(0, 5, size=(30, 30)))
    write("narrow", random.integers(-9, 10, size=(4, 60)))
    write("row", random.integers(0, 9, size=(1, 40)))
    write("column", random.normal(size=(40, 1)))
    write("curve", random.normal(size=200))
    write("curve_of_steps", random.integers(0, 4, size=120))
    holes = random.integers(0, 50, size=(25, 25)).astype(float)
    holes[random.uniform(size=holes.shape) < 0.3] = math.inf
    write("holes", holes)


if __name__ == "__main__":
    main()
