#!/usr/bin/env bash
# In the place of rustdoc for `cargo test --doc`: makes the documentation with warnings denied, and then tests the
# examples in it. `cargo doc` would check all dependencies again, which are compiled for the tests already.
set -euo pipefail
rustdoc=$(rustup which rustdoc 2>/dev/null || command -v rustdoc)
# All arguments but those of tests.
document=()
value_of_test=
for argument in "$@"; do
  if [ -n "$value_of_test" ]; then
    value_of_test=
    continue
  fi
  case $argument in
    --test | --no-run | --test-*=*) ;;
    --test-*) value_of_test=yes ;;
    *) document+=("$argument") ;;
  esac
done
"$rustdoc" "${document[@]}" -D warnings --out-dir "$CARGO_TARGET_DIR/doc"
exec "$rustdoc" "$@"
