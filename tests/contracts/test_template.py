"""What is asked about templates, and what of it is refused before anybody looks at them."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from labstow.contracts import template
from labstow.contracts.message import ATTRIBUTES_BYTES, Message
from labstow.contracts.template import (
    MAX_INSTANCES,
    MAX_TAGS,
    CreateTemplate,
    GetTemplate,
    Instance,
    Instantiate,
    ListTemplates,
    RemoveTemplate,
    TemplatePatch,
    UpdateTemplate,
)
from tests.contracts.examples import EXAMPLES

NAMED: dict[type[Message], str] = {
    CreateTemplate: "name",
    UpdateTemplate: "name",
    RemoveTemplate: "name",
    GetTemplate: "name",
    Instantiate: "template",
}


def said(message: type[Message], **fields: object) -> Message:
    """The example of a message with other fields, as it comes over the wire."""
    return message.model_validate_json(json.dumps(EXAMPLES[message] | fields))


@pytest.mark.parametrize("message", NAMED, ids=lambda message: message.__name__)
@pytest.mark.parametrize("name", ["", " ", " x", "x ", "x\n", "a/b", "/", "x" * 256, "x" * 10_000, "x\x00", None, 7])
def test_what_is_no_name_of_a_template_is_refused(message: type[Message], name: object) -> None:
    """Bad input 15: a slash would be another path over REST."""
    with pytest.raises(ValidationError, match=rf"\n{NAMED[message]}\n"):
        said(message, **{NAMED[message]: name})


@pytest.mark.parametrize("name", ["Plate 96", "ASSAY.v2", "プレート", "x" * 255, "100 % ethanol?", "..", "a\\b"])
def test_a_template_is_called_what_its_maker_calls_it(name: str) -> None:
    """I43, bad input 15: capitals, spaces and all."""
    for message, field in NAMED.items():
        assert getattr(said(message, **{field: name}), field) == name


@pytest.mark.parametrize("field", ["template_id", "version", "created_at", "removed_at"])
def test_what_the_server_owns_of_a_template_cannot_be_written(field: str) -> None:
    """Bad input 13 and 15."""
    for message in (CreateTemplate, TemplatePatch):
        with pytest.raises(ValidationError, match="Extra inputs"):
            said(message, **{field: 1})


@pytest.mark.parametrize("field", ["tags", "required_overrides", "resource"])
def test_what_every_template_has_cannot_be_patched_away(field: str) -> None:
    with pytest.raises(ValidationError, match="leave it out"):
        TemplatePatch.model_validate({field: None})
    assert not TemplatePatch().model_fields_set


def test_lists_of_a_template_have_bounds() -> None:
    for message, field in ((CreateTemplate, "tags"), (CreateTemplate, "required_overrides"), (ListTemplates, "tags")):
        said(message, **{field: ["x"] * MAX_TAGS})
        for bad in (["x"] * (MAX_TAGS + 1), [""], ["x" * 256], "x", [7]):
            with pytest.raises(ValidationError, match=rf"\n{field}"):
                said(message, **{field: bad})


def test_one_command_makes_1_to_500_things_from_a_template() -> None:
    one: dict[str, Any] = {}

    said(Instantiate, instances=[one] * MAX_INSTANCES)
    for instances in ([], [one] * (MAX_INSTANCES + 1), None, [None]):
        with pytest.raises(ValidationError, match=r"\ninstances"):
            said(Instantiate, instances=instances)


def test_overrides_have_the_bounds_of_attributes() -> None:
    """Bad input 7; which fields they may name, the worker says (bad input 15)."""
    Instance(overrides={"attributes": {"__proto__": 1, "lot": None}})
    refused: list[Any] = [{"a": "x" * ATTRIBUTES_BYTES}, {"k" * 257: 1}, {"a": "\x00"}, None, []]
    for overrides in refused:
        with pytest.raises(ValidationError, match="\noverrides"):
            Instance.model_validate({"overrides": overrides})


def test_what_a_template_is_made_of_is_a_resource() -> None:
    """A grid without rows is none; one without a name will get one."""
    said(CreateTemplate, resource={})
    refused: list[Any] = [None, [], {"base_type": "grid"}, {"base_type": "shed"}, {"colour": "blue"}]
    for resource in refused:
        with pytest.raises(ValidationError, match=r"\nresource"):
            said(CreateTemplate, resource=resource)


def test_what_happens_to_a_template_has_a_word() -> None:
    assert set(template.EVENTS) == {"created", "updated", "removed"}
