"""The pictures of the review page and of the report, as a browser shows them.

python docs/page_pictures.py MANIFEST SHOT [FOLDER [HEIGHT [OPTION ...]]]

SHOT is the one that the review shows open, in a window so many pixels high; `review.jpg` and `report.jpg` are written
into FOLDER. Options go to kfpipe, such as --emulator.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

KFPIPE = (sys.executable, "-m", "kfpipe")


def main() -> None:
    manifest, shot = sys.argv[1:3]
    folder = Path(sys.argv[3] if len(sys.argv) > 3 else "docs")
    height, options = int(sys.argv[4] if len(sys.argv) > 4 else 800), sys.argv[5:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        review(browser, [manifest, *options], shot, folder / "review.jpg", height)
        report(browser, [manifest, *options], folder / "report.jpg")
        browser.close()


def review(browser: Browser, manifest: list[str], shot: str, picture: Path, height: int) -> None:
    """The takes of a shot in the dark, standing on one picture."""
    words = [*KFPIPE, "review", *manifest, "--no-open"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603
        assert running.stdout is not None
        page = browser.new_page(viewport={"width": 1280, "height": height}, color_scheme="dark")
        page.goto(running.stdout.readline().strip())
        page.click(f"[data-shot='{shot}']")
        page.wait_for_timeout(3000)  # posters and clips come in
        page.keyboard.press("l")
        page.wait_for_timeout(1500)
        page.keyboard.press("k")
        page.wait_for_timeout(1000)
        page.screenshot(path=picture, type="jpeg", quality=82)
        running.terminate()


def report(browser: Browser, manifest: list[str], picture: Path) -> None:
    """The film and its first shots, by day."""
    with TemporaryDirectory(dir=Path(manifest[0]).parent) as folder:
        written = Path(folder) / "page.html"
        subprocess.run([*KFPIPE, "report", *manifest, "-o", str(written)], check=True)  # noqa: S603
        page = browser.new_page(viewport={"width": 1280, "height": 1120}, color_scheme="light")
        page.goto(written.absolute().as_uri())
        page.wait_for_timeout(3000)
        page.evaluate("Promise.all([...document.images].filter(image => image.complete).map(image => image.decode()))")
        page.screenshot(path=picture, type="jpeg", quality=82)


if __name__ == "__main__":
    main()
