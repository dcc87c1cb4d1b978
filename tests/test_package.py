"""The habits that hold the package together: small files, free imports, pins that agree."""

import ast
import hashlib
import re
import subprocess
import sys
import textwrap
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import impasto
from impasto.methods import METHODS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "impasto"
SOURCES = sorted(PACKAGE.rglob("*.py"))
DOORS = [
    "impasto",
    "impasto.errors",
    "impasto.options",
    *(place.partition(":")[0] for place in METHODS.values()),
    "impasto.progress",
    "impasto.record",
    "impasto.cli.main",
    "impasto.bot.app",
]


def run_python(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().split()
    return dict(line.split("==") for line in lines)


def test_no_source_file_is_longer_than_400_lines():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in SOURCES}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


def test_every_file_is_named_after_its_concept():
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [path for path in PACKAGE.rglob("*") if path.stem in vague] == []


NAMES_METHODS = {
    "engine",  # paints the default one; its weights' name is "adain", too
    "methods",
    "studies",  # repeat what papers did with some
}


def test_only_the_table_names_a_method():
    """In what the code does; texts may give examples."""
    named = []
    for path in SOURCES:
        if path.relative_to(PACKAGE).parts[0] in NAMES_METHODS:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("impasto.methods."):
                named.append((path.name, node.lineno, node.module))
            if isinstance(node, ast.Constant) and node.value in METHODS and path.name != "weights.py":
                named.append((path.name, node.lineno, node.value))
    assert named == []


def test_assets_hold_data_and_no_code():
    code = [path for path in (PACKAGE / "assets").rglob("*.py") if path.read_text().strip()]
    assert code == []


def test_importing_every_module_is_free_and_silent(tmp_path):
    run = run_python(
        """
        import importlib, logging, os, pkgutil, random, warnings
        import numpy, torch
        import impasto

        def state():
            return {
                "default dtype": torch.get_default_dtype(),
                "gradient": torch.is_grad_enabled(),
                "deterministic": torch.are_deterministic_algorithms_enabled(),
                "matmul precision": torch.get_float32_matmul_precision(),
                "cudnn": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic,
                          torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32),
                "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
                "torch random": torch.random.get_rng_state().tolist(),
                "numpy random": str(numpy.random.get_state()),
                "random": random.getstate(),
                "folder": os.getcwd(),
                "logging": (logging.getLogger().level, list(logging.getLogger().handlers)),
            }

        def missing_extra(error):
            return error.name.partition(".")[0] not in ("impasto", "torch", "numpy", "PIL", "safetensors")

        before = state()
        for module in pkgutil.walk_packages(impasto.__path__, "impasto.", onerror=lambda name: None):
            if not module.name.endswith("__main__"):
                try:
                    importlib.import_module(module.name)
                except ModuleNotFoundError as error:
                    if not missing_extra(error):
                        raise
        after = state()
        changed = [name for name in before if before[name] != after[name]]
        assert not changed, changed
        """,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    assert (run.stdout, run.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("doors", "module"), [(DOORS, "torch"), (["impasto.cli.stylize", "impasto.api"], "importlib.metadata")]
)
def test_what_is_slow_stays_out_until_there_is_work(doors, module, tmp_path):
    code = f"print([door for door in {doors} if importlib.import_module(door) and {module!r} in sys.modules])"
    run = run_python(f"import importlib, sys; {code}", cwd=tmp_path)
    assert (run.stdout.strip(), run.stderr) == ("[]", "")


def test_version_is_written_once():
    assert metadata.version("impasto") == impasto.__version__
    assert re.search(r"^version = ", (ROOT / "pyproject.toml").read_text(), re.M) is None


def imported() -> set[str]:
    """Distributions that the package imports from, wherever in a file."""
    names: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.partition(".")[0])
    known = metadata.packages_distributions()
    others = names - set(sys.stdlib_module_names) - {"impasto"}
    return {distribution.lower().replace("_", "-") for name in others for distribution in known[name]}


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {name: items for name, items in project["optional-dependencies"].items() if name not in ("dev", "all")}
    items = [*project["dependencies"], *(item for some in extras.values() for item in some)]
    declared = {re.split(r"[\[<>=]", item)[0].lower() for item in items}
    assert project["optional-dependencies"]["all"] == [f"impasto[{','.join(extras)}]"]
    # The engine's runtime is imported by its name, without what it would tell its makers.
    assert declared == imported() | {"openvino", "impasto"}


def test_versions_agree_and_nothing_is_held_back():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)[1] == impasto.__version__
    released = re.findall(r"^## \[(\d\S*)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released[0] == impasto.__version__
    extras = project["optional-dependencies"].values()
    assert [item for some in (project["dependencies"], *extras) for item in some if re.search("<|==|~=", item)] == []


@pytest.mark.slow
def test_the_wheel_is_the_same_each_time_and_its_readme_stands_alone(tmp_path):
    pytest.importorskip("hatchling")
    pytest.importorskip("build")
    sums = set()
    for folder in ("once", "again"):
        command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path / folder, ROOT]
        subprocess.run(command, check=True, capture_output=True)
        (wheel,) = (tmp_path / folder).iterdir()
        sums.add(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert len(sums) == 1
    with zipfile.ZipFile(wheel) as opened:
        about = next(name for name in opened.namelist() if name.endswith("METADATA"))
        readme = opened.read(about).decode().partition("\n\n")[2]
        assert "impasto/assets/adain.safetensors" in opened.namelist()
    assert "# impasto" in readme
    assert re.findall(r"\]\((?!https?:)[^)]*\)", readme) == []


def test_torchvision_is_not_installed():
    names = {(distribution.metadata["Name"] or "").lower() for distribution in metadata.distributions()}
    assert "torchvision" not in names


def test_constraints_are_bare_pins_without_gpu_packages():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*==[0-9][0-9a-z.]*", line)] == []
    assert [name for name in pins() if re.match(r"nvidia|cuda|triton|torchvision", name)] == []


def test_pre_commit_and_constraints_agree():
    config = (ROOT / ".pre-commit-config.yaml").read_text()
    for repository, tool in (("ruff-pre-commit", "ruff"), ("codespell", "codespell")):
        revision = re.search(rf"/{repository}\n\s+rev: v(\S+)", config)
        assert revision is not None
        assert revision.group(1) == pins()[tool]
