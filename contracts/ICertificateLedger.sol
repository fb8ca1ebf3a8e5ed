// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ITrustRegistry} from "./ITrustRegistry.sol";

/// @title Anchors of Merkle roots and the status of certificates
/// @notice Says when a root was anchored and by whom, and which certificates are revoked or
/// suspended. Holds digests and bits only.
///
/// Anchors never change. Revocation is never undone. A suspension is cleared only by who set it:
/// the body and its party have bitmaps of their own.
/// @dev Status index i of a list is bit i % 256 (least significant first) of word i / 256. Reasons:
/// 1 unspecified, 2 superseded, 3 error, 4 fraud, 5 key_compromise, 6 withdrawn_by_customer,
/// 7 order_of_authority. The mask of an event holds the bits that the act named, whether they were
/// set before or not: the first event that names a bit has the time of its revocation, a later one
/// can add a reason. All times are Unix seconds.
interface ICertificateLedger {
    /// @notice An anchored root. `anchoredAt == 0` means none.
    /// @param operator Account that anchored it, authorised at that time.
    /// @param anchoredAt Block time.
    /// @param blockNumber Block height.
    /// @param size Number of leaves, 1 to 2^20.
    /// @param scheme 1 RFC9162_SHA256.
    /// @param root Merkle root.
    struct Anchor {
        address operator;
        uint64 anchoredAt;
        uint64 blockNumber;
        uint32 size;
        uint8 scheme;
        bytes32 root;
    }

    /// @notice A root was anchored.
    /// @param root Merkle root.
    /// @param operator Account that anchored it.
    /// @param scheme 1 RFC9162_SHA256.
    /// @param size Number of leaves.
    event Anchored(bytes32 indexed root, address indexed operator, uint8 scheme, uint32 size);

    /// @notice Entries of a status list were revoked.
    /// @param bodyId Body that owns the list.
    /// @param list Number of the list.
    /// @param word Position of the word.
    /// @param mask Bits that the act named.
    /// @param reason Why, see above.
    event StatusRevoked(
        bytes32 indexed bodyId,
        uint32 indexed list,
        uint32 word,
        uint256 mask,
        uint8 reason
    );

    /// @notice Entries of a status list were suspended.
    /// @param bodyId Body that owns the list.
    /// @param list Number of the list.
    /// @param byParty True for the party, false for the body.
    /// @param word Position of the word.
    /// @param mask Bits that the act named.
    /// @param reason Why, see above.
    event StatusSuspended(
        bytes32 indexed bodyId,
        uint32 indexed list,
        bool byParty,
        uint32 word,
        uint256 mask,
        uint8 reason
    );

    /// @notice A suspension by the same side ended.
    /// @param bodyId Body that owns the list.
    /// @param list Number of the list.
    /// @param byParty True for the party, false for the body.
    /// @param word Position of the word.
    /// @param mask Bits that the act named.
    /// @param reason Why, see above.
    event StatusResumed(
        bytes32 indexed bodyId,
        uint32 indexed list,
        bool byParty,
        uint32 word,
        uint256 mask,
        uint8 reason
    );

    /// @notice A single signed thing was revoked by its leaf, whatever its status index.
    /// @param bodyId Body whose signature it carries.
    /// @param leaf Its leaf.
    /// @param reason Why, see above.
    event LeafRevoked(bytes32 indexed bodyId, bytes32 indexed leaf, uint8 reason);

    /// @notice There is no contract at the address given as the registry.
    /// @param registry The address.
    error CertificateLedgerInvalidRegistry(address registry);

    /// @notice The caller is no authorised operator, or additions are paused.
    /// @param caller Account that called.
    error CertificateLedgerMayNotAnchor(address caller);

    /// @notice The tree scheme is unknown.
    /// @param scheme The number.
    error CertificateLedgerUnknownScheme(uint8 scheme);

    /// @notice The root or leaf is zero.
    error CertificateLedgerEmptyHash();

    /// @notice The number of leaves is outside 1 to 2^20.
    /// @param size The number.
    error CertificateLedgerInvalidSize(uint32 size);

    /// @notice The caller acts neither for this body nor for its party.
    /// @param bodyId The body.
    /// @param caller Account that called.
    error CertificateLedgerNotController(bytes32 bodyId, address caller);

    /// @notice Nothing can be resumed while additions are paused or after the party's removal.
    /// @param bodyId The body.
    error CertificateLedgerMayNotResume(bytes32 bodyId);

    /// @notice Words and masks differ in number, or are none or too many.
    /// @param words Number of words.
    /// @param masks Number of masks.
    error CertificateLedgerInvalidLength(uint256 words, uint256 masks);

    /// @notice The word holds no index below 2^32.
    /// @param word The position.
    error CertificateLedgerInvalidWord(uint32 word);

    /// @notice The reason is outside 1 to 7.
    /// @param reason The number.
    error CertificateLedgerUnknownReason(uint8 reason);

    /// @notice Anchor a root. The same anchor again does nothing, at any time.
    /// @dev Authorised operators, no pause. Emits {Anchored}.
    /// @param scheme 1 RFC9162_SHA256.
    /// @param root Merkle root, not zero.
    /// @param size Number of leaves, 1 to 2^20.
    function anchor(uint8 scheme, bytes32 root, uint32 size) external;

    /// @notice Revoke entries of a status list for ever.
    /// @dev Body or party admin. Emits {StatusRevoked} per word.
    /// @param bodyId Body that owns the list.
    /// @param list Number of the list.
    /// @param words Positions of words, below 2^24, at most 512.
    /// @param masks Bits to set in each word.
    /// @param reason 1 to 7.
    function revoke(
        bytes32 bodyId,
        uint32 list,
        uint32[] calldata words,
        uint256[] calldata masks,
        uint8 reason
    ) external;

    /// @notice Revoke a single signed thing of a body by its leaf, for ever.
    /// @dev Body or party admin. Emits {LeafRevoked}.
    /// @param bodyId Body whose signature it carries.
    /// @param leaf Its leaf, not zero; need not be anchored.
    /// @param reason 1 to 7.
    function revokeLeaf(bytes32 bodyId, bytes32 leaf, uint8 reason) external;

    /// @notice Suspend entries of a status list, in the caller's own bitmap.
    /// @dev Body or party admin. Emits {StatusSuspended} per word.
    /// @param bodyId Body that owns the list.
    /// @param list Number of the list.
    /// @param words Positions of words, below 2^24, at most 512.
    /// @param masks Bits to set in each word.
    /// @param reason 1 to 7.
    function suspend(
        bytes32 bodyId,
        uint32 list,
        uint32[] calldata words,
        uint256[] calldata masks,
        uint8 reason
    ) external;

    /// @notice End suspensions in the caller's own bitmap.
    /// @dev Body or party admin, no pause, party not removed. Emits {StatusResumed} per word.
    /// @param bodyId Body that owns the list.
    /// @param list Number of the list.
    /// @param words Positions of words, below 2^24, at most 512.
    /// @param masks Bits to clear in each word.
    /// @param reason 1 to 7.
    function resume(
        bytes32 bodyId,
        uint32 list,
        uint32[] calldata words,
        uint256[] calldata masks,
        uint8 reason
    ) external;

    /// @notice Return the registry that says who may write.
    /// @return trustRegistry Its address.
    function registry() external view returns (ITrustRegistry trustRegistry);

    /// @notice Return an operator's anchor of a tree.
    /// @param operator The account.
    /// @param scheme 1 RFC9162_SHA256.
    /// @param root Merkle root.
    /// @param size Number of leaves.
    /// @return found All zero if there is none.
    function anchorOf(
        address operator,
        uint8 scheme,
        bytes32 root,
        uint32 size
    ) external view returns (Anchor memory found);

    /// @notice Return the first anchor of a tree by any operator.
    /// @param scheme 1 RFC9162_SHA256.
    /// @param root Merkle root.
    /// @param size Number of leaves.
    /// @return found All zero if there is none.
    function earliestAnchor(
        uint8 scheme,
        bytes32 root,
        uint32 size
    ) external view returns (Anchor memory found);

    /// @notice Return how many anchors were ever made.
    /// @return count The number.
    function anchorCount() external view returns (uint256 count);

    /// @notice Return an anchor by its position.
    /// @param index Counted from 0.
    /// @return found The anchor.
    function anchorAt(uint256 index) external view returns (Anchor memory found);

    /// @notice Return the status of one certificate.
    /// @param bodyId Body of the key that signed it.
    /// @param list Number of its status list.
    /// @param index Its index in the list.
    /// @param leaf Its leaf.
    /// @return revoked Its bit of the revocation bitmap.
    /// @return suspendedByBody Its bit of the body's suspension bitmap.
    /// @return suspendedByParty Its bit of the party's suspension bitmap.
    /// @return leafRevoked True if it was revoked by its leaf.
    function statusOf(
        bytes32 bodyId,
        uint32 list,
        uint32 index,
        bytes32 leaf
    )
        external
        view
        returns (bool revoked, bool suspendedByBody, bool suspendedByParty, bool leafRevoked);

    /// @notice Return the bitmaps of 256 entries of a status list.
    /// @param bodyId Body that owns the list.
    /// @param list Number of the list.
    /// @param position Position of the word.
    /// @return revoked Revocation bits.
    /// @return suspendedByBody Suspension bits of the body.
    /// @return suspendedByParty Suspension bits of the party.
    function word(
        bytes32 bodyId,
        uint32 list,
        uint32 position
    ) external view returns (uint256 revoked, uint256 suspendedByBody, uint256 suspendedByParty);

    /// @notice Return how many status events there ever were about a body, so that a reader of
    /// events sees when one is missing: revoked, suspended, resumed and leaf-revoked together.
    /// @param bodyId The body.
    /// @return count The number.
    function statusEventCount(bytes32 bodyId) external view returns (uint256 count);
}
