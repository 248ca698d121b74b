import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import tunespace

HEAVY = ["torch", "transformers", "lightning", "librosa", "scipy"]


def test_importing_the_package_imports_no_heavy_dependency() -> None:
    program = "import sys, tunespace, tunespace.audio; print(*sorted(sys.modules))"
    done = subprocess.run(  # noqa: S603  (this interpreter, a constant program)
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not set(HEAVY) & set(done.stdout.split())


@pytest.mark.parametrize("name", ["tunespace", "tunespace.audio", "tunespace.library"])
def test_a_name_imported_on_demand_is_not_that_of_a_module(name: str) -> None:
    # An import of the module would replace the name in the package.
    package = importlib.import_module(name)
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    packages = {"data", "evaluation", "library", "models", "text", "training"}
    assert modules & set(package.__all__) <= packages


def test_the_version_is_one() -> None:
    assert tunespace.__version__.count(".") >= 2


def test_telemetry_is_disabled(tmp_path: Path) -> None:
    # What ONNX Runtime keeps of its reports lies in the folder for temporary files.
    program = "import tunespace; tunespace.load_model().embed_text(['jazz'])"
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    subprocess.run(  # noqa: S603  (this interpreter, a constant program)
        [sys.executable, "-c", program], env=environment | {"TMPDIR": str(tmp_path)}, check=True
    )
    assert list(tmp_path.iterdir()) == []
