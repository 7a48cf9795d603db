"""The browser of the pages' tests."""

from view.browser.conftest import browser

__all__ = ["browser"]
