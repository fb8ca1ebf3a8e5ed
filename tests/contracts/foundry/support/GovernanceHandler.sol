// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TrustRegistry} from "../../../../contracts/TrustRegistry.sol";
import {Checked} from "./Checked.sol";

/// @notice Members and strangers propose, approve, withdraw, execute and call governed functions, on
/// a chain that is none of development. The handler counts approvals on its own.
contract GovernanceHandler is Checked {
    struct Known {
        bytes action;
        bytes32 actionHash;
        uint256 proposedAt;
        uint256 enoughSince;
        bool executed;
    }

    uint256 public constant DELAY = 48 hours;
    uint256 public constant ACCOUNTS = 6;

    TrustRegistry public immutable registry;

    uint256 public threshold = 2;
    uint256 public partiesAdded;
    uint256 public operatorsAuthorised;
    bool public paused;

    mapping(address account => bool present) public isMember;
    mapping(uint256 nonce => mapping(address account => bool approves)) public approves;
    Known[] private _known;

    constructor() {
        VM.chainId(1);
        VM.warp(1_800_000_000);
        address[] memory members = new address[](4);
        for (uint256 i = 0; i < 4; ++i) {
            members[i] = _account(i);
            isMember[members[i]] = true;
        }
        registry = new TrustRegistry(members, threshold, DELAY);
    }

    function propose(uint256 who, uint256 what) external {
        address caller = _account(who);
        bytes memory action = _action(what);
        VM.prank(caller);
        try registry.propose(action) returns (bytes32 actionHash) {
            _check(isMember[caller], "a stranger proposed");
            uint256 nonce = _known.length;
            approves[nonce][caller] = true;
            _known.push(Known(action, actionHash, block.timestamp, 0, false));
        } catch {
            _check(!isMember[caller], "a member could not propose");
        }
    }

    function approve(uint256 who, uint256 which) external {
        if (_known.length == 0) return;
        address caller = _account(who);
        uint256 nonce = _recent(which);
        VM.prank(caller);
        try registry.approve(_known[nonce].actionHash) {
            _check(isMember[caller] && !approves[nonce][caller], "approved against the rules");
            approves[nonce][caller] = true;
            if (_known[nonce].enoughSince == 0 && _approvals(nonce) >= threshold) {
                _known[nonce].enoughSince = block.timestamp;
            }
        } catch {}
    }

    function withdrawApproval(uint256 who, uint256 which) external {
        if (_known.length == 0) return;
        address caller = _account(who);
        uint256 nonce = _recent(which);
        VM.prank(caller);
        try registry.withdrawApproval(_known[nonce].actionHash) {
            _check(approves[nonce][caller], "withdrew what was never given");
            approves[nonce][caller] = false;
            if (_approvals(nonce) < threshold) _known[nonce].enoughSince = 0;
        } catch {}
    }

    function execute(uint256 who, uint256 which) external {
        if (_known.length == 0) return;
        address caller = _account(who);
        uint256 nonce = _recent(which);
        Known storage known = _known[nonce];
        uint256 approvals = _approvals(nonce);
        VM.prank(caller);
        try registry.execute(nonce, known.action) {
            _check(isMember[caller], "a stranger executed");
            _check(approvals >= threshold, "executed with too few approvals");
            _check(known.enoughSince != 0, "executed though never scheduled");
            _check(block.timestamp >= known.enoughSince + DELAY, "executed before the delay");
            _check(block.timestamp < known.proposedAt + DELAY + 30 days, "executed when expired");
            _check(!known.executed, "executed twice");
            known.executed = true;
            _followed(bytes4(known.action));
        } catch {}
    }

    /// @dev No account, member or not, gets past governance.
    function call(uint256 who, uint256 what) external {
        VM.prank(_account(who));
        (bool accepted, ) = address(registry).call(_action(what));
        _check(!accepted, "a governed function was called directly");
    }

    function pause(uint256 who) external {
        address caller = _account(who);
        VM.prank(caller);
        try registry.pauseAdditions() {
            _check(isMember[caller], "a stranger paused");
            paused = true;
        } catch {
            _check(!isMember[caller], "a member could not pause");
        }
    }

    function wait_(uint256 seconds_) external {
        bool long = seconds_ % 16 == 0; // long enough for a proposal to expire
        VM.warp(block.timestamp + (long ? 35 days : _between(seconds_, 1 hours, 3 days)));
    }

    /// @dev The model against the contract.
    function check() external view {
        _same(registry.partyCount(), partiesAdded, "parties");
        _same(registry.operatorCount(), operatorsAuthorised, "operators");
        _same(registry.proposalCount(), _known.length, "proposals");
        _check(registry.additionsPaused() == paused, "pause");
        (address[] memory members, uint256 present, ) = registry.governance();
        _same(present, threshold, "threshold");
        _check(present >= 2 && present < members.length, "one lost or stolen key decides");
        for (uint256 i = 0; i < members.length; ++i) {
            _check(isMember[members[i]], "member");
        }
    }

    /// @dev What an executed action changes in the model.
    function _followed(bytes4 selector) private {
        if (selector == registry.addParty.selector) {
            _check(!paused, "added under a pause");
            ++partiesAdded;
        } else if (selector == registry.authoriseOperator.selector) {
            _check(!paused, "authorised under a pause");
            ++operatorsAuthorised;
        } else if (selector == registry.resumeAdditions.selector) {
            paused = false;
        } else if (selector == registry.changeMembers.selector) {
            (address[] memory members, uint256 present, ) = registry.governance();
            for (uint256 i = 0; i < ACCOUNTS; ++i) isMember[_account(i)] = false;
            for (uint256 i = 0; i < members.length; ++i) isMember[members[i]] = true;
            threshold = present;
        }
    }

    /// @dev One of the last four proposals, so that some of them get far.
    function _recent(uint256 seed) private view returns (uint256 nonce) {
        uint256 count = _known.length;
        uint256 few = count < 4 ? count : 4;
        return count - 1 - (seed % few);
    }

    function _approvals(uint256 nonce) private view returns (uint256 approvals) {
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            address account = _account(i);
            if (approves[nonce][account] && isMember[account]) ++approvals;
        }
    }

    function _action(uint256 seed) private view returns (bytes memory action) {
        uint256 number = (seed >> 8) % 26;
        uint256 kind = seed % 7; // often a change of members, which has most consequences
        if (kind == 0) {
            bytes32 id = bytes32(abi.encodePacked("P", bytes1(uint8(65 + number))));
            address admin = address(uint160(0x900 + number));
            return abi.encodeCall(registry.addParty, (id, "CN", admin, 0));
        }
        if (kind == 1) {
            return abi.encodeCall(registry.authoriseOperator, (address(uint160(0x800 + number))));
        }
        if (kind == 2) return abi.encodeCall(registry.resumeAdditions, ());
        if (kind == 3) {
            return abi.encodeCall(registry.withdrawOperator, (address(uint160(0x800 + number))));
        }
        address[] memory members = new address[](3 + (number % 3));
        for (uint256 i = 0; i < members.length; ++i) members[i] = _account(i + number);
        return abi.encodeCall(registry.changeMembers, (members, number % 7 == 0 ? number % 4 : 2));
    }

    function _account(uint256 seed) private pure returns (address account) {
        return address(uint160(0x501 + (seed % ACCOUNTS)));
    }
}
