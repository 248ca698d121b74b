import os
import subprocess
import sys
from pathlib import Path

import tunespace

HEAVY = ["torch", "transformers", "lightning", "librosa", "scipy"]


def test_importing_the_package_imports_no_heavy_dependency() -> None:
    program = "import sys, tunespace, tunespace.audio; print(*sorted(sys.modules))"
    done = subprocess.run(  # noqa: S603  (this interpreter, a constant program)
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not set(HEAVY) & set(done.stdout.split())


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
