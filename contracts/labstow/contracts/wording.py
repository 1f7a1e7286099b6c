"""What pydantic finds wrong, as a person would say it."""

from collections.abc import Mapping
from typing import Any, Final

WORDS: Final = {
    "missing": "is missing",
    "string_type": "expected a text",
    "dict_type": "expected a mapping",
    "model_type": "expected a mapping",
    "model_attributes_type": "expected a mapping",
    "list_type": "expected a list",
    "tuple_type": "expected a list",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "decimal_type": "expected a number",
    "decimal_parsing": "expected a number",
    "enum": "expected {expected}",
    "literal_error": "expected {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "decimal_max_digits": "must have at most {max_digits} digits",
    "decimal_max_places": "must have at most {decimal_places} decimal places",
    "decimal_whole_digits": "must have at most {whole_digits} digits before the point",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries, not {actual_length}",
    "too_long": "must have at most {max_length} entries, not {actual_length}",
}
"""By what pydantic calls it, with the facts it gives."""
MATCHING: Final = {
    "^[A-Za-z0-9_.-]+$": "a name of a location has letters, digits, `_`, `.` and `-` only, as it is part of an address",
    "^[^/]+$": "must not contain a slash",
    "^[0-7][0-9A-HJKMNP-TV-Z]{25}$": "must be a ULID: 26 digits and capital letters, without I, L, O and U",
}
"""By the pattern that something must match."""


def worded(error: Mapping[str, Any]) -> str:
    """What is wrong, as the end of a sentence."""
    kind, facts = error["type"], error.get("ctx", {})
    if facts.get("min_length") == 1:
        return "must not be empty"
    if kind == "too_long" and isinstance(error["input"], str):
        kind = "string_too_long"
    if (words := WORDS.get(kind)) is not None:
        return words.format_map(facts)
    return MATCHING.get(str(facts.get("pattern"))) or str(error["msg"]).removeprefix("Value error, ").removeprefix(
        "Input "
    )
