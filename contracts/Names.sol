// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Names
/// @notice Rules for the short public names kept on chain.
library Names {
    /// @notice Longest `did:web` identifier, characters.
    uint256 internal constant MAXIMUM_DID_LENGTH = 255;

    bytes8 private constant _DID_PREFIX = "did:web:";

    /// @dev 2 to 32 characters of A-Z, 0-9 and hyphen, then zeros only.
    function isPartyId(bytes32 id) internal pure returns (bool valid) {
        uint256 length = 0;
        while (length < 32 && id[length] != 0) {
            bytes1 char = id[length];
            if (!_isCapital(char) && !(char >= "0" && char <= "9") && char != "-") return false;
            ++length;
        }
        if (length < 2) return false;
        return length == 32 || uint256(id) << (8 * length) == 0;
    }

    /// @dev Two capital letters.
    function isCountry(bytes2 code) internal pure returns (bool valid) {
        return _isCapital(code[0]) && _isCapital(code[1]);
    }

    /// @dev `did:web:` and at least one more of the visible ASCII characters.
    function isDid(bytes calldata did) internal pure returns (bool valid) {
        uint256 length = did.length;
        if (length <= 8 || length > MAXIMUM_DID_LENGTH) return false;
        if (bytes8(did[:8]) != _DID_PREFIX) return false;
        for (uint256 i = 8; i < length; ++i) {
            if (did[i] < 0x21 || did[i] > 0x7e) return false;
        }
        return true;
    }

    function _isCapital(bytes1 char) private pure returns (bool capital) {
        return char >= "A" && char <= "Z";
    }
}
