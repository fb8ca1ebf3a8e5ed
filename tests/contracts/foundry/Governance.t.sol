// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IGovernance} from "../../../contracts/IGovernance.sol";
import {TrustRegistry} from "../../../contracts/TrustRegistry.sol";
import {Checked} from "./support/Checked.sol";
import {GovernanceHandler} from "./support/GovernanceHandler.sol";

contract GovernanceTest is Checked {
    function testFuzz_AsksMoreOfGovernanceOutsideDevelopment(
        uint64 chain,
        uint256 count,
        uint256 threshold,
        uint256 delay
    ) public {
        VM.assume(chain != 0);
        bool development = chain % 4 == 0;
        if (development) chain = chain % 8 == 0 ? 1337 : 31337;
        VM.assume(development || (chain != 1337 && chain != 31337));
        count = _between(count, 0, 17);
        threshold = _between(threshold, 0, 18);
        delay = _between(delay, 0, 31 days);
        bool agreed = threshold >= 2 && threshold < count && delay >= 48 hours;
        bool enough = threshold >= 1 && threshold <= count && development;
        bool allowed = count >= 1 && count <= 15 && delay <= 30 days && (agreed || enough);

        VM.chainId(chain);
        try new TrustRegistry(_members(count), threshold, delay) {
            _check(allowed, "accepted");
        } catch {
            _check(!allowed, "refused");
        }
    }

    function testFuzz_AnApprovalCountsOnOneChainOneContractAndOnce(
        uint64 chain,
        uint64 otherChain,
        uint256 nonce,
        uint256 otherNonce,
        bytes calldata action
    ) public {
        VM.assume(chain != 0 && otherChain != 0);
        VM.assume(chain != otherChain && nonce != otherNonce);
        TrustRegistry registry = new TrustRegistry(_members(1), 1, 0);
        TrustRegistry twin = new TrustRegistry(_members(1), 1, 0);
        VM.chainId(chain);
        bytes32 approved = registry.hashAction(nonce, action);
        _check(twin.hashAction(nonce, action) != approved, "another contract");
        _check(registry.hashAction(otherNonce, action) != approved, "another nonce");
        _check(
            registry.hashAction(nonce, abi.encodePacked(action, bytes1(0))) != approved,
            "another action"
        );
        VM.chainId(otherChain);
        _check(registry.hashAction(nonce, action) != approved, "another chain");
    }

    function testFuzz_OnlyMembersPropose(address caller) public {
        TrustRegistry registry = new TrustRegistry(_members(3), 2, 48 hours);
        VM.assume(uint160(caller) < 0x501 || uint160(caller) > 0x503);
        VM.expectPartialRevert(IGovernance.GovernanceNotMember.selector);
        VM.prank(caller);
        registry.propose("");
    }

    function _members(uint256 count) private pure returns (address[] memory members) {
        members = new address[](count);
        for (uint256 i = 0; i < count; ++i) members[i] = address(uint160(0x501 + i));
    }
}

contract GovernanceInvariants is Checked {
    GovernanceHandler private _handler;

    function setUp() public {
        _handler = new GovernanceHandler();
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[] memory selectors = new bytes4[](9);
        selectors[0] = GovernanceHandler.propose.selector;
        selectors[1] = GovernanceHandler.approve.selector;
        selectors[2] = GovernanceHandler.approve.selector; // often, so that something happens
        selectors[3] = GovernanceHandler.withdrawApproval.selector;
        selectors[4] = GovernanceHandler.execute.selector;
        selectors[5] = GovernanceHandler.execute.selector;
        selectors[6] = GovernanceHandler.call.selector;
        selectors[7] = GovernanceHandler.pause.selector;
        selectors[8] = GovernanceHandler.wait_.selector;
        return _only(address(_handler), selectors);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @notice No party, operator or member comes without m distinct present members and the delay;
    /// the handler checks each execution, this the sum.
    function invariant_NothingIsAddedWithoutGovernance() public view {
        _handler.check();
    }
}
