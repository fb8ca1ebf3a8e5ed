// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IGovernance} from "./IGovernance.sol";

/// @title Governance
/// @notice Base of a contract some of whose functions need m of n members and a delay.
abstract contract Governance is IGovernance {
    /// @notice Shortest delay outside development, seconds: two working days to notice and object.
    uint256 public constant MINIMUM_DELAY = 48 hours;

    /// @notice Longest delay, seconds; more would lock governance by mistake.
    uint256 public constant MAXIMUM_DELAY = 30 days;

    /// @notice How long a proposal stays open beyond the delay, seconds.
    uint256 public constant PROPOSAL_LIFETIME = 30 days;

    /// @notice Most members; bounds the work of counting approvals.
    uint256 public constant MAXIMUM_MEMBERS = 15;

    uint256 private immutable _DELAY;

    address[] private _members;
    mapping(address member => bool present) private _isMember;
    uint256 private _threshold;
    bool private _paused;

    bytes32[] private _proposalHashes;
    mapping(bytes32 actionHash => Proposal proposal) private _proposals;

    /// @dev Lets only an executed action pass.
    modifier onlyGoverned() {
        if (msg.sender != address(this)) revert GovernanceNotGoverned(msg.sender);
        _;
    }

    /// @dev Lets only present members pass.
    modifier onlyMember() {
        if (!_isMember[msg.sender]) revert GovernanceNotMember(msg.sender);
        _;
    }

    /// @dev Guards every addition.
    modifier whileOpen() {
        if (_paused) revert GovernancePaused();
        _;
    }

    /// @notice Set who decides. Development chains may do with one member and no delay; elsewhere
    /// at least two must agree, one member may be lost, and {MINIMUM_DELAY} holds.
    /// @param members All members, distinct.
    /// @param threshold Approvals that an action needs.
    /// @param delay Seconds between enough approvals and execution; fixed for ever.
    constructor(address[] memory members, uint256 threshold, uint256 delay) {
        if (delay > MAXIMUM_DELAY || (delay < MINIMUM_DELAY && !_isDevelopmentChain())) {
            revert GovernanceInvalidDelay(delay);
        }
        _DELAY = delay;
        _setMembers(members, threshold);
    }

    /// @inheritdoc IGovernance
    function propose(bytes calldata action) external onlyMember returns (bytes32 actionHash) {
        uint256 nonce = _proposalHashes.length;
        actionHash = hashAction(nonce, action);
        _proposalHashes.push(actionHash);

        Proposal storage proposal = _proposals[actionHash];
        proposal.nonce = uint64(nonce);
        proposal.proposedAt = uint64(block.timestamp);
        proposal.expiresAt = uint64(block.timestamp + _DELAY + PROPOSAL_LIFETIME);
        emit ActionProposed(actionHash, nonce, msg.sender, action);
        _addApproval(actionHash, proposal);
    }

    /// @inheritdoc IGovernance
    function approve(bytes32 actionHash) external onlyMember {
        Proposal storage proposal = _openProposal(actionHash);
        if (_positionOf(proposal.approvers, msg.sender) < proposal.approvers.length) {
            revert GovernanceAlreadyApproved(actionHash, msg.sender);
        }
        emit ActionApproved(actionHash, msg.sender);
        _addApproval(actionHash, proposal);
    }

    /// @inheritdoc IGovernance
    function withdrawApproval(bytes32 actionHash) external {
        Proposal storage proposal = _openProposal(actionHash);
        address[] storage approvers = proposal.approvers;
        uint256 position = _positionOf(approvers, msg.sender);
        if (position == approvers.length) revert GovernanceNotApproved(actionHash, msg.sender);

        approvers[position] = approvers[approvers.length - 1];
        approvers.pop();
        if (!_hasEnough(approvers)) proposal.readyAt = 0;
        emit ApprovalWithdrawn(actionHash, msg.sender);
    }

    /// @inheritdoc IGovernance
    function execute(uint256 nonce, bytes calldata action) external onlyMember {
        bytes32 actionHash = hashAction(nonce, action);
        Proposal storage proposal = _openProposal(actionHash);
        uint64 readyAt = proposal.readyAt;
        if (readyAt == 0 || block.timestamp < readyAt || !_hasEnough(proposal.approvers)) {
            revert GovernanceNotReady(actionHash, readyAt);
        }
        proposal.executedAt = uint64(block.timestamp);
        emit ActionExecuted(actionHash, msg.sender);
        // slither-disable-next-line unused-return -- governed functions return nothing
        Address.functionCall(address(this), action);
    }

    /// @inheritdoc IGovernance
    function changeMembers(address[] calldata members, uint256 threshold) external onlyGoverned {
        address[] memory former = _members;
        for (uint256 i = 0; i < former.length; ++i) {
            _isMember[former[i]] = false;
        }
        _setMembers(members, threshold);
    }

    /// @inheritdoc IGovernance
    function pauseAdditions() external onlyMember {
        if (_paused) return;
        _paused = true;
        emit AdditionsPaused(msg.sender);
    }

    /// @inheritdoc IGovernance
    function resumeAdditions() external onlyGoverned {
        _paused = false;
        emit AdditionsResumed();
    }

    /// @inheritdoc IGovernance
    function governance()
        external
        view
        returns (address[] memory members, uint256 threshold, uint256 delay)
    {
        return (_members, _threshold, _DELAY);
    }

    /// @inheritdoc IGovernance
    function proposalOf(bytes32 actionHash) external view returns (Proposal memory proposal) {
        return _proposals[actionHash];
    }

    /// @inheritdoc IGovernance
    function proposalCount() external view returns (uint256 count) {
        return _proposalHashes.length;
    }

    /// @inheritdoc IGovernance
    function proposalAt(uint256 nonce) external view returns (bytes32 actionHash) {
        return _proposalHashes[nonce];
    }

    /// @inheritdoc IGovernance
    function hashAction(
        uint256 nonce,
        bytes calldata action
    ) public view returns (bytes32 actionHash) {
        return keccak256(abi.encode(block.chainid, address(this), nonce, action));
    }

    /// @inheritdoc IGovernance
    function additionsPaused() public view returns (bool paused) {
        return _paused;
    }

    function _addApproval(bytes32 actionHash, Proposal storage proposal) private {
        proposal.approvers.push(msg.sender);
        if (proposal.readyAt == 0 && _hasEnough(proposal.approvers)) {
            proposal.readyAt = uint64(block.timestamp + _DELAY);
            emit ActionScheduled(actionHash, proposal.readyAt);
        }
    }

    function _setMembers(address[] memory members, uint256 threshold) private {
        uint256 count = members.length;
        if (count == 0 || count > MAXIMUM_MEMBERS) revert GovernanceInvalidMember(address(0));
        bool enough = threshold >= 2 && threshold < count;
        if (!enough && !(_isDevelopmentChain() && threshold >= 1 && threshold <= count)) {
            revert GovernanceInvalidThreshold(threshold, count);
        }
        for (uint256 i = 0; i < count; ++i) {
            address member = members[i];
            if (member == address(0) || member == address(this) || _isMember[member]) {
                revert GovernanceInvalidMember(member);
            }
            _isMember[member] = true;
        }
        _members = members;
        _threshold = threshold;
        emit MembersChanged(members, threshold);
    }

    /// @dev Approvals of former members do not count.
    function _hasEnough(address[] storage approvers) private view returns (bool enough) {
        uint256 approvals = 0;
        for (uint256 i = 0; i < approvers.length; ++i) {
            if (_isMember[approvers[i]]) ++approvals;
        }
        return approvals >= _threshold;
    }

    function _openProposal(bytes32 actionHash) private view returns (Proposal storage proposal) {
        proposal = _proposals[actionHash];
        if (proposal.executedAt != 0 || block.timestamp >= proposal.expiresAt) {
            revert GovernanceNotOpen(actionHash);
        }
    }

    function _isDevelopmentChain() private view returns (bool development) {
        return block.chainid == 31337 || block.chainid == 1337;
    }

    /// @dev Returns the length of the list when the account is not in it.
    function _positionOf(
        address[] storage accounts,
        address account
    ) private view returns (uint256 position) {
        uint256 length = accounts.length;
        while (position < length && accounts[position] != account) ++position;
    }
}
