// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "./Vm.sol";

/// @notice Base of tests and handlers: the test machine, checks that name what is wrong, and random
/// numbers brought into a range.
abstract contract Checked {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    error CheckFailed(string what);
    error Differs(string what, uint256 found, uint256 expected);

    Vm internal constant VM = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    function _check(bool condition, string memory what) internal pure {
        if (!condition) revert CheckFailed(what);
    }

    function _same(uint256 found, uint256 expected, string memory what) internal pure {
        if (found != expected) revert Differs(what, found, expected);
    }

    /// @dev Brings a random number into [low, high].
    function _between(
        uint256 seed,
        uint256 low,
        uint256 high
    ) internal pure returns (uint256 number) {
        return low + (seed % (high - low + 1));
    }

    /// @dev Limits an invariant campaign to the given functions of one handler.
    function _only(
        address handler,
        bytes4[] memory selectors
    ) internal pure returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(handler, selectors);
    }
}
