"""Orders to change the status of certificates, handed to the anchoring pipeline.

One transaction notes which ledger write carries which order, so that an order is carried exactly
once, whatever happens in between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from registry.anchoring.domain import LedgerAct
from registry.anchoring.registration import BodyEntry, PartyEntry
from registry.anchoring.status import Controller, StatusOrder, enqueue_status
from registry.bodies.domain import Body
from registry.bodies.service import get_body
from registry.certificates.status_orders import assign_orders, pending_orders
from registry.kit.database import Database
from registry.parties.service import get_party

_MOST: Final = 100_000  # orders taken at a time; more wait for the next call


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What became of the orders that waited.

    Attributes:
        orders: How many are carried by ledger writes now.
        stranded: How many wait by alias of the body, because neither its transaction key nor that
            of its party is on this machine.
    """

    orders: int
    stranded: Mapping[str, int]


def carry_orders(
    database: Database,
    *,
    accounts: Mapping[str, str],
    chain_id: int,
    ledger: str,
    now: datetime,
) -> Carried:
    """Make ledger writes of every order that waits.

    Args:
        database: The database.
        accounts: Address of every transaction key on this machine, by role.
        chain_id: The chain on which the accounts act.
        ledger: Address of the CertificateLedger.
        now: The present moment.
    """
    carried = 0
    stranded: dict[str, int] = {}
    with database.begin() as session:
        waiting: defaultdict[bytes, list[StatusOrder]] = defaultdict(list)
        for order in pending_orders(session, limit=_MOST):
            waiting[order.body].append(
                StatusOrder(
                    id=order.id,
                    body_id=order.body,
                    list_number=order.status.list_number,
                    index=order.status.index,
                    act=LedgerAct(order.act.value),
                    reason=order.reason,
                )
            )
        for body_id, orders in waiting.items():
            body = get_body(session, body_id).body
            country = get_party(session, body.party).party.country
            found = _account(body, country, accounts)
            if found is None:
                stranded[body.alias] = len(orders)
                continue
            account, by_party = found
            controller = Controller(
                account=account, by_party=by_party, chain_id=chain_id, contract=ledger
            )
            for write_id, ids in enqueue_status(session, orders, controller, now=now).items():
                assign_orders(session, ids, ledger_write_id=write_id)
                carried += len(ids)
    return Carried(orders=carried, stranded=stranded)


def _account(body: Body, country: str, accounts: Mapping[str, str]) -> tuple[str, bool] | None:
    """Return the account that writes for a body: its own, otherwise that of its party."""
    own = BodyEntry(alias=body.alias, party=body.party, did=body.did, kind=body.kind).role
    if own in accounts:
        return accounts[own], False
    party = PartyEntry(id=body.party, country=country).role
    return (accounts[party], True) if party in accounts else None
