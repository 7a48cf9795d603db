"""The offline page of the run on the screen: the report that ``fallline fit`` writes, as text."""

import json
from collections.abc import Mapping

from fallline._desk._client import Client, Reply
from fallline._desk._reading import whole
from fallline._desk._settings import MOST_STEPS, read_settings
from fallline._desk._study import Studies
from fallline._report import page_of, report_page


def report(request: Mapping[str, object], client: Client) -> Reply:
    """Answer kind ``report``: ``{"payload": {"text": the page, "name": its file name}}``.

    It opens at ``step``: so many steps taken, or ``"end"``.

    Raises:
        OptionError: the settings or the step cannot be.
        DataError: the table cannot be trained on.
    """
    step = request.get("step", 0)
    if step != "end":
        step = whole(step, "The step that the page opens at", 0, MOST_STEPS)
    settings = read_settings(request.get("settings"))
    studies = Studies.of(client)
    study = studies.study(settings, client)
    studies.keep(study)
    rate = study.rate(client) if settings.learning_rate is None else settings.learning_rate
    run = study.run(rate, client, changes=settings.rate_changes, exact=True)
    client.check()
    page = page_of(run)
    client.check()
    opened = f'{{"opens_at": {json.dumps(step)}, {page.payload_json.removeprefix("{")}'
    return {"payload": {"text": report_page(opened, page.title, page.entry), "name": f"{run.header.name}.html"}}
