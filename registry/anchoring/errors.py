"""Errors of anchoring.

RegistryError
├── UnavailableError
│   └── ChainUnavailableError    no usable answer from the chain; retrying may help
│       ├── ChainFaultError      a node answered with something impossible (such as "0x")
│       ├── StateUnavailableError the node keeps no state for the block asked about
│       └── ChainDisagreesError  too few nodes tell the same story
├── ConflictError
│   ├── LeafExistsError          this leaf is queued already
│   ├── LeaseHeldError           another process is the sequencer of the account
│   ├── LeaseLostError           another process has become the sequencer of the account
│   ├── StaleWriteError          the ledger write is not in the state it was read in
│   ├── DecisionRefusedError     the decision on a quarantined write would be wrong
│   ├── CeremonyConflictError    what is on chain contradicts what is to be set up
│   └── ActsForOthersError       the rest of a ceremony needs keys that are not here
└── UnusableSettingsError
    ├── ChainMismatchError       the node serves another chain or other contracts
    ├── KeystoreError            a transaction key is missing or cannot be unlocked
    └── NotDeployedError         there is no deployment yet: `lancang init` comes first
"""

from __future__ import annotations

from collections.abc import Sequence

from registry.kit.errors import (
    ConflictError,
    UnavailableError,
    UnusableSettingsError,
)


class ChainUnavailableError(UnavailableError):
    """The chain gave no usable answer; retrying may help."""

    code = "chain_unreachable"


class ChainFaultError(ChainUnavailableError):
    """A node answered with something that no healthy node answers."""

    code = "chain_fault"


class StateUnavailableError(ChainUnavailableError):
    """The node knows the block but keeps no state for it."""

    code = "chain_state_unavailable"


class ChainDisagreesError(ChainUnavailableError):
    """Too few nodes tell the same story."""

    code = "chain_disagrees"


class ChainMismatchError(UnusableSettingsError):
    """The node serves another chain, or other code at the contracts' addresses."""

    code = "chain_mismatch"


class KeystoreError(UnusableSettingsError):
    """A transaction key is missing, or the passphrase does not unlock it."""

    code = "transaction_keystore"


class NotDeployedError(UnusableSettingsError):
    """There is no deployment to work with."""

    code = "not_deployed"


class LeafExistsError(ConflictError):
    """The leaf is in the queue or in a batch already."""

    code = "leaf_exists"


class LeaseHeldError(ConflictError):
    """Another process is the sequencer of the account."""

    code = "lease_held"


class LeaseLostError(ConflictError):
    """Another process has become the sequencer of the account; this one must stop."""

    code = "lease_lost"


class StaleWriteError(ConflictError):
    """The ledger write is no longer in the state in which it was read."""

    code = "stale_write"


class DecisionRefusedError(ConflictError):
    """The decision does not fit what chain and database show; nothing was changed."""

    code = "decision_refused"


class CeremonyConflictError(ConflictError):
    """What is on chain, or was begun before, contradicts what is to be set up."""

    code = "ceremony_conflict"


class ActsForOthersError(ConflictError):
    """The rest of a ceremony is for people whose keys are not on this machine.

    Attributes:
        acts: What they have to do, in words, with addresses and calldata.
    """

    code = "acts_for_others"

    def __init__(self, acts: Sequence[str]) -> None:
        super().__init__(f"{len(acts)} acts are for others:\n" + "\n".join(acts))
        self.acts = tuple(acts)
