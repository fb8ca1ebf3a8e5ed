// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CertificateLedger} from "../../../../contracts/CertificateLedger.sol";
import {ICertificateLedger} from "../../../../contracts/ICertificateLedger.sol";
import {World} from "./World.sol";

/// @notice Anybody does anything to the ledger; a slow model says what must be the case.
/// @dev The model decides on its own who may do what, and every act must succeed exactly then.
contract LedgerHandler is World {
    enum Act {
        Revoke,
        Suspend,
        Resume
    }

    struct Bits {
        uint256 revoked;
        uint256 suspendedByBody;
        uint256 suspendedByParty;
    }

    uint256 public constant LISTS = 2;
    uint256 public constant WORDS = 3;
    uint256 public constant LEAVES = 4;

    bool public paused;
    bool public removed;
    bool public withdrawn;
    address public cnAdmin = CN_ADMIN;
    uint256 private _rotations;

    mapping(bytes32 body => mapping(uint32 list => mapping(uint32 word => Bits bits)))
        private _bits;
    mapping(bytes32 body => mapping(uint256 leaf => bool revoked)) public leafRevoked;
    mapping(bytes32 body => uint256 events) public eventCount;
    ICertificateLedger.Anchor[] private _anchors;

    constructor() {
        _build();
    }

    function anchor(uint256 who, uint256 rootSeed, uint256 sizeSeed) external {
        address caller = _anybody(who);
        bytes32 root = bytes32(_between(rootSeed, 0, 3));
        uint32 size = uint32(sizeSeed % 8 == 0 ? _between(sizeSeed, 0, 2 ** 21) : sizeSeed % 3);
        bool valid = root != 0 && size >= 1 && size <= 2 ** 20;
        bool known = _findAnchor(caller, root, size) < _anchors.length;
        bool authorised = caller == OPERATOR || (caller == OTHER_OPERATOR && !withdrawn);
        bool allowed = valid && (known || (authorised && !paused));

        VM.prank(caller);
        try ledger.anchor(1, root, size) {
            _check(allowed, "anchored though it must not");
        } catch {
            _check(!allowed, "refused to anchor though it must");
        }
        if (!allowed || known) return;
        _anchors.push(
            ICertificateLedger.Anchor({
                operator: caller,
                anchoredAt: uint64(block.timestamp),
                blockNumber: uint64(block.number),
                size: size,
                scheme: 1,
                root: root
            })
        );
    }

    function change(uint256 who, uint256 where, uint256 what, uint256 mask) external {
        address caller = _anybody(who);
        Act act = Act(what % 3);
        bytes32 body = where % 2 == 0 ? lab : office;
        uint32 list = uint32((where >> 8) % LISTS);
        uint32 word = uint32((where >> 16) % WORDS);
        bool byParty = caller == _partyAdmin(body);
        bool allowed = byParty || caller == (body == lab ? LAB_ADMIN : OFFICE_ADMIN);
        if (act == Act.Resume && (paused || (removed && body == lab))) allowed = false;

        VM.prank(caller);
        (bool accepted, ) = address(ledger).call(_calldata(act, body, list, word, mask));
        _check(accepted == allowed, "changed a status against the rules");
        if (!allowed) return;
        ++eventCount[body];
        _apply(_bits[body][list][word], act, byParty, mask);
    }

    function revokeLeaf(uint256 who, uint256 where) external {
        address caller = _anybody(who);
        bytes32 body = where % 2 == 0 ? lab : office;
        uint256 leaf = _between(where >> 8, 1, LEAVES);
        bool allowed =
            caller == _partyAdmin(body) || caller == (body == lab ? LAB_ADMIN : OFFICE_ADMIN);
        VM.prank(caller);
        try ledger.revokeLeaf(body, bytes32(leaf), 4) {
            _check(allowed, "revoked a leaf though it must not");
            leafRevoked[body][leaf] = true;
            ++eventCount[body];
        } catch {
            _check(!allowed, "refused to revoke a leaf");
        }
    }

    function pause() external {
        VM.prank(MEMBER);
        registry.pauseAdditions();
        paused = true;
    }

    function unpause() external {
        _govern(abi.encodeCall(registry.resumeAdditions, ()));
        paused = false;
    }

    function removeParty(uint256 seed) external {
        if (removed || seed % 16 != 0) return;
        _govern(abi.encodeCall(registry.removeParty, (CN)));
        removed = true;
    }

    function withdrawOperator(uint256 seed) external {
        if (withdrawn || seed % 16 != 0) return;
        _govern(abi.encodeCall(registry.withdrawOperator, (OTHER_OPERATOR)));
        withdrawn = true;
    }

    function rotateAdmin(uint256 seed) external {
        if (seed % 8 != 0) return;
        // Back and forth between the first account and fresh ones.
        cnAdmin = cnAdmin == CN_ADMIN ? address(uint160(0x200 + ++_rotations)) : CN_ADMIN;
        _govern(abi.encodeCall(registry.rotateAdmin, (CN, cnAdmin)));
    }

    function wait_(uint256 seconds_) external {
        VM.warp(block.timestamp + _between(seconds_, 1, 1 days));
    }

    /// @dev Every word of the model against the ledger.
    function checkBits() external view {
        bytes32[2] memory bodies = [lab, office];
        for (uint256 b = 0; b < 2; ++b) {
            for (uint32 list = 0; list < LISTS; ++list) {
                for (uint32 position = 0; position < WORDS; ++position) {
                    Bits storage bits = _bits[bodies[b]][list][position];
                    (uint256 revoked, uint256 byBody, uint256 byParty) = ledger.word(
                        bodies[b],
                        list,
                        position
                    );
                    _same(revoked, bits.revoked, "revoked bits");
                    _same(byBody, bits.suspendedByBody, "bits suspended by the body");
                    _same(byParty, bits.suspendedByParty, "bits suspended by the party");
                }
            }
            _same(ledger.statusEventCount(bodies[b]), eventCount[bodies[b]], "events");
        }
    }

    /// @dev Every leaf of the model against the ledger.
    function checkLeaves() external view {
        for (uint256 leaf = 1; leaf <= LEAVES; ++leaf) {
            (, , , bool ofLab) = ledger.statusOf(lab, 0, 0, bytes32(leaf));
            (, , , bool ofOffice) = ledger.statusOf(office, 0, 0, bytes32(leaf));
            _check(ofLab == leafRevoked[lab][leaf], "leaf of the laboratory");
            _check(ofOffice == leafRevoked[office][leaf], "leaf of the office");
        }
    }

    /// @dev Every anchor ever made is as it was, and the first of each tree is the earliest.
    function checkAnchors() external view {
        _same(ledger.anchorCount(), _anchors.length, "number of anchors");
        for (uint256 i = 0; i < _anchors.length; ++i) {
            ICertificateLedger.Anchor memory model = _anchors[i];
            bytes32 expected = keccak256(abi.encode(model));
            ICertificateLedger.Anchor memory found = ledger.anchorAt(i);
            _check(keccak256(abi.encode(found)) == expected, "anchor by position");
            found = ledger.anchorOf(model.operator, 1, model.root, model.size);
            _check(keccak256(abi.encode(found)) == expected, "anchor by operator");
            found = ledger.earliestAnchor(1, model.root, model.size);
            expected = keccak256(abi.encode(_earliest(model.root, model.size)));
            _check(keccak256(abi.encode(found)) == expected, "earliest anchor");
        }
    }

    function _apply(Bits storage bits, Act act, bool byParty, uint256 mask) private {
        if (act == Act.Revoke) bits.revoked |= mask;
        else if (act == Act.Suspend && byParty) bits.suspendedByParty |= mask;
        else if (act == Act.Suspend) bits.suspendedByBody |= mask;
        else if (byParty) bits.suspendedByParty &= ~mask;
        else bits.suspendedByBody &= ~mask;
    }

    function _findAnchor(
        address operator,
        bytes32 root,
        uint32 size
    ) private view returns (uint256 position) {
        while (
            position < _anchors.length &&
            (_anchors[position].operator != operator ||
                _anchors[position].root != root ||
                _anchors[position].size != size)
        ) ++position;
    }

    function _earliest(
        bytes32 root,
        uint32 size
    ) private view returns (ICertificateLedger.Anchor memory first) {
        uint256 position = 0;
        while (_anchors[position].root != root || _anchors[position].size != size) ++position;
        return _anchors[position];
    }

    function _partyAdmin(bytes32 body) private view returns (address admin) {
        return body == lab ? cnAdmin : LA_ADMIN;
    }

    function _calldata(
        Act act,
        bytes32 body,
        uint32 list,
        uint32 word,
        uint256 mask
    ) private pure returns (bytes memory data) {
        uint32[] memory words = new uint32[](1);
        uint256[] memory masks = new uint256[](1);
        (words[0], masks[0]) = (word, mask);
        bytes4 selector =
            act == Act.Revoke
                ? CertificateLedger.revoke.selector
                : act == Act.Suspend
                    ? CertificateLedger.suspend.selector
                    : CertificateLedger.resume.selector;
        return abi.encodeWithSelector(selector, body, list, words, masks, uint8(4));
    }
}
