"""The page in WebKit, Safari's engine; skipped, with a reason, where its driver is not installed.

Debian: ``apt-get install webkit2gtk-driver xvfb``.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sounds
from polling import wait_until

webdriver = pytest.importorskip("selenium.webdriver")
DRIVER = shutil.which("WebKitWebDriver")
BROWSER = next(Path("/usr/lib").glob("*/webkit2gtk-*/MiniBrowser"), None)
SCREEN = os.environ.get("DISPLAY") or shutil.which("Xvfb")
pytestmark = [
    pytest.mark.skipif(
        not (DRIVER and BROWSER and SCREEN), reason="there is no WebKit to open the page in"
    ),
    # Selenium's own call to itself.
    pytest.mark.filterwarnings("ignore:setting remote_server_addr:DeprecationWarning"),
]
# What goes wrong in a page is kept for the test to see.
WATCH = """
window.wrong = [];
addEventListener('error', (event) => wrong.push(event.message));
addEventListener('unhandledrejection', (event) => wrong.push(String(event.reason)));
"""


@pytest.fixture(scope="module")
def screen() -> Iterator[None]:
    """A display, where there is none."""
    if os.environ.get("DISPLAY"):
        yield
        return
    shown, number = os.pipe()
    screen = subprocess.Popen(  # noqa: S603
        [str(SCREEN), "-displayfd", str(number), "-screen", "0", "1400x1000x24"],
        pass_fds=[number],
        stderr=subprocess.DEVNULL,
    )
    os.close(number)
    with os.fdopen(shown) as found, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", f":{found.readline().strip()}")
        yield
    screen.terminate()
    screen.wait()


@pytest.fixture
def page(screen: None, address: str) -> Iterator[Any]:  # noqa: ARG001
    options = webdriver.WebKitGTKOptions()
    options.binary_location = str(BROWSER)
    options.add_argument("--automation")
    started = webdriver.WebKitGTK(options=options, service=webdriver.WebKitGTKService(str(DRIVER)))
    started.set_window_size(1200, 800)
    started.get(address)
    started.execute_script(WATCH)
    yield started
    wrong = started.execute_script("return wrong")
    started.quit()
    assert wrong == []


def titles(page: Any) -> list[str]:  # noqa: ANN401
    return [
        text.strip()
        for text in page.execute_script(
            "return [...document.querySelectorAll('ol .title')].map((e) => e.textContent)"
        )
    ]


def press(page: Any, name: str) -> None:  # noqa: ANN401
    """Clicks the button whose name begins so."""

    def found() -> Any:  # noqa: ANN401
        return page.execute_script(
            "return [...document.querySelectorAll('button')].find((e) =>"
            " (e.getAttribute('aria-label') ?? e.textContent).trim().startsWith(arguments[0]))",
            name,
        )

    wait_until(found)
    found().click()


def test_search_play_refine_keep_and_map(page: Any, tmp_path: Path) -> None:  # noqa: ANN401
    css = "css selector"
    page.find_element(css, "input[type=search]").send_keys("low")
    wait_until(lambda: titles(page)[:1] == ["low tone"])
    press(page, "Play low tone")
    wait_until(lambda: page.execute_script("return document.querySelector('audio').currentSrc"))
    press(page, "Pause")
    remark = page.find_element(css, "#more")
    remark.send_keys("much more high\ue007")
    sliders = "return document.querySelectorAll('section[aria-label=Refine] [type=range]').length"
    wait_until(lambda: page.execute_script(sliders) == 1)
    press(page, "Undo the last change")
    wait_until(lambda: page.execute_script(sliders) == 0)
    press(page, "2000s 1")
    wait_until(lambda: titles(page) == ["high tone"])
    press(page, "Remove filter 2000s")
    wait_until(lambda: len(titles(page)) == 3)
    press(page, "low tone in the playlist")
    press(page, "Playlist (1)")
    press(page, "Extend")
    playlist = "return document.querySelectorAll('section[aria-label=Playlist] li').length"
    wait_until(lambda: page.execute_script(playlist) == 3)
    press(page, "Map")
    drawn = "return document.querySelector('section[aria-label=Map] canvas')?.width > 300"
    wait_until(lambda: page.execute_script(drawn), tries=1200)
    clip = tmp_path / "mine.flac"
    sounds.write(clip, 0.5 * sounds.tone(2.0, 16_000, 5000.0)[None], 16_000, "flac")
    page.find_element(css, "input[type=file]").send_keys(str(clip))
    wait_until(lambda: titles(page)[:1] == ["high tone"])
