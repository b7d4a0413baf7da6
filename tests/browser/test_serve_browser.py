"""The page of `bactofleet serve` in a real browser, of runs of 3, 2,000 and 67,000 genomes."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from support import browser as chromium
from support.projects import write_project
from support.serving import run_serve
from support.synthetic_cohort import write_genomes
from support.synthetic_run import make_templates, write_run

from bactofleet.core.destination import scratch_folder
from bactofleet.core.files import write_json
from bactofleet.monitor.snapshot import Observer

pytestmark = pytest.mark.skipif(
    not (chromium.CHROMIUM and chromium.DRIVER),
    reason="needs Debian's packages chromium and chromium-driver",
)

HOSTILE = "<img src=x onerror=alert(1)>\"'&"
STATUSES = ("complete", "excluded", "failed", "running", "submitted", "waiting")
FOUND_WITHIN_S = 2


class Page:
    """What a reader sees and does."""

    def __init__(self, driver, url, width=1600):
        self.driver = driver
        self.url = url
        driver.get_log("browser")
        chromium.requests_since_last_asked(driver)
        chromium.open_page(driver, url, width)

    def wait(self, condition, timeout=20):
        return chromium.wait(self.driver, condition, timeout)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    @property
    def counts(self):
        script = """
          return Object.fromEntries([...document.querySelectorAll('.tile')].map((tile) =>
            [tile.dataset.status, tile.querySelector('strong').textContent]));"""
        texts = self.driver.execute_script(script)
        return {status: int(text.replace(",", "")) for status, text in texts.items()}

    def column(self, name):
        script = """
          const place = [...document.querySelectorAll('#genomes thead th')]
            .findIndex((cell) => cell.dataset.column === arguments[0]);
          return [...document.querySelectorAll('#genomes tbody tr:not(.gap)')]
            .map((row) => row.cells[place].textContent.trim());"""
        return self.driver.execute_script(script, name)

    def click(self, selector):
        """Click on an element that may be drawn anew at any time."""
        self.driver.execute_script("document.querySelector(arguments[0]).click()", selector)

    def filter(self, name, text):
        chromium.fill_filter(self.find(f"th[data-column='{name}']"), text)

    @property
    def shown(self):
        return self.find("#shown").text

    def open_genome(self, sample):
        self.filter("sample", sample)
        self.wait(lambda: self.column("sample") == [sample])
        self.click("#genomes .opener")
        self.wait(lambda: self.find("#detail").text)

    def errors(self):
        return self.driver.get_log("browser")


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    with chromium.open_browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="module")
def projects(tmp_path_factory) -> dict[int, Path]:
    """Projects by number of genomes, the two larger with runs on AWS Batch."""
    folders = {count: tmp_path_factory.mktemp(f"of_{count}_") for count in (3, 2_000, 67_000)}
    write_project(folders[3], write_genomes(folders[3] / "results", ["complete"] * 2 + ["failed"]))
    write_run(folders[2_000], 2_000, machines=60, ended=0.6, on_aws=True)
    write_run(folders[67_000], 67_000, machines=500, ended=0.6, on_aws=True)
    return folders


@pytest.fixture(scope="module")
def urls(projects) -> Iterator[dict[int, str]]:
    with (
        run_serve(projects[3]) as small,
        run_serve(projects[2_000]) as middle,
        run_serve(projects[67_000]) as large,
    ):
        yield {3: small, 2_000: middle, 67_000: large}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of which one genome is complete, two failed and one waits."""
    kinds = ["complete", "failed", "failed", "waiting"]
    write_project(tmp_path, write_genomes(tmp_path / "results", kinds))
    return tmp_path


@pytest.fixture
def page(driver, project) -> Iterator[Page]:
    with run_serve(project) as url:
        yield Page(driver, url)


@pytest.mark.parametrize("count", [3, 2_000, 67_000])
def test_the_counts_are_those_of_the_run_and_everything_is_drawn(driver, projects, urls, count):
    page = Page(driver, urls[count])
    sheet = (projects[count] / "config" / "samples.tsv").read_text().split()[1:]
    results = projects[count] / "results"
    scratch = scratch_folder(str(projects[count] / "scratch"), str(results))
    genomes = Observer(results, scratch, sheet).look().genomes

    assert page.counts == {
        status: getattr(genomes, status)
        for status in STATUSES
        if getattr(genomes, status) or status in STATUSES[:3]
    }
    assert page.shown == f"{count:,} genomes"
    for plot in ("timeline", "durations"):
        assert page.find(f"#{plot} .trace, #{plot} .bars")
    assert page.errors() == []


@pytest.mark.parametrize("count", [3, 2_000, 67_000])
def test_it_asks_nobody_but_its_own_server(driver, urls, count):
    driver.get("about:blank")  # the page of the test before asks its server every few seconds
    chromium.requests_since_last_asked(driver)
    Page(driver, urls[count])

    addresses = chromium.requests_since_last_asked(driver)
    assert addresses
    assert [a for a in addresses if not a.startswith((urls[count], "chrome://"))] == []


@pytest.mark.parametrize("width", [400, 900, 1_600])
def test_nothing_is_wider_than_the_window(driver, urls, width):
    page = Page(driver, urls[2_000], width)
    page.click("#genomes .opener")
    page.wait(lambda: page.find("#detail").text)

    assert driver.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("count", [2_000, 67_000])
def test_a_search_finds_a_genome_while_the_reader_types(driver, projects, urls, count):
    sample = (projects[count] / "config" / "samples.tsv").read_text().split()[-1]
    page = Page(driver, urls[count])
    begun = time.monotonic()

    page.filter("sample", sample)

    page.wait(lambda: page.column("sample") == [sample])
    assert time.monotonic() - begun < FOUND_WITHIN_S
    assert page.shown == f"1 of {count:,} genomes"


def test_scrolling_to_the_end_shows_the_last_of_67_000(driver, projects, urls):
    last = (projects[67_000] / "config" / "samples.tsv").read_text().split()[-1]
    page = Page(driver, urls[67_000])

    driver.execute_script("arguments[0].scrollTop = 1e9", page.find("#genomes"))

    page.wait(lambda: page.column("sample")[-1:] == [last])
    assert len(page.column("sample")) < 150


def test_the_tile_of_failures_shows_them_and_one_of_them_its_reason_and_log(driver, projects, urls):
    page = Page(driver, urls[67_000])
    page.click(".tile[data-status='failed']")
    page.wait(lambda: set(page.column("status")) == {"failed"})
    sample = page.column("sample")[0]
    record = json.loads((projects[67_000] / "results" / "failed" / f"{sample}.json").read_text())

    page.click("#genomes .opener")

    page.wait(lambda: page.find("#detail").text)
    assert page.find("#detail .reason strong").text == record["message"]
    assert page.find("#detail pre").text.endswith(f"{sample} failed: {record['message']}")
    end = "const log = document.querySelector('#detail pre');"
    end += "return log.scrollHeight - log.clientHeight - log.scrollTop;"
    page.wait(lambda: driver.execute_script(end) < 2)
    assert page.errors() == []


def test_a_group_of_failures_leads_to_its_genomes(driver, urls):
    page = Page(driver, urls[2_000])
    number = int(page.find("#failures tbody .number .link").text)
    stage = page.find("#failures tbody td").text

    page.click("#failures tbody .number .link")

    page.wait(lambda: page.shown == f"{number} of 2,000 genomes")
    assert set(page.column("stage")) == {stage}


def test_the_keyboard_alone_opens_a_genome_and_closes_it(page):
    opener = page.find("#genomes .opener")
    sample = opener.text
    opener.send_keys(Keys.ENTER)
    page.wait(lambda: page.find("#detail").is_displayed())

    page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)

    page.wait(lambda: not page.find("#detail").is_displayed())
    assert page.driver.switch_to.active_element.text == sample


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1_400])
def test_axe_finds_no_barrier(driver, urls, width, colours):
    chromium.use_colours(driver, colours)
    page = Page(driver, urls[2_000], width)
    found = chromium.find_barriers(driver)
    page.click(".tile[data-status='failed']")
    page.wait(lambda: set(page.column("status")) == {"failed"})
    page.click("#genomes .opener")
    page.wait(lambda: page.find("#detail").text)
    found += chromium.find_barriers(driver)
    chromium.use_colours(driver, "light")

    assert found == []


def test_the_address_of_an_open_genome_opens_it_again(driver, urls):
    page = Page(driver, urls[2_000])
    page.filter("status", "failed")
    page.click("#genomes .opener")
    page.wait(lambda: page.find("#detail").text)
    seen, name = page.shown, page.find("#detail-name").text
    address = driver.current_url

    driver.get("about:blank")
    again = Page(driver, address)

    again.wait(lambda: again.find("#detail").is_displayed())
    assert again.find("#detail-name").text == name
    assert again.shown == seen


def test_the_rows_as_filtered_are_downloaded(driver, urls):
    path = Path(driver.capabilities["chrome"]["userDataDir"]) / "cohort-selection.tsv"
    page = Page(driver, urls[2_000])
    page.filter("status", "failed")

    page.click("#download")

    page.wait(path.exists)
    header, *rows = [line.split("\t") for line in path.read_text().splitlines()]
    assert len(rows) == page.counts["failed"]
    assert {row[header.index("status")] for row in rows} == {"failed"}


def test_a_receipt_that_comes_while_the_page_is_open_appears_on_it(page, project):
    page.driver.execute_script("window.stays = true")
    waiting = (project / "config" / "samples.tsv").read_text().split()[-1]
    assert page.counts["waiting"] == 1
    template = next(found for found in make_templates() if found.folder == "receipts")

    template.write(project / "results", waiting, time.time())

    status = json.loads((project / "results" / "receipts" / f"{waiting}.json").read_text())[
        "status"
    ]
    page.wait(lambda: "waiting" not in page.counts)
    page.wait(lambda: page.column("status")[-1] == status)
    assert page.driver.execute_script("return window.stays")
    assert page.errors() == []


def test_the_log_of_a_genome_that_is_open_grows(page, project):
    sample = page.column("sample")[1]
    log = project / "results" / "failed" / f"{sample}.log"
    log.write_text("one\n")
    page.open_genome(sample)
    page.wait(lambda: page.find("#detail pre").text == "one")

    with log.open("a") as more:
        more.write("two\n")

    page.wait(lambda: page.find("#detail pre").text == "one\ntwo")


def test_a_server_that_stops_is_reported_and_one_that_comes_again_is_found(driver, project):
    with run_serve(project) as url:
        page = Page(driver, url)
    page.wait(lambda: "Connection lost since" in page.find("#warning").text)
    port = int(url.rstrip("/").rpartition(":")[2])

    with run_serve(project, port):
        page.wait(lambda: not page.find("#warning").is_displayed())
        refused = [entry for entry in page.errors() if "ERR_CONNECTION" not in entry["message"]]
        page.filter("status", "failed")
        page.wait(lambda: page.shown == "2 of 4 genomes")

    assert refused == []


def test_a_sheet_that_cannot_be_read_any_more_is_reported(page, project):
    sheet = project / "config" / "samples.tsv"
    sheet.rename(sheet.with_suffix(".kept"))
    page.wait(lambda: "The last look failed" in page.find("#warning").text)
    assert page.counts["complete"] == 1

    sheet.with_suffix(".kept").rename(sheet)

    page.wait(lambda: not page.find("#warning").is_displayed())


def test_hostile_messages_and_logs_are_inert(driver, project):
    sample = (project / "config" / "samples.tsv").read_text().split()[2]
    record = project / "results" / "failed" / f"{sample}.json"
    told = {"message": HOSTILE, "kind": HOSTILE, "stage": HOSTILE}
    write_json(record, json.loads(record.read_text()) | told)
    record.with_suffix(".log").write_text(HOSTILE)
    with run_serve(project) as url:
        page = Page(driver, url)

        page.open_genome(sample)

        assert page.find("#detail pre").text == HOSTILE
        assert page.find("#detail .reason strong").text == HOSTILE
        assert HOSTILE in page.find("#failures").text
        assert driver.execute_script("return document.querySelectorAll('img').length") == 0
        assert page.errors() == []


def test_the_policy_keeps_a_script_in_the_page_from_running(page):
    page.driver.execute_script("""
      const script = document.createElement('script');
      script.textContent = 'window.ran = true';
      document.body.append(script);""")

    assert page.driver.execute_script("return window.ran") is None
