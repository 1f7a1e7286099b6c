"""What pydantic found wrong, as a refusal."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from labstow.contracts.errors import Invalid
from labstow.contracts.wording import worded


def invalid(error: ValidationError, within: str = "") -> Invalid:
    """The refusal of something that is not what its contract says: every mistake, with its place."""
    mistakes = error.errors(include_url=False)
    errors = [
        {"at": ".".join(map(str, (within, *mistake["loc"]) if within else mistake["loc"])), "what": worded(mistake)}
        for mistake in mistakes
        if not (mistake["type"] == "too_short" and _entered(mistake, mistakes))
    ]
    return refused(errors)


def _entered(mistake: ErrorDetails, mistakes: list[ErrorDetails]) -> bool:
    """Whether something was wrong further in: then a list is only short of what was wrong."""
    at = mistake["loc"]
    return any(len(other["loc"]) > len(at) and other["loc"][: len(at)] == at for other in mistakes)


def refused(errors: list[dict[str, str]]) -> Invalid:
    """The refusal that tells these mistakes; each says what is wrong, and where it is."""
    summary = "; ".join(f"{one['at'] or 'body'}: {one['what']}" for one in errors[:3])
    if len(errors) > 3:
        summary += f"; and {len(errors) - 3} more"
    return Invalid(summary=summary, errors=errors[:100])
