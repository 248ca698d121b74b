"""Wait for a condition that another thread or process makes true."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], tries: int = 400) -> None:
    """Poll a condition twenty times a second; fail when it never becomes true."""
    for _ in range(tries):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("the condition never became true")
