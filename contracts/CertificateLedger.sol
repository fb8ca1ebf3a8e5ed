// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICertificateLedger} from "./ICertificateLedger.sol";
import {ITrustRegistry} from "./ITrustRegistry.sol";

/// @title CertificateLedger
/// @notice Append-only implementation of {ICertificateLedger}: no owner, no proxy.
contract CertificateLedger is ICertificateLedger {
    /// @dev An anchor without its block, which is kept beside its position: two slots, not three.
    struct Record {
        bytes32 root;
        address operator;
        uint48 anchoredAt;
        uint32 size;
        uint8 scheme;
    }

    /// @dev Where an operator's anchor of a tree is kept; `ordinal` counts from 1, 0 means none.
    struct Location {
        uint64 ordinal;
        uint64 blockNumber;
    }

    /// @dev Status bits of 256 entries.
    struct Word {
        uint256 revoked;
        uint256 suspendedByBody;
        uint256 suspendedByParty;
    }

    /// @notice The only tree scheme: RFC 9162, section 2.1, with SHA-256.
    uint8 public constant SCHEME_RFC9162_SHA256 = 1;

    /// @notice Most leaves of a batch.
    uint32 public constant MAXIMUM_LEAVES = 2 ** 20;

    /// @notice Most words of one call: 512 fresh words need 13.3 million gas, below the limit of
    /// 2^24 for a transaction (EIP-7825).
    uint256 public constant MAXIMUM_WORDS = 512;

    uint32 private constant _WORD_LIMIT = 2 ** 24; // 256 entries each: all indexes below 2^32
    uint8 private constant _REASON_LAST = 7;

    ITrustRegistry private immutable _REGISTRY;

    Record[] private _records;
    mapping(bytes32 anchorId => Location location) private _locations;
    mapping(bytes32 treeId => uint256 ordinal) private _earliest;

    mapping(bytes32 bodyId => mapping(uint32 list => mapping(uint32 position => Word word)))
        private _words;
    mapping(bytes32 bodyId => mapping(bytes32 leaf => bool revoked)) private _revokedLeaves;
    mapping(bytes32 bodyId => uint256 count) private _statusEvents;

    /// @notice Bind the ledger to its registry for ever.
    /// @param trustRegistry Contract that says who may write.
    constructor(ITrustRegistry trustRegistry) {
        if (address(trustRegistry).code.length == 0) {
            revert CertificateLedgerInvalidRegistry(address(trustRegistry));
        }
        _REGISTRY = trustRegistry;
    }

    /// @inheritdoc ICertificateLedger
    function anchor(uint8 scheme, bytes32 root, uint32 size) external {
        if (scheme != SCHEME_RFC9162_SHA256) revert CertificateLedgerUnknownScheme(scheme);
        if (root == 0) revert CertificateLedgerEmptyHash();
        if (size == 0 || size > MAXIMUM_LEAVES) revert CertificateLedgerInvalidSize(size);
        bytes32 anchorId = _anchorId(msg.sender, scheme, root, size);
        if (_locations[anchorId].ordinal != 0) return;
        if (!_REGISTRY.mayAnchor(msg.sender)) revert CertificateLedgerMayNotAnchor(msg.sender);

        _records.push(Record(root, msg.sender, uint48(block.timestamp), size, scheme));
        uint256 ordinal = _records.length;
        _locations[anchorId] = Location(uint64(ordinal), uint64(block.number));
        bytes32 treeId = _treeId(scheme, root, size);
        if (_earliest[treeId] == 0) _earliest[treeId] = ordinal;
        emit Anchored(root, msg.sender, scheme, size);
    }

    /// @inheritdoc ICertificateLedger
    function revoke(
        bytes32 bodyId,
        uint32 list,
        uint32[] calldata words,
        uint256[] calldata masks,
        uint8 reason
    ) external {
        _requireController(bodyId);
        _requireBatch(words, masks, reason);
        for (uint256 i = 0; i < words.length; ++i) {
            _requireWord(words[i]);
            _words[bodyId][list][words[i]].revoked |= masks[i];
            emit StatusRevoked(bodyId, list, words[i], masks[i], reason);
        }
        _statusEvents[bodyId] += words.length;
    }

    /// @inheritdoc ICertificateLedger
    function revokeLeaf(bytes32 bodyId, bytes32 leaf, uint8 reason) external {
        _requireController(bodyId);
        _requireReason(reason);
        if (leaf == 0) revert CertificateLedgerEmptyHash();
        _revokedLeaves[bodyId][leaf] = true;
        ++_statusEvents[bodyId];
        emit LeafRevoked(bodyId, leaf, reason);
    }

    /// @inheritdoc ICertificateLedger
    function suspend(
        bytes32 bodyId,
        uint32 list,
        uint32[] calldata words,
        uint256[] calldata masks,
        uint8 reason
    ) external {
        bool byParty = _requireController(bodyId);
        _requireBatch(words, masks, reason);
        for (uint256 i = 0; i < words.length; ++i) {
            _requireWord(words[i]);
            Word storage bits = _words[bodyId][list][words[i]];
            if (byParty) bits.suspendedByParty |= masks[i];
            else bits.suspendedByBody |= masks[i];
            emit StatusSuspended(bodyId, list, byParty, words[i], masks[i], reason);
        }
        _statusEvents[bodyId] += words.length;
    }

    /// @inheritdoc ICertificateLedger
    function resume(
        bytes32 bodyId,
        uint32 list,
        uint32[] calldata words,
        uint256[] calldata masks,
        uint8 reason
    ) external {
        bool byParty = _requireController(bodyId);
        if (!_REGISTRY.mayAdd(bodyId)) revert CertificateLedgerMayNotResume(bodyId);
        _requireBatch(words, masks, reason);
        for (uint256 i = 0; i < words.length; ++i) {
            _requireWord(words[i]);
            Word storage bits = _words[bodyId][list][words[i]];
            if (byParty) bits.suspendedByParty &= ~masks[i];
            else bits.suspendedByBody &= ~masks[i];
            emit StatusResumed(bodyId, list, byParty, words[i], masks[i], reason);
        }
        _statusEvents[bodyId] += words.length;
    }

    /// @inheritdoc ICertificateLedger
    function registry() external view returns (ITrustRegistry trustRegistry) {
        return _REGISTRY;
    }

    /// @inheritdoc ICertificateLedger
    function anchorOf(
        address operator,
        uint8 scheme,
        bytes32 root,
        uint32 size
    ) external view returns (Anchor memory found) {
        Location storage location = _locations[_anchorId(operator, scheme, root, size)];
        if (location.ordinal != 0) return _anchorAt(location.ordinal - 1);
    }

    /// @inheritdoc ICertificateLedger
    function earliestAnchor(
        uint8 scheme,
        bytes32 root,
        uint32 size
    ) external view returns (Anchor memory found) {
        uint256 ordinal = _earliest[_treeId(scheme, root, size)];
        if (ordinal != 0) return _anchorAt(ordinal - 1);
    }

    /// @inheritdoc ICertificateLedger
    function anchorCount() external view returns (uint256 count) {
        return _records.length;
    }

    /// @inheritdoc ICertificateLedger
    function anchorAt(uint256 index) external view returns (Anchor memory found) {
        return _anchorAt(index);
    }

    /// @inheritdoc ICertificateLedger
    function statusOf(
        bytes32 bodyId,
        uint32 list,
        uint32 index,
        bytes32 leaf
    )
        external
        view
        returns (bool revoked, bool suspendedByBody, bool suspendedByParty, bool leafRevoked)
    {
        Word storage bits = _words[bodyId][list][index / 256];
        uint256 mask = 1 << (index % 256);
        revoked = bits.revoked & mask != 0;
        suspendedByBody = bits.suspendedByBody & mask != 0;
        suspendedByParty = bits.suspendedByParty & mask != 0;
        leafRevoked = _revokedLeaves[bodyId][leaf];
    }

    /// @inheritdoc ICertificateLedger
    function word(
        bytes32 bodyId,
        uint32 list,
        uint32 position
    ) external view returns (uint256 revoked, uint256 suspendedByBody, uint256 suspendedByParty) {
        Word storage bits = _words[bodyId][list][position];
        return (bits.revoked, bits.suspendedByBody, bits.suspendedByParty);
    }

    /// @inheritdoc ICertificateLedger
    function statusEventCount(bytes32 bodyId) external view returns (uint256 count) {
        return _statusEvents[bodyId];
    }

    function _anchorAt(uint256 index) private view returns (Anchor memory found) {
        Record storage record = _records[index];
        found.operator = record.operator;
        found.anchoredAt = record.anchoredAt;
        found.size = record.size;
        found.scheme = record.scheme;
        found.root = record.root;
        bytes32 anchorId = _anchorId(found.operator, found.scheme, found.root, found.size);
        found.blockNumber = _locations[anchorId].blockNumber;
    }

    /// @dev True if the caller acts for the party, false if for the body, else reverts.
    function _requireController(bytes32 bodyId) private view returns (bool byParty) {
        (address bodyAdmin, address partyAdmin) = _REGISTRY.controllersOf(bodyId);
        byParty = msg.sender == partyAdmin;
        if (!byParty && msg.sender != bodyAdmin) {
            revert CertificateLedgerNotController(bodyId, msg.sender);
        }
    }

    function _requireBatch(
        uint32[] calldata words,
        uint256[] calldata masks,
        uint8 reason
    ) private pure {
        uint256 count = words.length;
        if (count == 0 || count > MAXIMUM_WORDS || masks.length != count) {
            revert CertificateLedgerInvalidLength(count, masks.length);
        }
        _requireReason(reason);
    }

    function _requireWord(uint32 position) private pure {
        if (position >= _WORD_LIMIT) revert CertificateLedgerInvalidWord(position);
    }

    function _requireReason(uint8 reason) private pure {
        if (reason == 0 || reason > _REASON_LAST) revert CertificateLedgerUnknownReason(reason);
    }

    function _anchorId(
        address operator,
        uint8 scheme,
        bytes32 root,
        uint32 size
    ) private pure returns (bytes32 anchorId) {
        return keccak256(abi.encode(operator, scheme, root, size));
    }

    function _treeId(
        uint8 scheme,
        bytes32 root,
        uint32 size
    ) private pure returns (bytes32 treeId) {
        return keccak256(abi.encode(scheme, root, size));
    }
}
