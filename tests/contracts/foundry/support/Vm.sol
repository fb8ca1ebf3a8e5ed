// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The commands of the test machine that our tests use.
interface Vm {
    function assume(bool condition) external pure;
    function chainId(uint256 id) external;
    function expectPartialRevert(bytes4 selector) external;
    function prank(address caller) external;
    function warp(uint256 time) external;
}
