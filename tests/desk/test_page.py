"""Kind report: the offline page of the run on the screen."""

import json
import re
from typing import Any

import pytest

from fallline._desk._client import Client
from fallline._desk._page import report
from fallline._errors import OptionError


def test_the_page_is_that_of_the_run_with_its_bends() -> None:
    given = {"epochs": 5, "learning_rate": 0.01, "rate_changes": [[3, 0.02]], "data": {"points": 10}}
    reply: Any = report({"settings": given}, Client())
    assert reply["payload"]["name"] == "line.html"
    page = reply["payload"]["text"]
    assert page.lower().startswith("<!doctype html>")
    held = re.search(r'<script[^>]*id="payload"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert held is not None
    payload = json.loads(held[1])
    assert payload["frames"]["learning_rate"] == [0.01, 0.01, 0.01, 0.02, 0.02]
    assert payload["batch"] == {"size": 10, "rows": 10}


def test_the_page_opens_where_it_was_saved() -> None:
    given = {"epochs": 5, "learning_rate": 0.01, "data": {"points": 10}}
    for step in (3, "end", 0):
        page: Any = report({"settings": given, "step": step}, Client())
        assert f'"opens_at": {json.dumps(step)}' in page["payload"]["text"]
    with pytest.raises(OptionError, match="The step that the page opens at must be from 0 to 100,000, not −1"):
        report({"settings": given, "step": -1}, Client())
