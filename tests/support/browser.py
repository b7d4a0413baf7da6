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
from selenium.webdriver.support.ui import WebDriverWait

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


def use_colours(driver: webdriver.Chrome, scheme: str) -> None:
    """Let pages see a reader who prefers a scheme, `light` or `dark`."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


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
