"""Measure the time of a frame of the map: ``python -m benchmarks.map_frames LIBRARY``.

LIBRARY is one of 100,000 tracks (``big_library.py``). The map is made anew, opened in Chromium, and
dragged and zoomed for some seconds. A browser that draws without a graphics card shows what drawing
in software gives; what the page itself computes for each frame is the same with one. Needs chromium
(Debian: ``apt-get install chromium``) and playwright.
"""

import argparse
import json
import shutil
import time
from pathlib import Path

from benchmarks.serving import read, served
from playwright.sync_api import sync_playwright

RESULT = Path(__file__).parent / "results" / "map-frames.json"
SECONDS = 10
# Times every callback of a frame, and when frames come.
WATCH = """
const plain = window.requestAnimationFrame.bind(window);
window.frames_ = new Map();
window.requestAnimationFrame = (call) => plain((now) => {
  const began = performance.now();
  call(now);
  window.frames_.set(now, (window.frames_.get(now) ?? 0) + performance.now() - began);
});
"""


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", type=Path)
    library = parser.parse_args().library
    shutil.rmtree(library / "maps", ignore_errors=True)
    with served(library) as (address, _):
        began = time.perf_counter()
        while (found := json.loads(read(f"{address}/api/map")))["state"] == "making":
            time.sleep(0.5)
        made = time.perf_counter() - began
        record = {
            "command": "python -m benchmarks.map_frames LIBRARY",
            "tracks": found["count"],
            "seconds_to_lay_out": round(made, 1),
            **frames(address),
        }
    RESULT.write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(record, indent=2))


def frames(address: str) -> dict[str, object]:
    """Return the times of frames while the map is dragged and zoomed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--enable-unsafe-swiftshader"],
        )
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        page.add_init_script(WATCH)
        page.goto(address)
        page.get_by_role("button", name="Map").click()
        map_ = page.get_by_role("region", name="Map")
        canvas = map_.locator("canvas")
        canvas.wait_for()
        page.wait_for_timeout(8000)
        drawer = page.evaluate(
            "() => { const gl = document.createElement('canvas').getContext('webgl2');"
            "const named = gl.getExtension('WEBGL_debug_renderer_info');"
            "return gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER) }"
        )
        box = canvas.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.evaluate("window.frames_.clear()")
        began = time.perf_counter()
        turn = 0
        while time.perf_counter() - began < SECONDS:
            page.mouse.move(x, y)
            page.mouse.down()
            for step in range(30):
                page.mouse.move(x + 6 * step, y + 3 * step)
            page.mouse.up()
            page.mouse.wheel(0, -300 if turn % 2 else 300)
            turn += 1
        elapsed = time.perf_counter() - began
        times = sorted(page.evaluate("[...window.frames_.values()]"))
        browser.close()
    return {
        "drawn_by": drawer,
        "frames_a_second": round(len(times) / elapsed, 1),
        "script_milliseconds_a_frame": {
            name: round(times[int(share * (len(times) - 1))], 2)
            for name, share in (("p50", 0.5), ("p95", 0.95), ("most", 1.0))
        },
    }


if __name__ == "__main__":
    main()
