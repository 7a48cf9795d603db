"""Kind report: the offline page of the run on the screen."""

import json
import re
from typing import Any

from fallline._desk._client import Client
from fallline._desk._page import report


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
