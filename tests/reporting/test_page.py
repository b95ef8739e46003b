"""The report in a real browser: no error, nothing cut off, at a desk and on a telephone."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from flows.pages import index
from tasks.plots.images import draw_predictions
from tasks.registry.decision import Criterion, Decision
from tasks.reporting.page import fill
from tasks.storage.store import Store

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


@pytest.mark.parametrize("width", [1200, 400])
def test_the_first_screen_has_the_answer_and_what_is_beside_it(browser, tiny_report, width):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get((tiny_report / "report.html").as_uri())
    seen = "\n".join(browser.execute_script(FIRST_SCREEN))
    for text in ("does transfer help t", "How often each model is right", "tuned two-node",
                 "What each model refuses to answer", "What needs a look"):  # fmt: skip
        assert text in seen, text
    chart = browser.find_element("css selector", ".first .chart").rect
    assert 0 < chart["y"] + chart["height"] <= 800
    assert chart["width"] >= 0.25 * width


@pytest.mark.parametrize("width", [1200, 400])
def test_a_long_notice_does_not_overflow(browser, tiny_report, tmp_path, width):
    page = (tiny_report / "report.html").read_text()
    notice = f"{'offline ' * 35}https://example.org/{'a' * 300}"
    page = page.replace("<nav", f'<details class="notice" open><p>{notice}</p></details><nav', 1)
    (tmp_path / "report.html").write_text(page)
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get((tmp_path / "report.html").as_uri())
    assert browser.execute_script(OVERFLOW) == 0
    box = browser.find_element("css selector", ".notice p")
    assert notice in box.text
    assert box.rect["x"] + box.rect["width"] <= width


def test_long_names_below_pictures_do_not_meet(browser, tmp_path):
    row = {"label": "rectangle", "predicted": "hexagons", "probability": 0.5, "in_doubt": True}
    svg = draw_predictions(np.zeros((4, 8, 8, 3), np.uint8), [row] * 4)
    (tmp_path / "picture.html").write_text(svg)
    browser.get((tmp_path / "picture.html").as_uri())
    for line in ("true rectang…: hexagons", "0.500, in doubt"):
        left, right = zip(*sorted(browser.execute_script(SIDES, line)), strict=True)
        assert len(left) == 4
        assert min(np.subtract(left[1:], right[:-1])) > 0, line


@pytest.fixture
def pages(tiny_report, tmp_path) -> list[Path]:
    """The report, and one of each other page."""
    store = Store(tiny_report.parents[1])
    rows = (Criterion("errors", 3, 2, 2, ""), Criterion("log loss", 0.1, 0.2, 0.1, "it grew"))
    decision = Decision(promoted=True, reason="Promoted: better.", rows=rows)
    told = {"title": "Version 2 against version 1", "decision": decision}
    (tmp_path / "decision.html").write_text(fill("decision.html.jinja", told, {}))
    (tmp_path / "index.html").write_text(index(store))
    image = {"picture": "data:image/png;base64,", "given": 1, "suggested": 2}
    batch = {"title": "a.npz (12345678)", "labels": {"shape": (9,)}}
    waits = {"note": {"batch": batch, "reason": "drift"}, "shown": [image]}
    review = fill("review.html.jinja", {"batches": [waits]}, {})
    (tmp_path / "review.html").write_text(review)
    return [tiny_report / "report.html", *sorted(tmp_path.glob("*.html"))]


def test_every_number_of_a_decision_is_seen_on_a_telephone(browser, pages):
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    (decision,) = (page for page in pages if page.name == "decision.html")
    browser.get(decision.as_uri())
    cells = browser.execute_script(CELLS)
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert [text for text, *_ in cells[5:]] == [
        *("yes", "errors", "3", "2", "2"),
        *("no", "log loss", "0.1", "0.2", "0.1"),
    ]
    assert all(0 <= left < right <= 400 for _, left, right in cells)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, pages, scheme):
    for page in pages:
        assert serious(browser, page, scheme) == [], page


def serious(browser, page: Path, scheme: str) -> list[tuple[str, str, str]]:
    """What axe-core finds in a page, but for what is minor."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})  # pages run no scripts
    browser.get(page.as_uri())
    browser.execute_script((files("axe_core_python") / "axe.min.js").read_text())
    found = browser.execute_async_script("axe.run().then(arguments[0])")
    browser.execute_cdp_cmd("Page.setBypassCSP", {"enabled": False})
    assert len(found["passes"]) >= 10
    return [
        (rule["id"], rule["impact"], rule["nodes"][0]["html"])
        for rule in found["violations"]
        if rule["impact"] != "minor"
    ]


# Texts whose boxes end within the window.
FIRST_SCREEN = """
return [...document.querySelectorAll('main *')].filter(
  e => !e.children.length && e.getBoundingClientRect().bottom <= innerHeight
).map(e => e.textContent.trim());
"""
# Where each of the same texts begins and ends.
SIDES = """
return [...document.querySelectorAll('svg text')].filter(
  text => text.textContent.trim() === arguments[0]
).map(text => text.getBoundingClientRect()).map(box => [box.left, box.right]);
"""
# Each cell's text, and where it begins and ends.
CELLS = """
return [...document.querySelectorAll('th, td')].map(cell => {
  const box = cell.getBoundingClientRect();
  return [cell.textContent, box.left, box.right];
});
"""
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
