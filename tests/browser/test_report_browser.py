"""The report in a real browser, of 3, of 2,000 and of 67,000 genomes."""

import base64
import json
import re

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from support import browser as chromium
from support.synthetic_cohort import write_cohort, write_genomes

from bactofleet.report import figures
from bactofleet.report.cohort import read_cohort
from bactofleet.report.page import render_page

pytestmark = pytest.mark.skipif(
    not (chromium.CHROMIUM and chromium.DRIVER),
    reason="needs Debian's packages chromium and chromium-driver",
)

SHOWN_WITHIN_S = 3
HOSTILE = "<img src=x onerror=alert(1)>\"'&"
OVERLAPS = """
const boxes = (plot, what) => [...plot.querySelectorAll(what)]
  .filter((element) => element.textContent.trim() || element.matches(".modebar"))
  .map((element) => [element.textContent, element.getBoundingClientRect()])
  .filter(([, box]) => box.width && box.height);
const crossing = ([, a], [, b]) =>
  a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
return [...document.querySelectorAll(".plot")].flatMap((plot) => {
  const labels = ".xtick text, .ytick text, .xtitle, .ytitle, .legendtext, .bartext, .modebar, " +
    ".colorbar text";
  const all = boxes(plot, labels);
  return all.flatMap((one, index) => all.slice(index + 1).filter((other) => crossing(one, other))
    .map((other) => `${plot.dataset.plot}: ${one[0]} / ${other[0]}`));
});
"""
CUT_OFF = """
return [...document.querySelectorAll(".plot")].flatMap((plot) => {
  const [frame, edge] = [plot.getBoundingClientRect(), 1];
  return [...plot.querySelectorAll(".xtitle, .ytitle, .legendtext")].filter((label) => {
    const box = label.getBoundingClientRect();
    return box.left < frame.left - edge || box.right > frame.right + edge;
  }).map((label) => `${plot.dataset.plot}: ${label.textContent}`);
});
"""
SPACE_IN_CLOUD = """
return document.querySelector("[data-plot=contiguity] .bglayer .bg, [data-plot=contiguity] .plotbg")
  .getBoundingClientRect().height"""
LONG_WORD = "United Kingdom of Great Britain and Northern Ireland"


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    with chromium.open_browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


def make_page(folder, samples):
    page = folder / "report.html"
    page.write_text(render_page(read_cohort(folder, samples), "Isolates", None))
    return page


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Reports by number of genomes."""
    small, large = tmp_path_factory.mktemp("small"), tmp_path_factory.mktemp("large")
    return {
        3: make_page(small, write_genomes(small, ["complete", "complete", "excluded"])),
        2_000: make_page(large, write_cohort(large, 2_000)),
    }


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """The report of 67,000 genomes, which takes half a minute of CPU time to make."""
    folder = tmp_path_factory.mktemp("fleet")
    return make_page(folder, write_cohort(folder, 67_000))


@pytest.fixture
def table(driver, pages):
    """The table of the report of 2,000 genomes, freshly opened."""
    chromium.open_report(driver, pages[2_000])
    return Table(driver)


class Table:
    """What a reader sees of the table and does with it."""

    def __init__(self, driver):
        self.driver = driver

    def column(self, name):
        """Return the texts of a column in the rows that are drawn."""
        script = """
          const place = [...document.querySelectorAll('#genomes thead th')]
            .findIndex((cell) => cell.dataset.column === arguments[0]);
          return [...document.querySelectorAll('#genomes tbody tr:not(.gap)')]
            .map((row) => row.cells[place].textContent.trim());"""
        return self.driver.execute_script(script, name)

    def heading(self, name):
        return self.driver.find_element(By.CSS_SELECTOR, f"th[data-column='{name}']")

    def filter(self, name, text):
        chromium.fill_filter(self.heading(name), text)

    def open(self, sample):
        """Open the first genome that is shown, and wait until it has the focus."""
        self.driver.find_element(By.CSS_SELECTOR, "#genomes .opener").send_keys(Keys.ENTER)
        chromium.wait(self.driver, lambda: self.driver.switch_to.active_element.text == sample)
        return self.driver.find_element(By.ID, "detail")

    @property
    def shown(self):
        return self.driver.find_element(By.ID, "shown").text


@pytest.mark.parametrize("count", [3, 2_000])
def test_the_report_is_shown_in_time(driver, pages, count):
    before = chromium.processor_seconds(driver)

    chromium.open_report(driver, pages[count])

    assert 0 < chromium.processor_seconds(driver) - before < SHOWN_WITHIN_S


@pytest.mark.parametrize("count", [3, 2_000])
def test_it_asks_the_network_for_nothing_and_logs_no_error(driver, pages, count):
    chromium.requests_since_last_asked(driver), driver.get_log("browser")

    chromium.open_report(driver, pages[count])

    assert chromium.requests_since_last_asked(driver) == [pages[count].as_uri()]
    assert driver.get_log("browser") == []


@pytest.mark.parametrize("count", [3, 2_000])
def test_no_plot_is_empty(driver, pages, count):
    chromium.open_report(driver, pages[count])

    marks = driver.execute_script("""
      return Object.fromEntries([...document.querySelectorAll('.plot')].map((plot) =>
        [plot.dataset.plot, plot.querySelectorAll('.point, .points path, .box').length]));""")

    assert len(marks) == 9
    assert all(marks.values()), marks


@pytest.mark.parametrize("width", [390, 400, 900, 1_600])
@pytest.mark.parametrize("count", [3, 2_000])
def test_labels_do_not_overlap_and_nothing_is_wider_than_the_window(driver, pages, count, width):
    chromium.open_report(driver, pages[count], width)

    assert driver.execute_script(OVERLAPS) == []
    assert driver.execute_script(CUT_OFF) == []
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [400, 1_600])
def test_the_key_of_a_density_does_not_overlap_either(driver, tmp_path, monkeypatch, width):
    monkeypatch.setattr(figures, "MAX_POINTS", 99)
    page = make_page(tmp_path, write_cohort(tmp_path, 150))

    chromium.open_report(driver, page, width)

    assert driver.find_elements(By.CSS_SELECTOR, "[data-plot=contiguity] .colorbar text")
    assert driver.execute_script(OVERLAPS) == []


def test_only_the_rows_in_view_are_in_the_document(table):
    assert table.shown == "2,000 genomes"
    assert 20 < len(table.column("sample")) < 100


def test_scrolling_to_the_end_shows_the_last_genome(table):
    table.driver.execute_script(
        "arguments[0].scrollTop = 1e9", table.driver.find_element(By.ID, "genomes")
    )

    chromium.wait(table.driver, lambda: table.column("sample")[-1] == "SRX10473963")


def test_a_heading_sorts_up_then_down_then_as_the_sheet(table):
    heading = table.heading("assembler_total_contig")
    orders = []
    for _ in range(3):
        heading.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
        orders.append((heading.get_attribute("aria-sort"), table.column("sample")[0]))
        numbers = [int(text) for text in table.column("assembler_total_contig") if text]
        if len(orders) < 3:
            assert numbers == sorted(numbers, reverse=len(orders) == 2)

    assert [order for order, _ in orders] == ["ascending", "descending", "none"]
    assert orders[2][1] == "SRX10400000"


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("100..", lambda number: number >= 100),
        ("..40", lambda number: number <= 40),
        ("50..60", lambda number: 50 <= number <= 60),
        ("51..51", lambda number: number == 51),
    ],
)
def test_numbers_are_filtered_by_a_range(table, text, holds):
    table.filter("assembler_total_contig", text)

    numbers = [int(number) for number in table.column("assembler_total_contig")]

    assert numbers
    assert all(map(holds, numbers))
    assert table.shown.endswith(" of 2,000 genomes")


def test_text_is_filtered_by_a_part_in_any_case(table):
    table.filter("sample", "srx1040000")

    assert table.column("sample") == ["SRX10400000"]


def test_the_few_words_of_a_column_are_chosen_from_a_list(table):
    table.filter("species", "Klebsiella pneumoniae")
    assert set(table.column("species")) == {"Klebsiella pneumoniae"}

    table.filter("species", "(empty)")
    assert set(table.column("species")) == {""}
    assert set(table.column("status")) == {"failed", "waiting"}


def test_columns_are_chosen_from_a_list(table):
    chosen = ["reason_message", "assembler_total_contig"]
    table.driver.find_element(By.CSS_SELECTOR, "[popovertarget='columns']").click()
    for name in chosen:
        table.driver.find_element(By.CSS_SELECTOR, f"#columns input[value='{name}']").click()

    headings = "th[data-column='reason_message']"
    chromium.wait(table.driver, lambda: table.driver.find_elements(By.CSS_SELECTOR, headings))
    assert table.column("reason_message")
    assert not table.driver.find_elements(
        By.CSS_SELECTOR, "th[data-column='assembler_total_contig']"
    )


def test_the_address_has_what_was_chosen_and_shows_the_same_again(driver, pages, table):
    table.filter("assembler_total_contig", "50..60")
    table.filter("status", "complete")
    heading = table.heading("qc_final_coverage")
    heading.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    table.driver.find_element(By.CSS_SELECTOR, "[popovertarget='columns']").click()
    table.driver.find_element(By.CSS_SELECTOR, "#columns input[value='host_cpu']").click()
    chromium.wait(
        driver, lambda: driver.find_elements(By.CSS_SELECTOR, "th[data-column='host_cpu']")
    )
    seen, address = [table.shown, table.column("sample")[:9]], driver.current_url

    driver.get("about:blank")
    chromium.open_page(driver, address)

    assert [table.shown, table.column("sample")[:9]] == seen
    assert set(table.column("status")) == {"complete"}
    assert table.heading("host_cpu")
    assert table.heading("qc_final_coverage").get_attribute("aria-sort") == "ascending"


def test_an_address_that_is_not_understood_shows_everything(driver, pages):
    address = f"{pages[2_000].as_uri()}#?where=nothing:1&where=status&sort=-no&show=none&genome=no"
    chromium.open_page(driver, address)

    assert Table(driver).shown == "2,000 genomes"
    assert driver.get_log("browser") == []

    Table(driver).filter("status", "failed")
    assert "genome=" not in driver.current_url


def test_the_keyboard_opens_a_genome_goes_to_the_next_and_comes_back(table):
    table.filter("status", "failed")
    first, second = table.column("sample")[:2]
    detail = table.open(first)
    assert "failed · " in detail.text
    assert f"failed/{first}.json" in detail.text
    assert "62 % done" in detail.find_element(By.TAG_NAME, "pre").text
    assert first in table.driver.current_url

    table.driver.find_element(By.CSS_SELECTOR, "[data-key='detail Next']").send_keys(Keys.ENTER)
    chromium.wait(table.driver, lambda: table.driver.switch_to.active_element.text == second)
    table.driver.switch_to.active_element.send_keys(Keys.ESCAPE)

    chromium.wait(table.driver, lambda: table.driver.switch_to.active_element.text == second)
    assert not detail.is_displayed()
    assert second not in table.driver.current_url


def test_a_complete_genome_opens_with_its_metrics_stages_and_files(table):
    table.filter("sample", "SRX10400000")

    detail = table.open("SRX10400000")

    for text in ("complete", "N50", "Stages", "CPU seconds", "receipts/SRX10400000.json"):
        assert text in detail.text
    assert "results/SRX10400000.tar.gz" in detail.text


def test_a_name_in_the_summaries_opens_its_genome(table):
    button = table.driver.find_element(By.CSS_SELECTOR, "#outliers [data-genome]")
    button.click()

    name = button.text
    chromium.wait(table.driver, lambda: table.driver.switch_to.active_element.text == name)


@pytest.mark.parametrize("media", ["light", "dark", "print"])
@pytest.mark.parametrize("width", [390, 1_400])
def test_axe_finds_no_barrier(driver, pages, width, media):
    chromium.use_colours(driver, "dark" if media == "dark" else "light", media * (media == "print"))
    chromium.open_report(driver, pages[2_000], width)
    found = chromium.find_barriers(driver)
    if media != "print":
        driver.find_element(By.CSS_SELECTOR, "[popovertarget='columns']").click()
        found += chromium.find_barriers(driver)
        driver.switch_to.active_element.send_keys(Keys.ESCAPE)
        table = Table(driver)
        table.filter("status", "failed")
        table.open(table.column("sample")[0])
        found += chromium.find_barriers(driver)
    chromium.use_colours(driver, "light")

    assert found == []


# The other pairs, at which 67,000 genomes differ in nothing from 2,000, would take minutes.
@pytest.mark.parametrize(("width", "media"), [(390, "dark"), (390, "print"), (1_400, "light")])
def test_67000_genomes_fit_the_window_without_barriers(driver, fleet, width, media):
    chromium.use_colours(driver, "dark" if media == "dark" else "light", media * (media == "print"))
    chromium.open_report(driver, fleet, width)

    found = chromium.find_barriers(driver)
    chromium.use_colours(driver, "light")

    assert found == []
    if media != "print":
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width
        assert driver.execute_script(OVERLAPS) == []
        assert driver.execute_script(CUT_OFF) == []


def test_67000_genomes_are_shown_and_filtered_in_time(driver, fleet):
    start = chromium.processor_seconds(driver)
    chromium.open_report(driver, fleet, 1_400)
    shown = chromium.processor_seconds(driver)
    table = Table(driver)
    assert table.shown == "67,000 genomes"

    table.filter("status", "failed")
    table.filter("sample", "SRX104")

    assert shown - start < SHOWN_WITHIN_S
    assert chromium.processor_seconds(driver) - shown < SHOWN_WITHIN_S
    assert set(table.column("status")) == {"failed"}
    assert all(name.startswith("SRX104") for name in table.column("sample"))
    assert driver.get_log("browser") == []


def test_a_filter_that_is_not_understood_is_marked_and_hides_nothing(table):
    table.filter("assembler_total_contig", "many..")

    field = table.heading("assembler_total_contig").find_element(By.TAG_NAME, "input")
    assert field.get_attribute("aria-invalid") == "true"
    assert table.shown == "2,000 genomes"


def test_a_status_tile_shows_its_genomes_and_clearing_shows_all(table):
    table.driver.find_element(By.CSS_SELECTOR, ".tile[data-status='=failed']").click()
    assert set(table.column("status")) == {"failed"}

    table.driver.find_element(By.ID, "clear").click()
    assert table.shown == "2,000 genomes"


def test_a_cause_shows_its_genomes_with_the_columns_that_say_so(table):
    button = table.driver.find_element(By.CSS_SELECTOR, "button[data-reason_type='=tool']")
    button.click()

    chromium.wait(table.driver, lambda: table.shown.startswith(f"{button.text.split()[0]} of"))
    assert set(table.column("reason_type")) == {"tool"}
    assert set(table.column("reason_stage")) == {"annotation"}


def test_a_kind_of_outlier_shows_its_genomes(table):
    button = table.driver.find_element(By.CSS_SELECTOR, "button[data-outlier_meaning]")
    button.click()

    count = button.text.split()[0]
    chromium.wait(table.driver, lambda: table.shown.startswith(f"{count} of"))
    assert len(set(table.column("outlier_meaning"))) == 1


def test_that_no_genome_passes_is_said(table):
    table.filter("sample", "nothing")

    assert table.shown == "No genome passes these filters."


def test_on_a_phone_the_excluded_genomes_need_no_scrolling_aside(driver, pages):
    chromium.open_report(driver, pages[2_000], width=390)
    script = """
      return [...document.querySelectorAll('.stack')]
        .filter((table) => table.scrollWidth > table.parentElement.clientWidth).length"""
    assert driver.execute_script(script) == 0
    assert driver.find_element(By.CSS_SELECTOR, "button[data-status='=excluded']").is_displayed()


def test_printed_it_is_a_document_of_a_few_pages(driver, pages):
    chromium.open_report(driver, pages[2_000])

    printed = base64.b64decode(driver.print_page())

    pages_printed = len(re.findall(rb"/Type\s*/Page\b", printed))
    assert 2 <= pages_printed <= 12


def test_the_rows_as_filtered_are_downloaded_with_all_columns(table, driver):
    folder = driver.capabilities["chrome"]["userDataDir"]
    table.filter("status", "failed")

    driver.find_element(By.ID, "download").click()

    path = chromium.Path(folder) / "cohort-selection.tsv"
    chromium.wait(driver, path.exists)
    header, *rows = [line.split("\t") for line in path.read_text().splitlines()]
    assert {row[header.index("status")] for row in rows} == {"failed"}
    assert "assembly_max_rss_mb" in header


def test_a_cell_that_a_spreadsheet_would_compute_is_downloaded_as_text(driver, tmp_path):
    samples = write_genomes(tmp_path, ["complete", "failed"])
    record = tmp_path / "failed" / f"{samples[1]}.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"message": "=HYPERLINK(1)"}))
    path = chromium.Path(driver.capabilities["chrome"]["userDataDir"]) / "cohort-selection.tsv"
    path.unlink(missing_ok=True)
    chromium.open_report(driver, make_page(tmp_path, samples))

    driver.find_element(By.ID, "download").click()

    chromium.wait(driver, path.exists)
    assert "\t'=HYPERLINK(1)\t" in path.read_text()


def test_a_click_on_a_point_opens_its_genome(driver, pages):
    chromium.open_report(driver, pages[3])
    point = driver.find_element(By.CSS_SELECTOR, "[data-plot=size] .points path")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", point)

    ActionChains(driver).move_to_element(point).pause(0.3).click().perform()

    chromium.wait(driver, lambda: driver.switch_to.active_element.text.startswith("SRX104000"))
    assert driver.find_element(By.ID, "detail").is_displayed()


def make_coloured_page(folder, count, words):
    """Write the report of genomes whose sheet has a word in its column `country` for each."""
    samples = write_cohort(folder, count)
    own = {name: {"country": word} for name, word in zip(samples, words, strict=True)}
    page = folder / "report.html"
    page.write_text(render_page(read_cohort(folder, samples, own=own), "Isolates", None))
    return page


def choose_colour(driver, name):
    """Colour the points by a column, and wait for them; return the texts of the key."""
    chromium.Select(driver.find_element(By.ID, "colour")).select_by_value(name)
    return wait_for_key(driver)


def wait_for_key(driver):
    key = "[data-plot=contiguity] .legendtext"
    read = lambda: [found.text for found in driver.find_elements(By.CSS_SELECTOR, key)]  # noqa: E731
    chromium.wait(driver, lambda: any("country" in text for text in read()))
    return read()


@pytest.mark.parametrize("width", [390, 1_400])
def test_the_key_of_long_words_leaves_room_for_the_points(driver, tmp_path, width):
    words = [f"country {index % 8}, {LONG_WORD}" for index in range(150)]
    chromium.open_report(driver, make_coloured_page(tmp_path, 150, words), width)

    choose_colour(driver, "sheet_country")

    assert driver.execute_script(OVERLAPS) == []
    assert driver.execute_script(CUT_OFF) == []
    assert driver.execute_script(SPACE_IN_CLOUD) > 150


def test_the_address_keeps_the_colour(driver, tmp_path):
    page = make_coloured_page(tmp_path, 40, [f"country {index % 2}" for index in range(40)])
    chromium.open_report(driver, page)
    choose_colour(driver, "sheet_country")
    Table(driver).filter("status", "complete")
    address = driver.current_url
    assert "colour=sheet_country" in address

    driver.get("about:blank")
    chromium.open_page(driver, address)

    assert len(wait_for_key(driver)) == 2
    chooser = driver.find_element(By.ID, "colour")
    assert chooser.get_attribute("value") == "sheet_country"
    chromium.Select(chooser).select_by_value("")
    assert "colour=" not in driver.current_url


def test_a_colour_that_is_not_there_is_passed_over(driver, pages):
    chromium.open_page(driver, f"{pages[3].as_uri()}#?colour=sheet_nothing")

    assert driver.find_element(By.ID, "colour").get_attribute("value") == ""
    assert driver.get_log("browser") == []


@pytest.mark.parametrize("count", [150, 2_000])
def test_points_take_the_colours_of_a_column_of_the_sheet(driver, tmp_path, monkeypatch, count):
    monkeypatch.setattr(figures, "MAX_POINTS", 999)  # 2,000 genomes are a density
    words = [f"country {index % 8}" if index % 3 else HOSTILE for index in range(count)]
    chromium.open_report(driver, make_coloured_page(tmp_path, count, words))

    texts = choose_colour(driver, "sheet_country")

    assert len(texts) == 7
    assert texts[0].startswith(f"{HOSTILE} (")
    assert texts[-1].startswith("others (")
    assert driver.get_log("browser") == []


def test_the_keyboard_reaches_the_table(driver, pages):
    chromium.open_report(driver, pages[3])
    driver.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)

    assert driver.switch_to.active_element.text == "Skip to the table"


def test_plots_and_page_follow_a_reader_who_prefers_dark_colours(driver, pages):
    chromium.open_report(driver, pages[3])
    colours = """return [getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.querySelector('.xtick text')).fill]"""
    light = driver.execute_script(colours)

    chromium.use_colours(driver, "dark")
    chromium.wait(driver, lambda: driver.execute_script(colours)[1] != light[1])
    dark = driver.execute_script(colours)
    chromium.use_colours(driver, "light")

    assert dark[0] != light[0]


def test_hostile_names_and_messages_are_inert(driver, tmp_path):
    samples = [*write_genomes(tmp_path, ["complete", "excluded"]), HOSTILE]
    failure = {"sample": HOSTILE, "message": HOSTILE, "stage": HOSTILE, "tail": [HOSTILE]}
    (tmp_path / "failed" / f"{HOSTILE}.json").write_text(json.dumps(failure))
    receipt = tmp_path / "receipts" / f"{samples[0]}.json"
    receipt.write_text(
        receipt.read_text().replace("Escherichia coli", "<img src=x onerror=alert(1)>")
    )
    page = make_page(tmp_path, samples)

    chromium.open_report(driver, page)

    assert driver.execute_script("return document.querySelectorAll('img').length") == 0
    assert HOSTILE in Table(driver).column("sample")
    assert driver.get_log("browser") == []
