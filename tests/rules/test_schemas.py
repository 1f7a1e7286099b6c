"""Schemas of representation templates: nothing in them is fetched, and none keeps a worker busy."""

from typing import Final

import pytest

from labstow.contracts.pattern import CreateRepresentationTemplate
from tests.rules.errand_room import ErrandRoom
from tests.rules.place_commands import NEST, REACH, apply, create, from_nest
from tests.rules.room import Json

SCHEMAS: Final[dict[str, tuple[Json, str]]] = {
    "a remote reference": ({"$ref": "https://example.org/schema"}, "$ref"),
    "one deep inside": ({"properties": {"a": {"items": {"$ref": "file:///etc/passwd"}}}}, "$ref"),
    "a dynamic one": ({"$dynamicRef": "#meta"}, "$dynamicRef"),
    "none": ({"type": "moon"}, "schema_def"),
    "a regular expression": ({"properties": {"x": {"pattern": "^(a+)+$"}}}, "pattern"),
    "of names": ({"patternProperties": {"^(a+)+$": {}}}, "patternProperties"),
}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_schema_that_leads_elsewhere_is_refused(errands: ErrandRoom, schema: str) -> None:
    """It is never fetched; a regular expression could keep a worker busy for years (bad input 8, I56)."""
    given, says = SCHEMAS[schema]
    refusal = errands.refused(CreateRepresentationTemplate.model_validate({"template": REACH | {"schema_def": given}}))
    assert (refusal.code, says in refusal.detail) == ("pattern.unbound", True)
    assert errands.code(apply(representation_templates=[REACH | {"schema_def": given}])) == "pattern.unbound"


def test_words_of_a_schema_can_be_names_of_the_users(errands: ErrandRoom) -> None:
    schema = {
        "properties": {"pattern": {"type": "string"}, "$ref": {"$ref": "#/$defs/pattern"}},
        "$defs": {"pattern": {}},
    }
    create(errands, REACH | {"schema_def": schema})


ENDLESS: Final[dict[str, Json]] = {
    "to what is not there": {"$ref": "#/nowhere"},
    "to itself": {"$ref": "#"},
    "to itself by names": {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
    "to more and more": {
        "$defs": {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)} | {"a40": {}},
        "$ref": "#/$defs/a0",
    },
    "to all pairs": {"properties": {"x": {"uniqueItems": True}}},
}


@pytest.mark.parametrize("schema", ENDLESS)
def test_a_schema_without_end_is_given_up(errands: ErrandRoom, schema: str) -> None:
    """I56: no message keeps a worker busy."""
    create(errands, {"name": "arm reach", "schema_def": ENDLESS[schema]})
    create(errands, NEST)
    mixed = {"x": [[n] if n else {} for n in range(4_800)]}
    refusal = errands.refused(from_nest(representation_overrides={"arm": mixed}))
    assert (refusal.code, refusal.status) == ("pattern.unbound", 422)
