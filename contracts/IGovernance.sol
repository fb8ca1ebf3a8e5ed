// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title Decisions of m of n members after a delay
/// @notice An action is the calldata of a governed function of the same contract. A member proposes
/// it, members approve it, and once enough have approved and the delay is over a member executes
/// it. Members approve a hash that binds chain, contract, nonce and action, so that an approval
/// counts nowhere else and only once.
/// @dev Pausing needs a single member because it can only stop additions. Ending a pause is a
/// governed action.
interface IGovernance {
    /// @notice State of one proposal. `proposedAt == 0` means that the hash is unknown.
    /// @param nonce Position of the proposal, counted from 0.
    /// @param proposedAt Block time of the proposal, Unix seconds.
    /// @param readyAt Earliest time of execution, Unix seconds; 0 while approvals are missing.
    /// @param expiresAt First moment at which it is no longer open, Unix seconds.
    /// @param executedAt Block time of execution, Unix seconds; 0 while open.
    /// @param approvers Accounts that approve it, also those that are members no longer.
    struct Proposal {
        uint64 nonce;
        uint64 proposedAt;
        uint64 readyAt;
        uint64 expiresAt;
        uint64 executedAt;
        address[] approvers;
    }

    /// @notice The members or the number of approvals changed.
    /// @param members All members from now on.
    /// @param threshold Approvals that an action needs.
    event MembersChanged(address[] members, uint256 threshold);

    /// @notice A member proposed an action and thereby approved it.
    /// @param actionHash Hash that the other members approve.
    /// @param nonce Position of the proposal, counted from 0.
    /// @param proposer The member.
    /// @param action Calldata of the governed function.
    event ActionProposed(
        bytes32 indexed actionHash,
        uint256 indexed nonce,
        address indexed proposer,
        bytes action
    );

    /// @notice A member approved an action.
    /// @param actionHash Hash of the action.
    /// @param member The member.
    event ActionApproved(bytes32 indexed actionHash, address indexed member);

    /// @notice A member withdrew its approval.
    /// @param actionHash Hash of the action.
    /// @param member The member.
    event ApprovalWithdrawn(bytes32 indexed actionHash, address indexed member);

    /// @notice Enough members approved; the delay began.
    /// @param actionHash Hash of the action.
    /// @param readyAt Earliest time of execution, Unix seconds.
    event ActionScheduled(bytes32 indexed actionHash, uint64 readyAt);

    /// @notice An action was executed.
    /// @param actionHash Hash of the action.
    /// @param member The member that executed it.
    event ActionExecuted(bytes32 indexed actionHash, address indexed member);

    /// @notice A member stopped all additions.
    /// @param member The member.
    event AdditionsPaused(address indexed member);

    /// @notice Governance let additions go on.
    event AdditionsResumed();

    /// @notice The caller is no member.
    /// @param caller Account that called.
    error GovernanceNotMember(address caller);

    /// @notice The function runs only as an executed action.
    /// @param caller Account that called.
    error GovernanceNotGoverned(address caller);

    /// @notice The members break a rule: zero, repeated, too many, or this contract itself.
    /// @param member The offending account; zero when the number is wrong.
    error GovernanceInvalidMember(address member);

    /// @notice The number of approvals is not allowed for so many members on this chain.
    /// @param threshold Approvals asked for.
    /// @param members Number of members.
    error GovernanceInvalidThreshold(uint256 threshold, uint256 members);

    /// @notice The delay is not allowed on this chain.
    /// @param delay Seconds asked for.
    error GovernanceInvalidDelay(uint256 delay);

    /// @notice There is no open proposal of this hash: unknown, executed or expired.
    /// @param actionHash Hash of the action.
    error GovernanceNotOpen(bytes32 actionHash);

    /// @notice The member approved this action before.
    /// @param actionHash Hash of the action.
    /// @param member The member.
    error GovernanceAlreadyApproved(bytes32 actionHash, address member);

    /// @notice The member has no approval to withdraw.
    /// @param actionHash Hash of the action.
    /// @param member The member.
    error GovernanceNotApproved(bytes32 actionHash, address member);

    /// @notice Approvals of present members are missing, or the delay is not over.
    /// @param actionHash Hash of the action.
    /// @param readyAt Earliest time of execution, Unix seconds; 0 while approvals are missing.
    error GovernanceNotReady(bytes32 actionHash, uint64 readyAt);

    /// @notice Additions are paused.
    error GovernancePaused();

    /// @notice Propose an action and approve it.
    /// @dev Members only. Emits {ActionProposed}, and {ActionScheduled} if one approval is enough.
    /// @param action Calldata of a governed function of this contract.
    /// @return actionHash Hash that the other members approve.
    function propose(bytes calldata action) external returns (bytes32 actionHash);

    /// @notice Approve a proposed action.
    /// @dev Members only. Emits {ActionApproved}, and {ActionScheduled} with the last one needed.
    /// @param actionHash Hash of the action.
    function approve(bytes32 actionHash) external;

    /// @notice Withdraw the caller's approval; if too few remain, the delay starts anew later.
    /// @dev Also for former members. Emits {ApprovalWithdrawn}.
    /// @param actionHash Hash of the action.
    function withdrawApproval(bytes32 actionHash) external;

    /// @notice Execute an action whose delay is over, approved by enough present members.
    /// @dev Members only. Emits {ActionExecuted}. Reverts with the reason of the action.
    /// @param nonce Position of the proposal.
    /// @param action The proposed calldata.
    function execute(uint256 nonce, bytes calldata action) external;

    /// @notice Replace all members and the number of approvals.
    /// @dev Governed. Emits {MembersChanged}. Approvals of former members stop counting.
    /// @param members All members from now on.
    /// @param threshold Approvals that an action needs.
    function changeMembers(address[] calldata members, uint256 threshold) external;

    /// @notice Stop additions everywhere. Revocation and suspension go on.
    /// @dev A single member is enough. Emits {AdditionsPaused}; silent if already paused.
    function pauseAdditions() external;

    /// @notice Let additions go on.
    /// @dev Governed. Emits {AdditionsResumed}.
    function resumeAdditions() external;

    /// @notice Tell whether additions are paused.
    /// @return paused True while paused.
    function additionsPaused() external view returns (bool paused);

    /// @notice Return who decides.
    /// @return members All members.
    /// @return threshold Approvals that an action needs.
    /// @return delay Seconds between enough approvals and execution.
    function governance()
        external
        view
        returns (address[] memory members, uint256 threshold, uint256 delay);

    /// @notice Return the hash that members approve.
    /// @dev keccak256 of the ABI encoding of (chain id, this contract, nonce, action).
    /// @param nonce Position of the proposal.
    /// @param action Calldata of a governed function.
    /// @return actionHash The hash.
    function hashAction(
        uint256 nonce,
        bytes calldata action
    ) external view returns (bytes32 actionHash);

    /// @notice Return the state of a proposal.
    /// @param actionHash Hash of the action.
    /// @return proposal The state; all zero if unknown.
    function proposalOf(bytes32 actionHash) external view returns (Proposal memory proposal);

    /// @notice Return the number of proposals ever made; the next one has this nonce.
    /// @return count The number.
    function proposalCount() external view returns (uint256 count);

    /// @notice Return the hash of a proposal by its nonce.
    /// @param nonce Position, counted from 0.
    /// @return actionHash The hash.
    function proposalAt(uint256 nonce) external view returns (bytes32 actionHash);
}
