// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICertificateLedger} from "../../../contracts/ICertificateLedger.sol";
import {Checked} from "./support/Checked.sol";
import {LedgerHandler} from "./support/LedgerHandler.sol";
import {World} from "./support/World.sol";

contract CertificateLedgerTest is World {
    function setUp() public {
        _build();
    }

    function testFuzz_RevokesExactlyTheEntryAsked(
        uint32 list,
        uint32 index,
        uint32 otherList,
        uint32 otherIndex
    ) public {
        VM.assume(list != otherList || index != otherIndex);
        uint32[] memory words = new uint32[](1);
        uint256[] memory masks = new uint256[](1);
        (words[0], masks[0]) = (index / 256, 1 << (index % 256));
        VM.prank(LAB_ADMIN);
        ledger.revoke(lab, list, words, masks, 1);

        (bool revoked, , , ) = ledger.statusOf(lab, list, index, 0);
        _check(revoked, "the entry");
        (revoked, , , ) = ledger.statusOf(lab, otherList, otherIndex, 0);
        _check(!revoked, "another entry");
        (revoked, , , ) = ledger.statusOf(office, list, index, 0);
        _check(!revoked, "the same entry of another body");
    }

    function testFuzz_AnchorsOnlyNonZeroRootsOfOneToAMillionLeaves(
        bytes32 root,
        uint32 size
    ) public {
        bool valid = root != 0 && size >= 1 && size <= 2 ** 20;
        VM.prank(OPERATOR);
        try ledger.anchor(1, root, size) {
            _check(valid, "accepted");
            _same(ledger.earliestAnchor(1, root, size).anchoredAt, block.timestamp, "time");
        } catch {
            _check(!valid, "refused");
        }
    }

    function testFuzz_RefusesOtherSchemes(uint8 scheme) public {
        VM.assume(scheme != 1);
        VM.expectPartialRevert(ICertificateLedger.CertificateLedgerUnknownScheme.selector);
        VM.prank(OPERATOR);
        ledger.anchor(scheme, HASH, 1);
    }

    function testFuzz_NobodyElseWritesTheStatusOfABody(address caller) public {
        VM.assume(caller != LAB_ADMIN && caller != CN_ADMIN);
        VM.expectPartialRevert(ICertificateLedger.CertificateLedgerNotController.selector);
        VM.prank(caller);
        ledger.revokeLeaf(lab, HASH, 1);
    }
}

contract CertificateLedgerInvariants is Checked {
    LedgerHandler private _handler;

    function setUp() public {
        _handler = new LedgerHandler();
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](9);
        selectors[0] = LedgerHandler.anchor.selector;
        selectors[1] = LedgerHandler.change.selector;
        selectors[2] = LedgerHandler.revokeLeaf.selector;
        selectors[3] = LedgerHandler.pause.selector;
        selectors[4] = LedgerHandler.unpause.selector;
        selectors[5] = LedgerHandler.removeParty.selector;
        selectors[6] = LedgerHandler.rotateAdmin.selector;
        selectors[7] = LedgerHandler.wait_.selector;
        selectors[8] = LedgerHandler.withdrawOperator.selector;
        return _only(address(_handler), selectors);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @notice Revocation is monotone, each suspension belongs to who set it, events are counted.
    function invariant_BitmapsFollowTheModel() public view {
        _handler.checkBits();
    }

    /// @notice A revoked leaf stays revoked, inside its body only.
    function invariant_LeavesFollowTheModel() public view {
        _handler.checkLeaves();
    }

    /// @notice Anchors never change, whatever happens to operators and parties.
    function invariant_AnchorsFollowTheModel() public view {
        _handler.checkAnchors();
    }
}
