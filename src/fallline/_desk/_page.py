"""The offline page of the run on the screen: the report that ``fallline fit`` writes, as text."""

from collections.abc import Mapping

from fallline._desk._client import Client, Reply
from fallline._desk._settings import read_settings
from fallline._desk._study import Studies
from fallline._report import page_of, report_page


def report(request: Mapping[str, object], client: Client) -> Reply:
    """Answer kind ``report``: ``{"payload": {"text": the page, "name": its file name}}``."""
    settings = read_settings(request.get("settings"))
    studies = Studies.of(client)
    study = studies.study(settings, client)
    studies.keep(study)
    rate = study.rate(client) if settings.learning_rate is None else settings.learning_rate
    run = study.run(rate, client, changes=settings.rate_changes, exact=True)
    client.check()
    page = page_of(run)
    client.check()
    return {
        "payload": {"text": report_page(page.payload_json, page.title, page.entry), "name": f"{run.header.name}.html"}
    }
