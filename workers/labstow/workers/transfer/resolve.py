"""What the transfer worker asks itself: nobody else may, so these are no messages of ours."""

from typing import ClassVar

from labstow.contracts.message import Answer, Command


class Noted(Answer):
    """Nothing to say."""


class Resolve(Command[Noted]):
    """Look whether the templates are there that locations await."""

    subject: ClassVar[str] = "location.resolve"
    kept: ClassVar[bool] = False
    location_ids: tuple[str, ...]


class NoteOverdue(Command[Noted]):
    """Note which transfers should have been over by now."""

    subject: ClassVar[str] = "transfer.note_overdue"
    kept: ClassVar[bool] = False
    transfer_ids: tuple[str, ...]
