// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title Parties, bodies, keys and anchoring operators
/// @notice Says whom a party (a national authority) vouches for: its conformity assessment bodies
/// with status and scope by interval, their keys, and which operators may anchor. Holds digests,
/// public keys and public names only, no certificate content and no personal data.
///
/// Nothing is ever deleted or overwritten by something kinder. Positive facts begin no earlier
/// than the block that records them (a scope may name an earlier beginning, with the time of
/// recording beside it). Negative facts may reach back, only ever earlier.
/// @dev All times are Unix seconds, all intervals half-open [from, until), 0 means "none".
/// Who decides about parties and operators: {IGovernance} of the same contract. Who decides
/// about bodies and keys: the admin of their party. Pausing and the removal of a party stop
/// additions, never a suspension, withdrawal, revocation or a change of controllers.
interface ITrustRegistry {
    /// @notice A national authority. `addedAt == 0` means unknown.
    /// @param country ISO 3166-1 alpha-2, two capital letters.
    /// @param admin Account that acts for the party.
    /// @param addedAt Block time of its addition.
    /// @param removedAt Block time of its removal; 0 while it stands.
    /// @param documentHash SHA-256 of the document that describes it; 0 if none is published.
    struct Party {
        bytes2 country;
        address admin;
        uint64 addedAt;
        uint64 removedAt;
        bytes32 documentHash;
    }

    /// @notice A conformity assessment body. `registeredAt == 0` means unknown.
    /// @param partyId Party that vouches for it.
    /// @param admin Account that acts for the body.
    /// @param kind 1 laboratory, 2 inspection body, 3 inspection office of the party itself.
    /// @param registeredAt Block time of its registration.
    /// @param did Its `did:web` identifier.
    struct Body {
        bytes32 partyId;
        address admin;
        uint8 kind;
        uint64 registeredAt;
        string did;
    }

    /// @notice A status of a body. At a moment t the last recorded entry with
    /// `effectiveFrom <= t` governs; without one the body is not active.
    /// @param status 1 active, 2 suspended, 3 withdrawn.
    /// @param effectiveFrom First moment of the status.
    /// @param recordedAt Block time of the act.
    struct BodyStatus {
        uint8 status;
        uint64 effectiveFrom;
        uint64 recordedAt;
    }

    /// @notice A scope document of a body. At a moment t the last recorded entry whose interval
    /// holds t governs.
    /// @param documentHash SHA-256 of the scope document.
    /// @param effectiveFrom First moment; may lie before `recordedAt`.
    /// @param effectiveUntil First moment after it; 0 for an open end.
    /// @param recordedAt Block time of the act.
    struct Scope {
        bytes32 documentHash;
        uint64 effectiveFrom;
        uint64 effectiveUntil;
        uint64 recordedAt;
    }

    /// @notice A key of a body. `registeredAt == 0` means unknown.
    /// @param algorithm 1 ES256, 2 EdDSA (Ed25519), 3 SM2 with SM3.
    /// @param purpose 1 certificate, 2 record, 3 summary, 4 statement.
    /// @param registeredAt Block time from which it is usable.
    /// @param signUntil First moment at which it must not sign any more; 0 for none.
    /// @param anchorUntil First block time at which an anchor of something it signed counts no
    /// more; 0 for none. A claimed time of signing can be forged with a stolen key, this cannot.
    /// @param revokedAt Effective time of its revocation; 0 while it stands.
    /// @param revocationRecordedAt Block time of the act that set `revokedAt` and
    /// `compromisedSince` to what they are; events keep the earlier acts.
    /// @param compromisedSince When somebody else may have had it; 0 for no such claim.
    /// @param publicKey x || y in 64 bytes, or the 32 bytes of Ed25519.
    struct Key {
        uint8 algorithm;
        uint8 purpose;
        uint64 registeredAt;
        uint64 signUntil;
        uint64 anchorUntil;
        uint64 revokedAt;
        uint64 revocationRecordedAt;
        uint64 compromisedSince;
        bytes publicKey;
    }

    /// @notice A party was added.
    /// @param partyId Short name in ASCII, padded with zeros on the right.
    /// @param country ISO 3166-1 alpha-2.
    /// @param admin Account that acts for it.
    /// @param documentHash SHA-256 of the document that describes it; 0 if none.
    event PartyAdded(
        bytes32 indexed partyId,
        bytes2 country,
        address indexed admin,
        bytes32 documentHash
    );

    /// @notice A party was removed. What it said before stays as it was.
    /// @param partyId The party.
    event PartyRemoved(bytes32 indexed partyId);

    /// @notice Another account acts for a party.
    /// @param partyId The party.
    /// @param previous Account that acted until now.
    /// @param admin Account that acts from now on.
    event PartyAdminRotated(
        bytes32 indexed partyId,
        address indexed previous,
        address indexed admin
    );

    /// @notice A body was registered.
    /// @param bodyId Its id, see {bodyIdOf}.
    /// @param partyId Party that vouches for it.
    /// @param kind 1 laboratory, 2 inspection body, 3 inspection office.
    /// @param admin Account that acts for it.
    /// @param did Its `did:web` identifier.
    event BodyRegistered(
        bytes32 indexed bodyId,
        bytes32 indexed partyId,
        uint8 kind,
        address indexed admin,
        string did
    );

    /// @notice Another account acts for a body.
    /// @param bodyId The body.
    /// @param previous Account that acted until now.
    /// @param admin Account that acts from now on.
    event BodyAdminSet(bytes32 indexed bodyId, address indexed previous, address indexed admin);

    /// @notice A status of a body was recorded.
    /// @param bodyId The body.
    /// @param status 1 active, 2 suspended, 3 withdrawn.
    /// @param effectiveFrom First moment of the status, Unix seconds.
    event BodyStatusRecorded(bytes32 indexed bodyId, uint8 status, uint64 effectiveFrom);

    /// @notice A scope document of a body was recorded.
    /// @param bodyId The body.
    /// @param documentHash SHA-256 of the document.
    /// @param effectiveFrom First moment, Unix seconds.
    /// @param effectiveUntil First moment after it, Unix seconds; 0 for an open end.
    event ScopeRecorded(
        bytes32 indexed bodyId,
        bytes32 indexed documentHash,
        uint64 effectiveFrom,
        uint64 effectiveUntil
    );

    /// @notice A key was registered; it is usable from this block on.
    /// @param bodyId Body that uses it.
    /// @param thumbprint RFC 7638 thumbprint, SHA-256.
    /// @param algorithm 1 ES256, 2 EdDSA, 3 SM2 with SM3.
    /// @param purpose 1 certificate, 2 record, 3 summary, 4 statement.
    /// @param signUntil Unix seconds; 0 for none.
    /// @param publicKey The key.
    event KeyRegistered(
        bytes32 indexed bodyId,
        bytes32 indexed thumbprint,
        uint8 algorithm,
        uint8 purpose,
        uint64 signUntil,
        bytes publicKey
    );

    /// @notice A key shall sign no longer than stated.
    /// @param bodyId The body.
    /// @param thumbprint Its key.
    /// @param signUntil Unix seconds, exclusive.
    event KeySignUntilSet(bytes32 indexed bodyId, bytes32 indexed thumbprint, uint64 signUntil);

    /// @notice Anchors of what a key signed count no longer than stated.
    /// @param bodyId The body.
    /// @param thumbprint Its key.
    /// @param anchorUntil Unix seconds, exclusive.
    event KeyAnchorUntilSet(bytes32 indexed bodyId, bytes32 indexed thumbprint, uint64 anchorUntil);

    /// @notice A key was revoked, or its revocation now reaches further back.
    /// @param bodyId The body.
    /// @param thumbprint Its key.
    /// @param effective Effective time, Unix seconds.
    /// @param compromisedSince Claimed time of compromise, Unix seconds; 0 for no such claim.
    /// @param byParty True for the party, false for the body.
    event KeyRevoked(
        bytes32 indexed bodyId,
        bytes32 indexed thumbprint,
        uint64 effective,
        uint64 compromisedSince,
        bool byParty
    );

    /// @notice An operator may anchor from this block on.
    /// @param operator Its account.
    event OperatorAuthorised(address indexed operator);

    /// @notice An operator may anchor no more. Its earlier anchors stay as they were.
    /// @param operator Its account.
    event OperatorWithdrawn(address indexed operator);

    /// @notice Only the party may do this, and the caller does not act for it.
    /// @param partyId The party.
    /// @param caller Account that called.
    error TrustRegistryNotPartyAdmin(bytes32 partyId, address caller);

    /// @notice The caller acts neither for this body nor for its party.
    /// @param bodyId The body.
    /// @param caller Account that called.
    error TrustRegistryNotController(bytes32 bodyId, address caller);

    /// @notice The account cannot take this role: zero, this contract, or it acts for another.
    /// Who controls a party controls no other party and no body.
    /// @param account The account.
    error TrustRegistryControllerNotDistinct(address account);

    /// @notice The party id is not 2 to 32 characters of A-Z, 0-9 and hyphen, padded with zeros.
    /// @param partyId The id.
    error TrustRegistryInvalidPartyId(bytes32 partyId);

    /// @notice The country is not two capital letters.
    /// @param country The code.
    error TrustRegistryInvalidCountry(bytes2 country);

    /// @notice There was a party of this id, present or removed.
    /// @param partyId The id.
    error TrustRegistryPartyExists(bytes32 partyId);

    /// @notice There is no such party.
    /// @param partyId The id.
    error TrustRegistryUnknownParty(bytes32 partyId);

    /// @notice The party was removed and adds nothing any more.
    /// @param partyId The id.
    error TrustRegistryPartyRemoved(bytes32 partyId);

    /// @notice The identifier is not `did:web:` and more, in at most 255 visible ASCII characters.
    error TrustRegistryInvalidDid();

    /// @notice The body was registered before.
    /// @param bodyId Its id.
    error TrustRegistryBodyExists(bytes32 bodyId);

    /// @notice There is no such body.
    /// @param bodyId The id.
    error TrustRegistryUnknownBody(bytes32 bodyId);

    /// @notice A number is outside the list given with the field.
    /// @param value The number.
    error TrustRegistryUnknownCode(uint8 value);

    /// @notice A list that readers fetch whole is full.
    /// @param limit Largest number of entries.
    error TrustRegistryListFull(uint256 limit);

    /// @notice The time lies before the block, where this act of this caller cannot reach.
    /// @param time Time asked for, Unix seconds.
    error TrustRegistryBackDated(uint64 time);

    /// @notice A revocation cannot lie in the future.
    /// @param time Time asked for, Unix seconds.
    error TrustRegistryInFuture(uint64 time);

    /// @notice An interval is empty, or its beginning is missing.
    /// @param from First moment, Unix seconds.
    /// @param until First moment after it, Unix seconds.
    error TrustRegistryInvalidInterval(uint64 from, uint64 until);

    /// @notice A limit or a revocation can only move earlier.
    /// @param present What stands, Unix seconds.
    error TrustRegistryNotEarlier(uint64 present);

    /// @notice A hash or thumbprint is zero.
    error TrustRegistryEmptyHash();

    /// @notice The key's length does not fit its algorithm.
    /// @param algorithm 1 ES256, 2 EdDSA, 3 SM2 with SM3.
    /// @param length Bytes given.
    error TrustRegistryInvalidKey(uint8 algorithm, uint256 length);

    /// @notice The body has a key of this thumbprint.
    /// @param bodyId The body.
    /// @param thumbprint The thumbprint.
    error TrustRegistryKeyExists(bytes32 bodyId, bytes32 thumbprint);

    /// @notice The body has no key of this thumbprint.
    /// @param bodyId The body.
    /// @param thumbprint The thumbprint.
    error TrustRegistryUnknownKey(bytes32 bodyId, bytes32 thumbprint);

    /// @notice The operator was authorised before; a withdrawn account never comes back.
    /// @param operator The account.
    error TrustRegistryOperatorExists(address operator);

    /// @notice The operator is not authorised now.
    /// @param operator The account.
    error TrustRegistryOperatorNotActive(address operator);

    /// @notice Add a party.
    /// @dev Governed. Emits {PartyAdded}. No profile trusts it until its checker adds it.
    /// @param partyId Short name in ASCII, 2 to 32 of A-Z, 0-9 and hyphen, padded with zeros.
    /// @param country ISO 3166-1 alpha-2, two capital letters.
    /// @param admin Account that acts for it.
    /// @param documentHash SHA-256 of the document that describes it; 0 if none.
    function addParty(
        bytes32 partyId,
        bytes2 country,
        address admin,
        bytes32 documentHash
    ) external;

    /// @notice Remove a party for good: it adds nothing from now on, what it said stays.
    /// @dev Governed. Emits {PartyRemoved}.
    /// @param partyId The party.
    function removeParty(bytes32 partyId) external;

    /// @notice Let another account act for a party.
    /// @dev Governed. Emits {PartyAdminRotated}.
    /// @param partyId The party.
    /// @param admin The new account.
    function rotateAdmin(bytes32 partyId, address admin) external;

    /// @notice Let an account anchor from this block on.
    /// @dev Governed. Emits {OperatorAuthorised}.
    /// @param operator The account.
    function authoriseOperator(address operator) external;

    /// @notice Stop an account from anchoring.
    /// @dev Governed. Emits {OperatorWithdrawn}.
    /// @param operator The account.
    function withdrawOperator(address operator) external;

    /// @notice Register a body. It is not active before {recordBodyStatus} says so.
    /// @dev Party admin. Emits {BodyRegistered}.
    /// @param partyId The caller's party.
    /// @param did Its `did:web` identifier in visible ASCII, at most 255 characters.
    /// @param kind 1 laboratory, 2 inspection body, 3 inspection office of the party itself.
    /// @param admin Account that acts for the body; must control no party.
    /// @return bodyId Its id, see {bodyIdOf}.
    function registerBody(
        bytes32 partyId,
        string calldata did,
        uint8 kind,
        address admin
    ) external returns (bytes32 bodyId);

    /// @notice Let another account act for a body.
    /// @dev Party admin. Emits {BodyAdminSet}.
    /// @param bodyId The body.
    /// @param admin The new account; must control no party.
    function setBodyAdmin(bytes32 bodyId, address admin) external;

    /// @notice Record that a body is active, suspended or withdrawn from some moment on.
    /// @dev Party admin. Emits {BodyStatusRecorded}.
    /// @param bodyId The body.
    /// @param status 1 active, 2 suspended, 3 withdrawn.
    /// @param effectiveFrom Unix seconds; 0 for the time of the block. Active: not in the past.
    function recordBodyStatus(bytes32 bodyId, uint8 status, uint64 effectiveFrom) external;

    /// @notice Record the document that says what a body is accredited or designated for.
    /// @dev Party admin. Emits {ScopeRecorded}. To narrow a scope record a narrower document; the
    /// last recorded one governs.
    /// @param bodyId The body.
    /// @param documentHash SHA-256 of the scope document.
    /// @param effectiveFrom Unix seconds; may lie in the past.
    /// @param effectiveUntil Unix seconds, exclusive; 0 for an open end.
    function recordScope(
        bytes32 bodyId,
        bytes32 documentHash,
        uint64 effectiveFrom,
        uint64 effectiveUntil
    ) external;

    /// @notice Register a key of a body, usable from this block on.
    /// @dev Party admin. Emits {KeyRegistered}. Readers recompute the thumbprint from the key.
    /// @param bodyId The body.
    /// @param thumbprint RFC 7638 thumbprint, SHA-256.
    /// @param algorithm 1 ES256, 2 EdDSA, 3 SM2 with SM3.
    /// @param purpose 1 certificate, 2 record, 3 summary, 4 statement.
    /// @param publicKey x || y in 64 bytes, or the 32 bytes of Ed25519.
    /// @param signUntil Unix seconds, exclusive, in the future; 0 for none.
    function registerKey(
        bytes32 bodyId,
        bytes32 thumbprint,
        uint8 algorithm,
        uint8 purpose,
        bytes calldata publicKey,
        uint64 signUntil
    ) external;

    /// @notice Let a key sign less long.
    /// @dev Party or body admin. Emits {KeySignUntilSet}.
    /// @param bodyId The body.
    /// @param thumbprint Its key.
    /// @param until Unix seconds, exclusive; 0 for the time of the block; only ever earlier, not in
    /// the past (revocation is what reaches back).
    function setSignUntil(bytes32 bodyId, bytes32 thumbprint, uint64 until) external;

    /// @notice Let anchors of what a key signed count less long.
    /// @dev Party or body admin. Emits {KeyAnchorUntilSet}.
    /// @param bodyId The body.
    /// @param thumbprint Its key.
    /// @param until Unix seconds, exclusive; 0 for the time of the block; only ever earlier, not in
    /// the past (revocation is what reaches back).
    function setAnchorUntil(bytes32 bodyId, bytes32 thumbprint, uint64 until) external;

    /// @notice Revoke a key, or let its revocation reach further back.
    /// @dev Party or body admin. Emits {KeyRevoked}. Only the party can reach back; a body that
    /// could would disown what it signed.
    /// @param bodyId The body.
    /// @param thumbprint Its key.
    /// @param effective Unix seconds, not in the future; 0 for the time of the block, or for what
    /// stands if the key is revoked already. The body passes 0.
    /// @param compromisedSince Unix seconds, not after `effective`; 0 to claim nothing more than
    /// what stands. The body passes 0.
    function revokeKey(
        bytes32 bodyId,
        bytes32 thumbprint,
        uint64 effective,
        uint64 compromisedSince
    ) external;

    /// @notice Return a party.
    /// @param partyId Its id.
    /// @return party All zero if unknown.
    function partyOf(bytes32 partyId) external view returns (Party memory party);

    /// @notice Return how many parties were ever added.
    /// @return count The number.
    function partyCount() external view returns (uint256 count);

    /// @notice Return the id of a party by its position.
    /// @param index Counted from 0.
    /// @return partyId Its id.
    function partyAt(uint256 index) external view returns (bytes32 partyId);

    /// @notice Return all that is said about a body, with its party.
    /// @param bodyId Its id.
    /// @return party Its party.
    /// @return body The body; `registeredAt == 0` if unknown.
    /// @return statuses In the order of recording.
    /// @return scopes In the order of recording.
    function bodyDossier(
        bytes32 bodyId
    )
        external
        view
        returns (
            Party memory party,
            Body memory body,
            BodyStatus[] memory statuses,
            Scope[] memory scopes
        );

    /// @notice Return how many bodies were ever registered.
    /// @return count The number.
    function bodyCount() external view returns (uint256 count);

    /// @notice Return the id of a body by its position.
    /// @param index Counted from 0.
    /// @return bodyId Its id.
    function bodyAt(uint256 index) external view returns (bytes32 bodyId);

    /// @notice Return a key of a body.
    /// @param bodyId The body.
    /// @param thumbprint RFC 7638 thumbprint, SHA-256.
    /// @return key All zero if unknown.
    function keyOf(bytes32 bodyId, bytes32 thumbprint) external view returns (Key memory key);

    /// @notice Return how many keys a body ever had.
    /// @param bodyId The body.
    /// @return count The number.
    function keyCount(bytes32 bodyId) external view returns (uint256 count);

    /// @notice Return the thumbprint of a key by its position.
    /// @param bodyId The body.
    /// @param index Counted from 0.
    /// @return thumbprint Its thumbprint.
    function keyAt(bytes32 bodyId, uint256 index) external view returns (bytes32 thumbprint);

    /// @notice Return when an operator may anchor.
    /// @param operator The account.
    /// @return from First moment; 0 if never.
    /// @return until First moment after it; 0 while it stands.
    function operatorWindow(address operator) external view returns (uint64 from, uint64 until);

    /// @notice Return how many operators were ever authorised.
    /// @return count The number.
    function operatorCount() external view returns (uint256 count);

    /// @notice Return an operator by its position.
    /// @param index Counted from 0.
    /// @return operator Its account.
    function operatorAt(uint256 index) external view returns (address operator);

    /// @notice Tell whether an account may anchor in this block: authorised and not paused.
    /// @param operator The account.
    /// @return allowed True if so.
    function mayAnchor(address operator) external view returns (bool allowed);

    /// @notice Return who controls the status of a body's certificates.
    /// @param bodyId The body.
    /// @return bodyAdmin Account that acts for the body; zero if unknown.
    /// @return partyAdmin Account that acts for its party; zero if unknown.
    function controllersOf(
        bytes32 bodyId
    ) external view returns (address bodyAdmin, address partyAdmin);

    /// @notice Tell whether additions about a body are open: its party stands and no pause.
    /// @param bodyId The body.
    /// @return allowed True if so.
    function mayAdd(bytes32 bodyId) external view returns (bool allowed);

    /// @notice Compute the id of a body: SHA-256 over "lancang/body/1", a zero byte, the party id
    /// and the identifier.
    /// @param partyId Party id, 32 bytes.
    /// @param did The `did:web` identifier.
    /// @return bodyId The id.
    function bodyIdOf(bytes32 partyId, string calldata did) external pure returns (bytes32 bodyId);
}
