"""Views of a run record: a page, Allure results, JUnit XML. They render; they never judge."""

from reports.allure import write_allure
from reports.junit import write_junit
from reports.page import render_page

__all__ = [
    "render_page",
    "write_allure",
    "write_junit",
]
