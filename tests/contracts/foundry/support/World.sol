// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CertificateLedger} from "../../../../contracts/CertificateLedger.sol";
import {TrustRegistry} from "../../../../contracts/TrustRegistry.sol";
import {Checked} from "./Checked.sol";

/// @notice Two parties with a body each and two operators, under a governance of one member.
abstract contract World is Checked {
    bytes32 internal constant CN = "CN";
    bytes32 internal constant LA = "LA";
    bytes32 internal constant HASH = keccak256("document");

    address internal constant MEMBER = address(0x101);
    address internal constant CN_ADMIN = address(0x102);
    address internal constant LA_ADMIN = address(0x103);
    address internal constant LAB_ADMIN = address(0x104);
    address internal constant OFFICE_ADMIN = address(0x105);
    address internal constant OPERATOR = address(0x106);
    address internal constant OTHER_OPERATOR = address(0x107);
    address internal constant STRANGER = address(0x108);

    TrustRegistry internal registry;
    CertificateLedger internal ledger;
    bytes32 internal lab;
    bytes32 internal office;

    /// @dev Deploys everything at a plausible time.
    function _build() internal {
        VM.warp(1_800_000_000);
        address[] memory members = new address[](1);
        members[0] = MEMBER;
        registry = new TrustRegistry(members, 1, 0);
        ledger = new CertificateLedger(registry);
        _govern(abi.encodeCall(registry.addParty, (CN, "CN", CN_ADMIN, HASH)));
        _govern(abi.encodeCall(registry.addParty, (LA, "LA", LA_ADMIN, HASH)));
        _govern(abi.encodeCall(registry.authoriseOperator, (OPERATOR)));
        _govern(abi.encodeCall(registry.authoriseOperator, (OTHER_OPERATOR)));
        lab = _register(CN, CN_ADMIN, "did:web:lab.example", LAB_ADMIN);
        office = _register(LA, LA_ADMIN, "did:web:office.example", OFFICE_ADMIN);
    }

    function _govern(bytes memory action) internal {
        uint256 nonce = registry.proposalCount();
        VM.prank(MEMBER);
        registry.propose(action);
        VM.prank(MEMBER);
        registry.execute(nonce, action);
    }

    function _register(
        bytes32 party,
        address partyAdmin,
        string memory did,
        address admin
    ) private returns (bytes32 bodyId) {
        VM.prank(partyAdmin);
        bodyId = registry.registerBody(party, did, 1, admin);
        VM.prank(partyAdmin);
        registry.recordBodyStatus(bodyId, 1, 0);
    }

    /// @dev Everybody who might try something.
    function _anybody(uint256 seed) internal pure returns (address account) {
        address[8] memory all = [
            MEMBER,
            CN_ADMIN,
            LA_ADMIN,
            LAB_ADMIN,
            OFFICE_ADMIN,
            OPERATOR,
            OTHER_OPERATOR,
            STRANGER
        ];
        return all[seed % all.length];
    }
}
