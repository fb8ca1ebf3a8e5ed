// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrustRegistry} from "../../../contracts/ITrustRegistry.sol";
import {Checked} from "./support/Checked.sol";
import {RegistryHandler} from "./support/RegistryHandler.sol";
import {World} from "./support/World.sol";

contract TrustRegistryTest is World {
    function setUp() public {
        _build();
    }

    function testFuzz_ABodyIsActiveNoEarlierThanItsBlock(uint64 from) public {
        VM.assume(from != 0);
        VM.prank(CN_ADMIN);
        try registry.recordBodyStatus(lab, 1, from) {
            _check(from >= block.timestamp, "accepted");
        } catch {
            _check(from < block.timestamp, "refused");
        }
    }

    function testFuzz_SuspensionReachesBackAsFarAsItsPartySays(uint64 from) public {
        VM.assume(from != 0);
        VM.prank(CN_ADMIN);
        registry.recordBodyStatus(lab, 2, from);
        (, , ITrustRegistry.BodyStatus[] memory statuses, ) = registry.bodyDossier(lab);
        _same(statuses[1].effectiveFrom, from, "beginning");
        _same(statuses[1].recordedAt, block.timestamp, "time of the act");
    }

    function testFuzz_TheIdOfABodyIsTheHashOfPartyAndIdentifier(
        bytes32 party,
        string calldata did
    ) public view {
        bytes memory text = bytes.concat("lancang/body/1", hex"00", party, bytes(did));
        _check(registry.bodyIdOf(party, did) == sha256(text), "id");
    }

    function testFuzz_AcceptsIdentifiersByOneRule(bytes calldata tail) public {
        bytes memory did = bytes.concat("did:web:", tail);
        bool valid = tail.length != 0 && did.length <= 255;
        for (uint256 i = 0; i < tail.length; ++i) {
            if (uint8(tail[i]) <= 32 || uint8(tail[i]) >= 127) valid = false;
        }
        VM.prank(CN_ADMIN);
        try registry.registerBody(CN, string(did), 1, LAB_ADMIN) {
            _check(valid, "accepted");
        } catch {
            _check(!valid, "refused");
        }
    }

    function testFuzz_AcceptsPartyIdsByOneRule(uint256 seed, uint256 length, uint256 spoil) public {
        length = _between(length, 0, 32);
        bytes memory text = new bytes(32);
        bytes memory letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
        for (uint256 i = 0; i < length; ++i) {
            text[i] = letters[uint256(keccak256(abi.encode(seed, i))) % letters.length];
        }
        bool valid = length >= 2;
        if (spoil % 3 == 0) {
            // One byte that is no letter of an id, inside or behind the text.
            bytes memory wrong = "a_. /:@[`{~\x01\x7f\x80\xff";
            uint256 position = (spoil >> 8) % 32;
            text[position] = wrong[(spoil >> 16) % wrong.length];
            valid = false;
        }
        bytes32 id = bytes32(text);
        VM.assume(id != CN && id != LA);
        bytes memory action = abi.encodeCall(registry.addParty, (id, "TH", STRANGER, 0));
        VM.prank(MEMBER);
        registry.propose(action);
        uint256 nonce = registry.proposalCount() - 1;
        VM.prank(MEMBER);
        try registry.execute(nonce, action) {
            _check(valid, "accepted");
        } catch {
            _check(!valid, "refused");
        }
    }

    function testFuzz_NobodyElseSpeaksForAParty(address caller) public {
        VM.assume(caller != CN_ADMIN);
        VM.expectPartialRevert(ITrustRegistry.TrustRegistryNotPartyAdmin.selector);
        VM.prank(caller);
        registry.recordBodyStatus(lab, 2, 0);
    }
}

contract TrustRegistryInvariants is Checked {
    RegistryHandler private _handler;

    function setUp() public {
        _handler = new RegistryHandler();
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](11);
        selectors[0] = RegistryHandler.recordStatus.selector;
        selectors[1] = RegistryHandler.recordStatusSoon.selector;
        selectors[2] = RegistryHandler.recordScope.selector;
        selectors[3] = RegistryHandler.registerKey.selector;
        selectors[4] = RegistryHandler.limitKey.selector;
        selectors[5] = RegistryHandler.revokeKey.selector;
        selectors[6] = RegistryHandler.setBodyAdmin.selector;
        selectors[7] = RegistryHandler.rotateAdmin.selector;
        selectors[8] = RegistryHandler.removeParty.selector;
        selectors[9] = RegistryHandler.pause.selector;
        selectors[10] = RegistryHandler.wait_.selector;
        return _only(address(_handler), selectors);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @notice Statuses and scopes are never changed or removed, also after their party's removal.
    /// Keys are checked by the handler after each act.
    function invariant_WhatWasSaidStays() public view {
        _handler.checkLists();
    }

    /// @notice Controllers stay apart, whatever is rotated.
    function invariant_ControllersAreDistinct() public view {
        _handler.checkControllers();
    }
}
