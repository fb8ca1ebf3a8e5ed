// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Governance} from "./Governance.sol";
import {ITrustRegistry} from "./ITrustRegistry.sol";
import {Names} from "./Names.sol";

/// @title TrustRegistry
/// @notice Append-only implementation of {ITrustRegistry}: no owner, no proxy.
contract TrustRegistry is ITrustRegistry, Governance {
    /// @dev When an operator may anchor; half-open, `until == 0` while it stands.
    struct Window {
        uint64 from;
        uint64 until;
    }

    /// @notice Most status entries after which a body can be made active again; {bodyDossier}
    /// returns them all. Suspension and withdrawal are never refused.
    uint256 public constant MAXIMUM_STATUSES = 256;

    /// @notice Most scope documents of a body; {bodyDossier} returns them all.
    uint256 public constant MAXIMUM_SCOPES = 256;

    uint8 private constant _KIND_LAST = 3;
    uint8 private constant _STATUS_ACTIVE = 1;
    uint8 private constant _STATUS_LAST = 3;
    uint8 private constant _PURPOSE_LAST = 4;
    uint8 private constant _ALGORITHM_EDDSA = 2;
    uint8 private constant _ALGORITHM_LAST = 3;

    bytes32[] private _partyIds;
    mapping(bytes32 partyId => Party party) private _parties;
    mapping(address admin => bytes32 partyId) private _partyOfAdmin;

    bytes32[] private _bodyIds;
    mapping(bytes32 bodyId => Body body) private _bodies;
    mapping(address admin => uint256 bodies) private _bodiesOfAdmin;
    mapping(bytes32 bodyId => BodyStatus[] statuses) private _statuses;
    mapping(bytes32 bodyId => Scope[] scopes) private _scopes;

    mapping(bytes32 bodyId => bytes32[] thumbprints) private _thumbprints;
    mapping(bytes32 bodyId => mapping(bytes32 thumbprint => Key key)) private _keys;

    address[] private _operators;
    mapping(address operator => Window window) private _windows;

    /// @notice Set who decides about parties and operators; see {Governance}.
    /// @param members All members, distinct.
    /// @param threshold Approvals that an action needs.
    /// @param delay Seconds between enough approvals and execution; fixed for ever.
    constructor(
        address[] memory members,
        uint256 threshold,
        uint256 delay
    ) Governance(members, threshold, delay) {}

    // Parties and operators: governance

    /// @inheritdoc ITrustRegistry
    function addParty(
        bytes32 partyId,
        bytes2 country,
        address admin,
        bytes32 documentHash
    ) external onlyGoverned whileOpen {
        if (!Names.isPartyId(partyId)) revert TrustRegistryInvalidPartyId(partyId);
        if (!Names.isCountry(country)) revert TrustRegistryInvalidCountry(country);
        if (_parties[partyId].addedAt != 0) revert TrustRegistryPartyExists(partyId);
        _requireFreshPartyAdmin(admin);

        _parties[partyId] = Party({
            country: country,
            admin: admin,
            addedAt: uint64(block.timestamp),
            removedAt: 0,
            documentHash: documentHash
        });
        _partyIds.push(partyId);
        _partyOfAdmin[admin] = partyId;
        emit PartyAdded(partyId, country, admin, documentHash);
    }

    /// @inheritdoc ITrustRegistry
    function removeParty(bytes32 partyId) external onlyGoverned {
        Party storage party = _knownParty(partyId);
        if (party.removedAt != 0) revert TrustRegistryPartyRemoved(partyId);
        party.removedAt = uint64(block.timestamp);
        emit PartyRemoved(partyId);
    }

    /// @inheritdoc ITrustRegistry
    function rotateAdmin(bytes32 partyId, address admin) external onlyGoverned {
        Party storage party = _knownParty(partyId);
        _requireFreshPartyAdmin(admin);
        address previous = party.admin;
        delete _partyOfAdmin[previous];
        _partyOfAdmin[admin] = partyId;
        party.admin = admin;
        emit PartyAdminRotated(partyId, previous, admin);
    }

    /// @inheritdoc ITrustRegistry
    function authoriseOperator(address operator) external onlyGoverned whileOpen {
        if (operator == address(0)) revert TrustRegistryControllerNotDistinct(operator);
        if (_windows[operator].from != 0) revert TrustRegistryOperatorExists(operator);
        _windows[operator].from = uint64(block.timestamp);
        _operators.push(operator);
        emit OperatorAuthorised(operator);
    }

    /// @inheritdoc ITrustRegistry
    function withdrawOperator(address operator) external onlyGoverned {
        Window storage window = _windows[operator];
        if (window.from == 0 || window.until != 0) {
            revert TrustRegistryOperatorNotActive(operator);
        }
        window.until = uint64(block.timestamp);
        emit OperatorWithdrawn(operator);
    }

    // Bodies and scopes: the party

    /// @inheritdoc ITrustRegistry
    function registerBody(
        bytes32 partyId,
        string calldata did,
        uint8 kind,
        address admin
    ) external whileOpen returns (bytes32 bodyId) {
        _requireStandingParty(partyId);
        _requireCode(kind, _KIND_LAST);
        if (!Names.isDid(bytes(did))) revert TrustRegistryInvalidDid();
        bodyId = bodyIdOf(partyId, did);
        if (_bodies[bodyId].registeredAt != 0) revert TrustRegistryBodyExists(bodyId);
        _claimBodyAdmin(admin);

        _bodies[bodyId] = Body({
            partyId: partyId,
            admin: admin,
            kind: kind,
            registeredAt: uint64(block.timestamp),
            did: did
        });
        _bodyIds.push(bodyId);
        emit BodyRegistered(bodyId, partyId, kind, admin, did);
    }

    /// @inheritdoc ITrustRegistry
    function setBodyAdmin(bytes32 bodyId, address admin) external {
        Body storage body = _bodyOfCaller(bodyId);
        address previous = body.admin;
        _claimBodyAdmin(admin);
        --_bodiesOfAdmin[previous];
        body.admin = admin;
        emit BodyAdminSet(bodyId, previous, admin);
    }

    /// @inheritdoc ITrustRegistry
    function recordBodyStatus(bytes32 bodyId, uint8 status, uint64 effectiveFrom) external {
        Body storage body = _bodyOfCaller(bodyId);
        _requireCode(status, _STATUS_LAST);
        uint64 recordedAt = uint64(block.timestamp);
        if (effectiveFrom == 0) effectiveFrom = recordedAt;
        if (status == _STATUS_ACTIVE) {
            _requireOpenFor(body);
            if (effectiveFrom < recordedAt) revert TrustRegistryBackDated(effectiveFrom);
            if (_statuses[bodyId].length >= MAXIMUM_STATUSES) {
                revert TrustRegistryListFull(MAXIMUM_STATUSES);
            }
        }
        _statuses[bodyId].push(BodyStatus(status, effectiveFrom, recordedAt));
        emit BodyStatusRecorded(bodyId, status, effectiveFrom);
    }

    /// @inheritdoc ITrustRegistry
    function recordScope(
        bytes32 bodyId,
        bytes32 documentHash,
        uint64 effectiveFrom,
        uint64 effectiveUntil
    ) external {
        _requireOpenFor(_bodyOfCaller(bodyId));
        if (documentHash == 0) revert TrustRegistryEmptyHash();
        if (effectiveFrom == 0 || (effectiveUntil != 0 && effectiveUntil <= effectiveFrom)) {
            revert TrustRegistryInvalidInterval(effectiveFrom, effectiveUntil);
        }
        if (_scopes[bodyId].length >= MAXIMUM_SCOPES) revert TrustRegistryListFull(MAXIMUM_SCOPES);
        _scopes[bodyId].push(
            Scope({
                documentHash: documentHash,
                effectiveFrom: effectiveFrom,
                effectiveUntil: effectiveUntil,
                recordedAt: uint64(block.timestamp)
            })
        );
        emit ScopeRecorded(bodyId, documentHash, effectiveFrom, effectiveUntil);
    }

    // Keys: the party adds, the party or the body limits and revokes

    /// @inheritdoc ITrustRegistry
    function registerKey(
        bytes32 bodyId,
        bytes32 thumbprint,
        uint8 algorithm,
        uint8 purpose,
        bytes calldata publicKey,
        uint64 signUntil
    ) external {
        _requireOpenFor(_bodyOfCaller(bodyId));
        if (thumbprint == 0) revert TrustRegistryEmptyHash();
        _requireCode(algorithm, _ALGORITHM_LAST);
        _requireCode(purpose, _PURPOSE_LAST);
        if (publicKey.length != (algorithm == _ALGORITHM_EDDSA ? 32 : 64)) {
            revert TrustRegistryInvalidKey(algorithm, publicKey.length);
        }
        if (signUntil != 0 && signUntil <= block.timestamp) {
            revert TrustRegistryBackDated(signUntil);
        }
        Key storage key = _keys[bodyId][thumbprint];
        if (key.registeredAt != 0) revert TrustRegistryKeyExists(bodyId, thumbprint);

        key.algorithm = algorithm;
        key.purpose = purpose;
        key.registeredAt = uint64(block.timestamp);
        key.signUntil = signUntil;
        key.publicKey = publicKey;
        _thumbprints[bodyId].push(thumbprint);
        emit KeyRegistered(bodyId, thumbprint, algorithm, purpose, signUntil, publicKey);
    }

    /// @inheritdoc ITrustRegistry
    function setSignUntil(bytes32 bodyId, bytes32 thumbprint, uint64 until) external {
        _isParty(bodyId);
        Key storage key = _knownKey(bodyId, thumbprint);
        key.signUntil = _earlierLimit(key.signUntil, until);
        emit KeySignUntilSet(bodyId, thumbprint, key.signUntil);
    }

    /// @inheritdoc ITrustRegistry
    function setAnchorUntil(bytes32 bodyId, bytes32 thumbprint, uint64 until) external {
        _isParty(bodyId);
        Key storage key = _knownKey(bodyId, thumbprint);
        key.anchorUntil = _earlierLimit(key.anchorUntil, until);
        emit KeyAnchorUntilSet(bodyId, thumbprint, key.anchorUntil);
    }

    /// @inheritdoc ITrustRegistry
    function revokeKey(
        bytes32 bodyId,
        bytes32 thumbprint,
        uint64 effective,
        uint64 compromisedSince
    ) external {
        bool byParty = _isParty(bodyId);
        if (!byParty && (effective != 0 || compromisedSince != 0)) {
            revert TrustRegistryNotPartyAdmin(_bodies[bodyId].partyId, msg.sender);
        }
        Key storage key = _knownKey(bodyId, thumbprint);
        uint64 recordedAt = uint64(block.timestamp);
        if (effective == 0) effective = key.revokedAt == 0 ? recordedAt : key.revokedAt;
        if (effective > recordedAt) revert TrustRegistryInFuture(effective);
        if (compromisedSince == 0) compromisedSince = key.compromisedSince;
        if (compromisedSince > effective) {
            revert TrustRegistryInvalidInterval(compromisedSince, effective);
        }
        if (key.revokedAt != 0) _requireFurtherBack(key, effective, compromisedSince);

        key.revokedAt = effective;
        key.revocationRecordedAt = recordedAt;
        key.compromisedSince = compromisedSince;
        emit KeyRevoked(bodyId, thumbprint, effective, compromisedSince, byParty);
    }

    // Reading

    /// @inheritdoc ITrustRegistry
    function partyOf(bytes32 partyId) external view returns (Party memory party) {
        return _parties[partyId];
    }

    /// @inheritdoc ITrustRegistry
    function partyCount() external view returns (uint256 count) {
        return _partyIds.length;
    }

    /// @inheritdoc ITrustRegistry
    function partyAt(uint256 index) external view returns (bytes32 partyId) {
        return _partyIds[index];
    }

    /// @inheritdoc ITrustRegistry
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
        )
    {
        body = _bodies[bodyId];
        return (_parties[body.partyId], body, _statuses[bodyId], _scopes[bodyId]);
    }

    /// @inheritdoc ITrustRegistry
    function bodyCount() external view returns (uint256 count) {
        return _bodyIds.length;
    }

    /// @inheritdoc ITrustRegistry
    function bodyAt(uint256 index) external view returns (bytes32 bodyId) {
        return _bodyIds[index];
    }

    /// @inheritdoc ITrustRegistry
    function keyOf(bytes32 bodyId, bytes32 thumbprint) external view returns (Key memory key) {
        return _keys[bodyId][thumbprint];
    }

    /// @inheritdoc ITrustRegistry
    function keyCount(bytes32 bodyId) external view returns (uint256 count) {
        return _thumbprints[bodyId].length;
    }

    /// @inheritdoc ITrustRegistry
    function keyAt(bytes32 bodyId, uint256 index) external view returns (bytes32 thumbprint) {
        return _thumbprints[bodyId][index];
    }

    /// @inheritdoc ITrustRegistry
    function operatorWindow(address operator) external view returns (uint64 from, uint64 until) {
        Window storage window = _windows[operator];
        return (window.from, window.until);
    }

    /// @inheritdoc ITrustRegistry
    function operatorCount() external view returns (uint256 count) {
        return _operators.length;
    }

    /// @inheritdoc ITrustRegistry
    function operatorAt(uint256 index) external view returns (address operator) {
        return _operators[index];
    }

    /// @inheritdoc ITrustRegistry
    function mayAnchor(address operator) external view returns (bool allowed) {
        Window storage window = _windows[operator];
        return window.from != 0 && window.until == 0 && !additionsPaused();
    }

    /// @inheritdoc ITrustRegistry
    function controllersOf(
        bytes32 bodyId
    ) external view returns (address bodyAdmin, address partyAdmin) {
        Body storage body = _bodies[bodyId];
        return (body.admin, _parties[body.partyId].admin);
    }

    /// @inheritdoc ITrustRegistry
    function mayAdd(bytes32 bodyId) external view returns (bool allowed) {
        Body storage body = _bodies[bodyId];
        if (additionsPaused() || _parties[body.partyId].removedAt != 0) return false;
        return body.registeredAt != 0;
    }

    /// @inheritdoc ITrustRegistry
    function bodyIdOf(bytes32 partyId, string calldata did) public pure returns (bytes32 bodyId) {
        return sha256(abi.encodePacked("lancang/body/1\x00", partyId, did));
    }

    // Rules

    function _claimBodyAdmin(address admin) private {
        if (admin == address(0) || admin == address(this) || _partyOfAdmin[admin] != 0) {
            revert TrustRegistryControllerNotDistinct(admin);
        }
        ++_bodiesOfAdmin[admin];
    }

    function _requireFreshPartyAdmin(address admin) private view {
        bool taken = _partyOfAdmin[admin] != 0 || _bodiesOfAdmin[admin] != 0;
        if (admin == address(0) || admin == address(this) || taken) {
            revert TrustRegistryControllerNotDistinct(admin);
        }
    }

    function _knownParty(bytes32 partyId) private view returns (Party storage party) {
        party = _parties[partyId];
        if (party.addedAt == 0) revert TrustRegistryUnknownParty(partyId);
    }

    function _requireStandingParty(bytes32 partyId) private view {
        Party storage party = _knownParty(partyId);
        if (party.admin != msg.sender) revert TrustRegistryNotPartyAdmin(partyId, msg.sender);
        if (party.removedAt != 0) revert TrustRegistryPartyRemoved(partyId);
    }

    /// @dev The body, if the caller acts for its party; the party may have been removed.
    function _bodyOfCaller(bytes32 bodyId) private view returns (Body storage body) {
        body = _knownBody(bodyId);
        if (_parties[body.partyId].admin != msg.sender) {
            revert TrustRegistryNotPartyAdmin(body.partyId, msg.sender);
        }
    }

    /// @dev Guards additions about a body: no pause, its party stands.
    function _requireOpenFor(Body storage body) private view {
        if (additionsPaused()) revert GovernancePaused();
        if (_parties[body.partyId].removedAt != 0) revert TrustRegistryPartyRemoved(body.partyId);
    }

    /// @dev True if the caller acts for the party, false if for the body, else reverts.
    function _isParty(bytes32 bodyId) private view returns (bool byParty) {
        Body storage body = _knownBody(bodyId);
        byParty = _parties[body.partyId].admin == msg.sender;
        if (!byParty && body.admin != msg.sender) {
            revert TrustRegistryNotController(bodyId, msg.sender);
        }
    }

    function _knownBody(bytes32 bodyId) private view returns (Body storage body) {
        body = _bodies[bodyId];
        if (body.registeredAt == 0) revert TrustRegistryUnknownBody(bodyId);
    }

    function _knownKey(bytes32 bodyId, bytes32 thumbprint) private view returns (Key storage key) {
        key = _keys[bodyId][thumbprint];
        if (key.registeredAt == 0) revert TrustRegistryUnknownKey(bodyId, thumbprint);
    }

    /// @dev A revoked key: at least one of the two times moves earlier, none later.
    function _requireFurtherBack(
        Key storage key,
        uint64 effective,
        uint64 compromisedSince
    ) private view {
        uint64 revokedAt = key.revokedAt;
        uint64 claimed = key.compromisedSince;
        bool moved = effective < revokedAt || compromisedSince != claimed;
        if (effective > revokedAt || !moved) revert TrustRegistryNotEarlier(revokedAt);
        if (claimed != 0 && compromisedSince > claimed) revert TrustRegistryNotEarlier(claimed);
    }

    /// @dev The new end of a use window: only ever earlier, not in the past.
    function _earlierLimit(uint64 present, uint64 until) private view returns (uint64 limit) {
        limit = until == 0 ? uint64(block.timestamp) : until;
        if (limit < block.timestamp) revert TrustRegistryBackDated(limit);
        if (present != 0 && limit >= present) revert TrustRegistryNotEarlier(present);
    }

    /// @dev Codes count from 1.
    function _requireCode(uint8 code, uint8 last) private pure {
        if (code == 0 || code > last) revert TrustRegistryUnknownCode(code);
    }
}
