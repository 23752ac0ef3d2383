"""The picture of the review page: a shot with several takes, as a browser shows it.

python docs/review_picture.py MANIFEST SHOT [PICTURE]
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright


def main() -> None:
    manifest, shot = sys.argv[1:3]
    picture = Path(sys.argv[3] if len(sys.argv) > 3 else "docs/review.jpg")
    words = [sys.executable, "-m", "kfpipe", "review", manifest, "--no-open"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as review, sync_playwright() as playwright:  # noqa: S603
        assert review.stdout is not None
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="dark")
        page.goto(review.stdout.readline().strip())
        page.click(f"[data-shot='{shot}']")
        page.wait_for_timeout(3000)  # posters and clips come in
        page.keyboard.press("l")
        page.wait_for_timeout(1500)
        page.keyboard.press("k")
        page.wait_for_timeout(1000)
        page.screenshot(path=picture, type="jpeg", quality=82)
        browser.close()
        review.terminate()


if __name__ == "__main__":
    main()
