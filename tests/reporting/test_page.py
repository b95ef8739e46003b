"""The report in a real browser: no error, nothing cut off, at a desk and on a telephone."""

from pathlib import Path

import pytest

SCREENSHOTS = Path(__file__).parents[2] / "artifacts" / "screenshots"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 400])
def test_the_page_fits_and_has_no_error(browser, tiny_report, width, scheme):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.get((tiny_report / "report.html").as_uri())
    assert browser.execute_script(OVERFLOW) == 0
    assert browser.get_log("browser") == []
    assert browser.execute_script(CLIPPED) == []
    save_screenshot(browser, size, f"report-{width}-{scheme}.png")


OVERFLOW = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
# Texts of pictures that reach out of their picture by more than a pixel.
CLIPPED = """
return [...document.querySelectorAll('svg')].flatMap(svg => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter(text => {
    const box = text.getBoundingClientRect();
    return box.left < frame.left - 1 || box.right > frame.right + 1
      || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
  }).map(text => text.textContent);
});
"""


def save_screenshot(browser, size, name):
    height = browser.execute_script("return document.documentElement.scrollHeight")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size | {"height": height})
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    assert browser.save_screenshot(str(SCREENSHOTS / name))
