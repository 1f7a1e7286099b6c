"""What proves a lease: a secret of 128 random bits, shown to its holder and kept as a hash. Only the kept answer to who
took it has it in full, for as long as answers are kept, as that one may ask again.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from labstow.contracts import headers
from labstow.contracts.errors import Invalid
from labstow.contracts.ulids import is_ulid

MAX_LEASES: Final = 64
ANY: Final = "*"
"""Presented by the gateway for callers who cannot say what they hold."""


def hashed(lease_id: str) -> str:
    """As it is kept. Nobody can guess 128 bits, so that a plain hash is enough."""
    return sha256(lease_id.encode()).hexdigest()


def presented(head: Mapping[str, str]) -> tuple[str, ...]:
    """The leases that a request presents, hashed; `*` as it is.

    Raises:
        Invalid: something else than ids of leases, or more than 64.
    """
    if not (text := head.get(headers.LEASE)):
        return ()
    ids = [part.strip() for part in text.split(",", MAX_LEASES)]
    if len(ids) > MAX_LEASES or not all(lease_id == ANY or is_ulid(lease_id) for lease_id in ids):
        raise Invalid(summary=f"header {headers.LEASE}: up to {MAX_LEASES} lease ids, separated by commas", errors=[])
    return tuple(ANY if lease_id == ANY else hashed(lease_id) for lease_id in ids)
