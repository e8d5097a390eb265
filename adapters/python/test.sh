#!/usr/bin/env bash
# Builds the Python package and tests it: alone, and with PyTorch. Needs Rust and Python from 3.10 on; what cannot be
# had is left out, and said.
#
#     ./test.sh [folder for the environment and the build]
set -euo pipefail
cd "$(dirname "$0")"
target=${1:-${CARGO_TARGET_DIR:-$PWD/target}}
mkdir -p "$target"
target=$(cd "$target" && pwd)
export CARGO_TARGET_DIR=$target CARGO_TERM_COLOR=never
skip() { echo "$*: the Python package is not tested"; exit 0; }

python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || skip "no Python from 3.10 on to be had here"
environment=$target/python
python=$environment/bin/python
[ -x "$python" ] || python3 -m venv "$environment" 2>/dev/null || skip "no virtual environments to be had here"
pip() { timeout "$1" "$python" -m pip install --quiet --disable-pip-version-check "${@:2}" 2>"$target/pip.log"; }
pip 300 maturin numpy pytest pandas xarray h5py nbmake ipykernel mypy || skip "no package registry to be had here"

cargo fmt --check
cargo clippy --quiet --features pyo3/extension-module -- -D warnings
echo "building the wheel"
rm -rf "$target/wheels"
"$environment/bin/maturin" build --quiet --profile "${PROFILE:-dev}" --out "$target/wheels"
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$target"/wheels/*.whl
ls -l "$target"/wheels/*.whl | awk '{ printf "a wheel of %.1f MB\n", $5 / 1e6 }'

# From a folder elsewhere, so that what is installed is what is imported.
here=$PWD
cd "$(mktemp -d)"
run() { "$python" -m pytest --quiet --no-header --config-file="$here/pyproject.toml" --rootdir="$here" "$@"; }
package=$("$python" -c 'import loss_landscape, os; print(os.path.dirname(loss_landscape.__file__))')
run "$here/tests/test_numpy.py" "$here/tests/test_shapes.py" "$here/tests/test_sampled.py" --doctest-modules "$package" \
  --ignore "$package/torch.py" --ignore "$package/_torch_data.py" --ignore "$package/_torch_units.py"
"$python" -m mypy --no-error-summary --ignore-missing-imports --cache-dir "$target/mypy" "$here/python/loss_landscape"

if ! "$python" -c 'import torch' 2>/dev/null && ! pip 500 torch; then
  echo "no torch to be had here: modules are not tested"
  exit 0
fi
pip 200 distributed || echo "no dask.distributed to be had here: the guide's program for Dask is not run"
run "$here"/tests/test_torch*.py "$here/tests/test_pages.py" "$here/tests/test_dask.py" \
  --doctest-modules "$package/torch.py" "$package/_torch_data.py" "$package/_torch_units.py"
run --nbmake "$here/notebooks"
