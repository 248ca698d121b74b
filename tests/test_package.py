import subprocess
import sys

import tunespace

HEAVY = ["torch", "transformers", "lightning", "librosa", "scipy"]


def test_importing_the_package_stays_light() -> None:
    program = "import sys, tunespace, tunespace.audio; print(*sorted(sys.modules))"
    done = subprocess.run(  # noqa: S603  (this interpreter, a constant program)
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not set(HEAVY) & set(done.stdout.split())


def test_the_version_is_one() -> None:
    assert tunespace.__version__.count(".") >= 2
