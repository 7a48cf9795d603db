"""The shell: its pages, the theme, what it says where something is missing, and its room on small screens."""

import time

import pytest

from studio.browser.conftest import OpenStudio

pytestmark = pytest.mark.browser


def test_the_bar_leads_to_every_page(open_studio: OpenStudio) -> None:
    opened = open_studio()
    links = opened.page.locator(".st-nav a")
    assert links.all_inner_texts() == ["Neuron", "Formulas", "Compare", "Backprop", "Runs", "Chapters"]
    for i in range(links.count()):
        links.nth(i).click()
        opened.page.locator("[data-page] h1").first.wait_for()
        assert links.nth(i).get_attribute("aria-current") == "page"
        assert opened.page.title() == f"{links.nth(i).inner_text()} · fallline studio"
        assert opened.page.locator("[aria-current=page]").count() == 1


def test_a_page_that_cannot_be_loaded_says_so_and_the_others_work(open_studio: OpenStudio) -> None:
    opened = open_studio()
    opened.drawn()
    opened.page.route("**/page_runs.js", lambda route: route.abort())
    opened.page.get_by_role("link", name="Runs").click()
    opened.page.get_by_text("This page could not be loaded. The others still work.").wait_for()
    opened.page.get_by_role("link", name="Neuron").click()
    opened.drawn()
    assert len(opened.complaints) == 2  # the browser's own line and the module's error
    opened.complaints.clear()
    with opened.page.expect_request("**/page_compare.js"):
        opened.page.route("**/page_compare.js", lambda route: (time.sleep(0.5), route.continue_()))
        opened.page.evaluate("location.hash = '#/compare'")
    with opened.page.expect_response("**/page_compare.js"):
        opened.page.evaluate("location.hash = '#/neuron'")
    opened.drawn()
    assert opened.page.locator(".st-menu-entry").count() == 4  # still the neuron's: the other page came too late


def test_the_picture_follows_the_theme_of_the_shell(open_studio: OpenStudio) -> None:
    opened = open_studio(color_scheme="light")
    opened.drawn()
    button = opened.page.get_by_role("button", name="Theme:")
    modes = "[...document.querySelectorAll('.fl')].map((each) => each.dataset.mode).join()"
    assert opened.page.evaluate(modes) == "light,light"
    button.click()
    button.click()
    assert button.inner_text() == "Theme: dark"
    opened.until(f"{modes} === 'dark,dark'")
    opened.page.reload()
    opened.drawn()
    assert opened.page.evaluate(modes) == "dark,dark"


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_nothing_is_wider_than_the_screen(open_studio: OpenStudio, width: int) -> None:
    opened = open_studio(viewport={"width": width, "height": 844})
    for page in ("neuron", "formulas"):
        opened.page.goto(f"{opened.address}/#/{page}")
        opened.drawn()
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_small_screen_the_settings_are_a_sheet_over_the_picture(open_studio: OpenStudio) -> None:
    opened = open_studio(viewport={"width": 390, "height": 844}, has_touch=True)
    opened.drawn()
    noise = opened.page.get_by_role("slider", name="Noise")
    assert not noise.is_visible()
    opener = opened.page.get_by_role("button", name="Settings")
    opener.click()
    assert noise.is_visible()
    noise.press("ArrowRight")
    opened.until("location.hash.includes('data.noise=0.6')")
    noise.press("Escape")
    assert not noise.is_visible()
    assert opener.evaluate("(each) => each === document.activeElement")
    opener.click()
    opened.page.get_by_role("button", name="Take a step").focus()
    assert not noise.is_visible()  # nothing that has the focus is covered
