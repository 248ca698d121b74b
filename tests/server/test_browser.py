"""The page in Chromium; skipped, with a reason, where there is none."""

import shutil
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import sounds
from tunespace.library import Library

from .conftest import served

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page in")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--autoplay-policy=no-user-gesture-required",
                "--enable-unsafe-swiftshader",
            ],
        )
        yield started
        started.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:  # noqa: ANN401 - playwright's
    """A new page; any error in it fails the test."""
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))

    def collect(message: Any) -> None:  # noqa: ANN401 - playwright's
        # The browser reports each refused request; the page shows its reason.
        if message.type == "error" and "status of 422" not in message.text:
            wrong.append(message.text)

    opened.on("console", collect)
    opened.goto(address)
    yield opened
    context.close()
    assert wrong == []


def titles(page: Any) -> list[str]:  # noqa: ANN401
    return [text.strip() for text in page.locator("ol .title").all_inner_texts()]


def look_for(page: Any, words: str) -> None:  # noqa: ANN401
    page.get_by_role("searchbox").fill(words)
    page.locator("ol .title").first.wait_for()


def test_a_text_search_shows_hits_and_is_stored_in_the_address(page: Any, address: str) -> None:  # noqa: ANN401
    look_for(page, "low")
    assert titles(page)[0] == "low tone"
    sync_api.expect(page.get_by_role("status")).to_contain_text("3 tracks")
    assert page.url == f"{address}/?q=low"
    page.reload()
    page.locator("ol .title").first.wait_for()
    assert titles(page)[0] == "low tone"
    page.get_by_role("searchbox").fill("zzz")
    sync_api.expect(page.get_by_role("status")).to_contain_text("no word of 'zzz' is known")


def test_an_empty_library_and_an_empty_result_say_what_to_do(
    page: Any,  # noqa: ANN401
    library: Path,
    tmp_path: Path,
) -> None:
    with Library.open(tmp_path / "empty", model=str(library.parent / "model")) as empty:
        empty.index([tmp_path])
    look_for(page, "low")
    page.get_by_label("Refine the search").fill("before 1900")
    page.get_by_role("button", name="Refine").click()
    status = page.get_by_role("region", name="Results")
    sync_api.expect(status).to_contain_text("no track matches the filter")
    status.get_by_role("button", name="Remove all filters").click()
    page.locator("ol .title").first.wait_for()
    with served(tmp_path / "empty") as address:
        page.goto(address)
        sync_api.expect(status).to_contain_text("tunespace index FOLDER")
        page.get_by_role("button", name="Map").click()
        sync_api.expect(page.get_by_role("region", name="Map")).to_contain_text(
            "no tracks yet", timeout=15_000
        )


def test_a_track_plays_from_where_it_fits_and_the_next_follows(page: Any) -> None:  # noqa: ANN401
    look_for(page, "low")
    page.get_by_role("button", name="Play low tone").click()
    player = page.get_by_role("region", name="Player")
    sync_api.expect(player.get_by_role("button", name="Pause")).to_be_visible()
    sync_api.expect(player).to_contain_text("low tone")
    # The tone is two seconds long; then comes the next of the list.
    sync_api.expect(player).to_contain_text(titles(page)[1], timeout=8000)
    page.locator("body").click(position={"x": 5, "y": 5})
    player.get_by_role("button", name="Pause").click()
    sync_api.expect(player.get_by_role("button", name="Play")).to_be_visible()
    assert page.evaluate("document.querySelector('audio').paused")
    assert player.locator(".wave").evaluate("e => e.children.length") > 0


def test_unsupported_formats_are_transcoded(
    page: Any,  # noqa: ANN401
    address_of_aiff: str,
) -> None:
    page.goto(address_of_aiff)
    look_for(page, "low")
    page.get_by_role("button", name="Play low").click()
    player = page.get_by_role("region", name="Player")
    sync_api.expect(player.get_by_label("Position")).not_to_have_value("0", timeout=15_000)
    assert page.evaluate("document.querySelector('audio').src").endswith("&convert=flac")
    sync_api.expect(player).to_contain_text("low.aiff")


def test_sliders_change_the_hits(page: Any) -> None:  # noqa: ANN401
    look_for(page, "low")
    page.get_by_label("Refine the search").fill("more high")
    page.get_by_role("button", name="Refine").click()
    slider = page.get_by_label("high", exact=True)
    slider.fill("1")
    page.get_by_role("searchbox").fill("")
    sync_api.expect(page.locator("ol .title").first).to_have_text("high tone")
    slider.fill("-1")
    sync_api.expect(page.locator("ol .title").first).to_have_text("low tone")
    page.get_by_role("button", name="Remove high").click()
    sync_api.expect(page.locator("ol .title")).to_have_count(0)


def test_a_remark_changes_the_search_and_can_be_undone(page: Any) -> None:  # noqa: ANN401
    look_for(page, "low")
    second = titles(page)[1]
    page.get_by_label("Refine the search").fill("less like the second one")
    page.keyboard.press("Enter")
    sync_api.expect(page.get_by_label(f"sounds like {second}")).to_have_value("-0.5")
    page.get_by_label("Refine the search").fill("after 2000")
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("ol .title")).to_have_text(["high tone"])
    undo = page.get_by_role("button", name="Undo the last change")
    undo.click()
    sync_api.expect(page.locator("ol .title")).to_have_count(2)
    undo.click()
    sync_api.expect(page.locator("ol .title")).to_have_count(3)
    sync_api.expect(page.get_by_label(f"sounds like {second}")).to_have_count(0)


def test_a_playlist_is_made_ordered_kept_and_exported(page: Any) -> None:  # noqa: ANN401
    look_for(page, "low")
    page.get_by_role("button", name="low tone in the playlist").click()
    page.get_by_role("button", name="Playlist (1)").click()
    panel = page.get_by_role("region", name="Playlist")
    panel.get_by_role("button", name="Extend").click()
    sync_api.expect(panel.locator("li")).to_have_count(3)
    panel.get_by_role("button", name="Move high tone up").click()
    listed = panel.locator("li strong")
    sync_api.expect(listed).to_have_text(["low tone", "high tone", "middle tone"])
    page.reload()
    page.get_by_role("button", name="Playlist (3)").click()
    sync_api.expect(listed).to_have_text(["low tone", "high tone", "middle tone"])
    panel.get_by_role("button", name="Remove middle tone from the playlist").click()
    panel.get_by_role("button", name="Path from first to last").click()
    sync_api.expect(listed).to_have_text(["low tone", "middle tone", "high tone"])
    with page.expect_download() as download:
        panel.get_by_role("button", name="Export m3u8").click()
    written = Path(download.value.path()).read_text()
    assert [line for line in written.splitlines() if line[0] != "#"] == [
        "low.flac",
        "middle.flac",
        "high.flac",
    ]
    panel.get_by_role("button", name="Clear").click()
    sync_api.expect(panel.locator("li")).to_have_count(0)


def test_unreadable_files_are_listed(page: Any) -> None:  # noqa: ANN401
    corner = page.get_by_role("contentinfo")
    sync_api.expect(corner).to_contain_text("3 tracks")
    page.get_by_text("1 file could not be read").click()
    sync_api.expect(corner).to_contain_text("broken.mp3 is not audio")


def test_a_click_searches_by_the_sound_of_a_track(page: Any) -> None:  # noqa: ANN401
    look_for(page, "low")
    page.get_by_role("button", name="Similar to low tone").click()
    sync_api.expect(page.get_by_label("sounds like low tone")).to_be_visible()
    sync_api.expect(page.locator("ol .title").first).to_have_text("middle tone")


def test_filters_are_counted_and_can_be_taken_back(page: Any) -> None:  # noqa: ANN401
    page.get_by_role("button", name="2000s 1").click()
    sync_api.expect(page.locator("ol .title")).to_have_text(["high tone"])
    page.get_by_role("button", name="Remove filter 2000s").click()
    sync_api.expect(page.locator("ol .title")).to_have_count(0)


def test_a_file_is_searched_by_its_sound(page: Any, tmp_path: Path) -> None:  # noqa: ANN401
    clip = tmp_path / "mine.flac"
    sounds.write(clip, 0.5 * sounds.tone(2.0, 16_000, 5000.0)[None], 16_000, "flac")
    page.get_by_label("Audio file to search by").set_input_files(clip)
    sync_api.expect(page.locator("ol .title").first).to_have_text("high tone", timeout=15_000)
    sync_api.expect(page.get_by_label("sounds like mine.flac")).to_be_visible()


def test_an_upload_that_is_not_audio_is_refused_with_a_reason(
    browser: Any,  # noqa: ANN401
    address: str,
    tmp_path: Path,
) -> None:
    page = browser.new_page()
    page.goto(address)
    (tmp_path / "song.mp3").write_text("no music")
    page.get_by_label("Audio file to search by").set_input_files(tmp_path / "song.mp3")
    sync_api.expect(page.get_by_role("status")).to_contain_text(
        "song.mp3: the file is", timeout=15_000
    )
    page.close()


def test_the_page_can_be_used_with_the_keyboard(page: Any) -> None:  # noqa: ANN401
    page.locator("body").click(position={"x": 5, "y": 5})
    page.keyboard.press("/")
    page.keyboard.type("low")
    page.keyboard.press("Enter")
    page.locator("ol .title").first.wait_for()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('play')"):
            break
    page.keyboard.press("ArrowDown")
    second = titles(page)[1]
    assert second in str(page.evaluate("document.activeElement.getAttribute('aria-label')"))
    page.keyboard.press("Enter")
    player = page.get_by_role("region", name="Player")
    sync_api.expect(player).to_contain_text(second)


def test_a_lasso_on_the_map_lists_the_tracks_inside(page: Any) -> None:  # noqa: ANN401
    page.get_by_role("button", name="Map").click()
    map_ = page.get_by_role("region", name="Map")
    sync_api.expect(map_.get_by_text("Loading the map")).to_have_count(0, timeout=60_000)
    map_.get_by_role("button", name="Lasso").click()
    box = map_.locator("svg").bounding_box()
    x, y, width, height = (box[side] for side in ("x", "y", "width", "height"))
    corners = [(0.01, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99)]
    page.mouse.move(x + corners[0][0] * width, y + corners[0][1] * height)
    page.mouse.down()
    for right, down in corners[1:]:
        page.mouse.move(x + right * width, y + down * height, steps=4)
    page.mouse.up()

    results = page.get_by_role("region", name="Results")
    sync_api.expect(results.get_by_role("status")).to_contain_text("3 tracks inside the lasso")
    assert sorted(titles(page)) == ["high tone", "low tone", "middle tone"]
    look_for(page, "low")
    sync_api.expect(map_.get_by_role("button", name="by match")).to_have_attribute(
        "aria-pressed", "true"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_the_page_is_accessible(page: Any, scheme: str, width: int) -> None:  # noqa: ANN401
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    look_for(page, "low")
    page.get_by_role("button", name="Play low tone").click()
    page.get_by_role("button", name="More like middle tone").click()
    page.get_by_role("button", name="low tone in the playlist").click()
    page.get_by_role("button", name="Playlist (1)").click()
    page.get_by_text("Filters").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = axe.Axe().run(page).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in serious] == []


def test_light_and_dark_can_be_chosen(page: Any) -> None:  # noqa: ANN401
    page.emulate_media(color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_role("button", name="Theme: auto").click()
    page.get_by_role("button", name="Theme: light").click()
    sync_api.expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert page.evaluate(paper) != light
    page.reload()
    sync_api.expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()


class PrefixProxy(BaseHTTPRequestHandler):
    """Serves a server below ``/music/``, as a reverse proxy that takes the prefix away."""

    target = ""

    def do_GET(self) -> None:
        self.pass_on(None)

    def do_POST(self) -> None:
        self.pass_on(self.rfile.read(int(self.headers["content-length"])))

    def pass_on(self, body: bytes | None) -> None:
        if not self.path.startswith("/music/"):
            self.send_error(404)
            return
        names = ("host", "accept", "content-type", "cookie")
        headers = {name: self.headers[name] for name in names if name in self.headers}
        request = urllib.request.Request(  # noqa: S310 - our own server
            self.target + self.path.removeprefix("/music"), body, headers
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            content = answer.read()
            self.send_response(answer.status)
            self.send_header("content-type", answer.headers["content-type"])
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def test_the_page_works_behind_a_proxy_with_a_prefix(browser: Any, address: str) -> None:  # noqa: ANN401
    handler = type("Handler", (PrefixProxy,), {"target": address})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        context = browser.new_context()
        page = context.new_page()
        failed: list[str] = []
        page.on("requestfailed", lambda request: failed.append(request.url))
        page.on("response", lambda r: failed.append(r.url) if r.status >= 400 else None)
        home = f"http://127.0.0.1:{proxy.server_port}/music/"
        page.goto(home)
        look_for(page, "low")
        assert titles(page)[0] == "low tone"
        assert page.url == f"{home}?q=low"
        assert [url for url in failed if "/events" not in url] == []
        context.close()
        proxy.shutdown()
