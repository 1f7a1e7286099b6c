"""The lock noun as the kit needs it."""

from typing import Final

from labstow.contracts.lock import Acquire, Await, Break, Cancel, Release, Renew
from labstow.workers.kit.noun import Noun
from labstow.workers.lock import giving, starting_over, taking
from labstow.workers.lock.lab import Footprint, needs
from labstow.workers.lock.lease import KIND, Lease
from labstow.workers.lock.own import LookAgain, StartOver, Sweep

LOCK: Final[Noun[Lease]] = Noun(
    kinds={Lease: KIND},
    rules={
        Acquire: taking.acquire,
        Await: taking.await_turn,
        LookAgain: taking.await_turn,
        Renew: taking.renew,
        Release: giving.release,
        Cancel: giving.cancel,
        Break: giving.break_,
        Sweep: giving.sweep,
        StartOver: starting_over.start_over,
    },
    footprint=Footprint,
    needs=needs,
)
