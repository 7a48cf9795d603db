"""Option values typed by a person: read as literals, never evaluated."""

import ast

from fallline._errors import OptionError


def literal(key: str, text: str) -> object:
    """A number, true/false, none, or a tuple or list of them.

    >>> literal("betas", "(0.8, 0.99)"), literal("nesterov", "true")
    ((0.8, 0.99), True)
    """
    plain = text.strip()
    lowered = {"true": "True", "false": "False", "none": "None"}.get(plain.lower(), plain)
    try:
        return ast.literal_eval(lowered)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise OptionError(
            f"The option {key}={text} is not a value: write a number, true, false, none or (a, b)."
        ) from error


def keywords(text: str) -> dict[str, object]:
    """``key=value,key=value`` as a dictionary; a value may hold commas inside brackets.

    >>> keywords("milestones=[30, 60], gamma=0.5")
    {'milestones': [30, 60], 'gamma': 0.5}
    """
    try:
        call = ast.parse(f"f({text})", mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise OptionError(f'The options "{text}" are not key=value,key=value.') from error
    if not isinstance(call, ast.Call) or call.args or any(word.arg is None for word in call.keywords):
        raise OptionError(f'The options "{text}" are not key=value,key=value.')
    return {str(word.arg): literal(str(word.arg), ast.unparse(word.value)) for word in call.keywords}
