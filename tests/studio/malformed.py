"""Messages that are none, one of each kind."""

from fallline._studio._messages import MOST_CHARACTERS

MALFORMED = [
    *(
        "",
        "nonsense",
        "[]",
        "null",
        "3",
        '"text"',
        "{",
        '{"id": 1',
        "{}",
        '{"id": 1}',
        '{"kind": "echo"}',
        "\x00",
        "\ud7ff",
    ),
    *('{"id": NaN, "kind": "echo"}', '{"id": 1e999, "kind": "echo"}', '{"id": -1, "kind": "echo"}'),
    *('{"id": 1.5, "kind": "echo"}', '{"id": "1", "kind": "echo"}', '{"id": true, "kind": "echo"}'),
    *('{"id": null, "kind": "echo"}', '{"id": 9007199254740993, "kind": "echo"}', '{"id": 1, "kind": null}'),
    *('{"id": 1, "kind": ["echo"]}', '{"id": 1, "kind": "ehco"}', '{"id": 1, "kind": "__init__"}'),
    *('{"id": 1, "kind": "../echo"}', '{"id": 1, "kind": "\\ud800"}', '{"id": 1, "kind": "echo", "lane": 4}'),
    *('{"id": 1, "kind": "echo", "lane": "' + "x" * 65 + '"}', '{"id": 1, "kind": "echo", "settings": 3}'),
    *('{"cancel": "1"}', '{"cancel": NaN}', '{"cancel": null}', '{"cancel": {}}', '{"id": ' + "9" * 5000 + "}"),
    *(
        "[" * 100_000,
        '{"id":' * 100_000,
        '{"id": 1, "kind": "echo", "settings": ' + '{"a":' * 50_000,
        "x" * (MOST_CHARACTERS + 1),
    ),
    '{"id": 1, "kind": "echo", "settings": {"a": -Infinity}}',
]
