# What the test scripts of candle, burn, tch and MPI have in common: each sources it in its own folder.
#
# Compiling is what they take their time for, and so nothing is compiled twice. They can share a folder for the build.
# Where tests run, clippy is the compiler of our own crates, so that no other run of it checks all dependencies again.

# begin NAME [FOLDER]: builds in FOLDER; ends the script, with a word, where NAME's crates cannot be had.
begin() {
  target=${2:-${CARGO_TARGET_DIR:-$PWD/target}}
  mkdir -p "$target"
  target=$(cd "$target" && pwd)
  export CARGO_TARGET_DIR=$target CARGO_TERM_COLOR=never
  cargo fmt --check
  if ! timeout 300 cargo fetch --quiet 2>"$target/fetch.log"; then
    echo "the crates of $1 are not to be had here: its adapter is not tested"
    exit 0
  fi
}

# linted COMMAND…: a cargo command that compiles our own crates with clippy, warnings denied.
linted() {
  local driver
  driver=$(rustup which clippy-driver 2>/dev/null || command -v clippy-driver)
  # As `cargo clippy -- -D warnings` hands it on.
  CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__ RUSTC_WORKSPACE_WRAPPER=$driver "$@"
}
