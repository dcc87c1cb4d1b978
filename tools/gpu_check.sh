#!/usr/bin/env bash
# On a bare machine with CUDA: tests of the GPU against the CPU, then the benchmarks' rows of the GPU, within 5 minutes.
#
#     tools/gpu_check.sh [--dry-run] [STEP ...]      steps: losses methods training adain cyclegan semantic; all
#
# Needs a Python (PYTHON, else python3) with the libraries of pyproject.toml. What it lacks may lie beside this folder as
# wheels, in .whl. Logs and a summary go to the folder OUT, if it is set. With --dry-run, or without a GPU, everything
# happens on the CPU and small. Ends with 1 if a step failed, took too long or had no time left,
# and with 2 for an unknown step.
set -uo pipefail
cd "$(dirname "$0")/.."

readonly SECONDS_IN_ALL=290
device=cuda
if test "${1:-}" = --dry-run; then
  device=cpu
  shift
fi
steps="${*:-losses methods training adain cyclegan semantic}"
for name in $steps; do
  case $name in
    losses | methods | training | adain | cyclegan | semantic) ;;
    *) echo "There is no step '$name'." >&2 && exit 2 ;;
  esac
done

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
out="${OUT:-$work/out}"
mkdir -p "$out" "$work/site"
python="${PYTHON:-python3}"
export PYTHONPATH="$PWD/src:$work/site${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONUNBUFFERED=1 HF_HUB_OFFLINE=1 CUBLAS_WORKSPACE_CONFIG=:4096:8
# What the CPU does for comparison is small; more threads wait for each other.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-4}"
# Only the plugins that the tests are written for, whatever the machine has.
export PYTEST_DISABLE_PLUGIN_AUTOLOAD=1

if compgen -G '.whl/*.whl' >/dev/null && test $device = cuda; then
  "$python" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --target "$work/site" .whl/*.whl || exit 1
fi
if ! "$python" -c 'import importlib.metadata as m; m.version("impasto")' 2>/dev/null; then
  # Reports ask for the package's version, which an installation would have written there.
  info="$work/site/impasto-0.dist-info"
  mkdir "$info"
  version="$(sed -n 's/^__version__ = "\(.*\)"/\1/p' src/impasto/__init__.py)"
  printf 'Metadata-Version: 2.1\nName: impasto\nVersion: %s\n' "$version" >"$info/METADATA"
fi

say() { echo "$*" | tee -a "$out/summary.txt"; }

if test $device = cuda && ! "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
  device=cpu
fi
if test $device = cuda; then
  say "$("$python" -c 'import sys, torch; print("Python", sys.version.split()[0], "torch", torch.__version__,
    torch.cuda.get_device_name(), "cuDNN", torch.backends.cudnn.version())')"
else
  say "A rehearsal on the CPU, which says nothing about a GPU."
fi

tests() {  # of one file
  # A library's warning on a machine of other versions is for its log.
  "$python" -m pytest -q -p no:cacheprovider -W default -m gpu --gpu $device -rP --tb=short --durations=5 \
    "tests/gpu/test_$1.py"
}

benchmark() {  # of one method, with the arguments for the GPU or else for the rehearsal
  local sizes="$2"
  test $device = cuda || sizes="$3"
  # shellcheck disable=SC2086  # the arguments are words
  "$python" "benchmarks/$1_speed.py" --device $device $sizes
}

step() {
  case "$1" in
    losses | methods | training) tests "$1" ;;
    adain) benchmark adain "--rounds 5 --parts speed memory" "--size 64 --rounds 1 --parts speed" ;;
    cyclegan)
      benchmark cyclegan "--minutes 0.4 --parts forward step-1 step-4" \
        "--minutes 0.01 --rounds 1 --parts forward --sizes 32"
      ;;
    semantic) benchmark semantic "--rounds 9" "--size 32 --rounds 1" ;;
  esac
}
export -f step tests benchmark
export python device

failed=0
for name in $steps; do
  left=$((SECONDS_IN_ALL - SECONDS))
  if test $left -le 5; then
    say "$name: no time left"
    failed=1
    continue
  fi
  began=$SECONDS
  log="$out/$name.txt"
  timeout -k 5 $((left < 100 ? left : 100)) bash -c 'step "$1"' - "$name" >"$log" 2>&1
  status=$?
  test $status = 0 || failed=1
  verdict="failed ($status)"
  test $status = 124 && verdict="took too long"
  test $status = 0 && verdict=passed
  say "$name: $verdict, $((SECONDS - began)) s"
  case $name in
    losses | methods | training)
      test $status = 0 || grep -E '^(E  |FAILED|ERROR)' "$log" | head -n 60
      tail -n 1 "$log"
      ;;
    *) cat "$log" ;;
  esac
done
exit $failed
