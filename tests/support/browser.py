"""Debian's Chromium, without a screen and without a network of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
TIMEOUT_S = 60
# npm axe-core 4.14.1
AXE = Path(__file__).parents[1] / "browser" / "axe.min.js"


@contextmanager
def open_browser(profile: Path) -> Iterator[webdriver.Chrome]:
    """Give a browser that logs its console and its requests; `profile` is a new folder."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", {"download.default_directory": str(profile)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # The driver is named, for Selenium would look for one on the network.
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))
    driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    try:
        yield driver
    finally:
        driver.quit()


def open_page(
    driver: webdriver.Chrome, address: str, width: int = 1600, height: int = 1000
) -> None:
    """Open a page and wait until it says that it is ready."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.get(address)
    WebDriverWait(driver, TIMEOUT_S).until(
        lambda browser: browser.execute_script("return document.body.dataset.ready")
    )


def open_report(
    driver: webdriver.Chrome, page: Path, width: int = 1600, height: int = 1000
) -> None:
    """Open a report and wait until its last plot is drawn."""
    open_page(driver, page.as_uri(), width, height)


def use_colours(driver: webdriver.Chrome, scheme: str, media: str = "") -> None:
    """Let pages see a reader who prefers a scheme, `light` or `dark`; `media` may be `print`."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features, "media": media})


def find_barriers(driver: webdriver.Chrome) -> list[str]:
    """Return what axe-core finds on the page as it is: https://github.com/dequelabs/axe-core."""
    script = """
      const done = arguments[0];
      axe.run().then(({violations}) => done(violations.flatMap(({id, nodes}) =>
        nodes.map(({target, failureSummary}) => `${id}: ${target}: ${failureSummary}`))));"""
    if not driver.execute_script("return 'axe' in window"):
        driver.execute_script(AXE.read_text(encoding="utf-8"))
    driver.set_script_timeout(TIMEOUT_S)
    return driver.execute_async_script(script)


def fill_filter(heading: WebElement, text: str) -> None:
    """Filter by a column: a word of its drop-down, a range `low..high`, or a part of a word."""
    fields = heading.find_elements(By.CSS_SELECTOR, ".filters > *")
    if fields[0].tag_name == "select":
        Select(fields[0]).select_by_visible_text(text or "all")
        return
    for field, part in zip(fields, text.split(".."), strict=True):
        field.clear()
        field.send_keys(part)


def wait(driver: webdriver.Chrome, condition: Callable[[], object], timeout_s: float = 20) -> None:
    """Wait for a condition; an element that the page replaces meanwhile is looked for again."""
    WebDriverWait(driver, timeout_s, 0.05, [StaleElementReferenceException]).until(
        lambda _: condition()
    )


def seconds_until(driver: webdriver.Chrome, mark: str) -> float:
    """Return when, after the start of navigation, the page set a performance mark."""
    script = "return performance.getEntriesByName(arguments[0])[0].startTime"
    return driver.execute_script(script, mark) / 1000


def processor_seconds(driver: webdriver.Chrome) -> float:
    """Return what the main thread of the page has taken of a processor, however busy that is.

    https://chromedevtools.github.io/devtools-protocol/tot/Performance/
    """
    metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


def requests_since_last_asked(driver: webdriver.Chrome) -> list[str]:
    """Return the addresses that the browser asked for, other than data in the page itself."""
    events: list[dict[str, Any]] = [
        json.loads(entry["message"])["message"] for entry in driver.get_log("performance")
    ]
    addresses = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    return [address for address in addresses if not address.startswith(("data:", "blob:"))]
