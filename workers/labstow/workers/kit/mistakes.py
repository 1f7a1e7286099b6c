"""What pydantic found wrong, as a refusal."""

from pydantic import ValidationError

from labstow.contracts.errors import Invalid


def invalid(error: ValidationError, within: str = "") -> Invalid:
    """The refusal of something that is not what its contract says: every mistake, with its place."""
    errors = [
        {
            "at": ".".join(map(str, (within, *mistake["loc"]) if within else mistake["loc"])),
            "what": mistake["msg"].removeprefix("Value error, "),
        }
        for mistake in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return refused(errors)


def refused(errors: list[dict[str, str]]) -> Invalid:
    """The refusal that tells these mistakes; each says what is wrong, and where it is."""
    summary = "; ".join(f"{one['at'] or 'body'}: {one['what']}" for one in errors[:3])
    if len(errors) > 3:
        summary += f"; and {len(errors) - 3} more"
    return Invalid(summary=summary, errors=errors[:100])
