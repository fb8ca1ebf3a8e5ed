// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITrustRegistry} from "../../../../contracts/ITrustRegistry.sol";
import {World} from "./World.sol";

/// @notice Anybody says anything about two bodies and their keys; the handler remembers what was
/// said and checks that it only ever became stricter.
contract RegistryHandler is World {
    uint256 public constant KEYS = 3;

    mapping(bytes32 body => bytes32[] records) private _statuses;
    mapping(bytes32 body => bytes32[] records) private _scopes;
    mapping(bytes32 body => mapping(uint256 key => ITrustRegistry.Key seen)) private _seen;
    mapping(address admin => uint256 uses) private _uses;
    uint256 private _fresh = 0x400;

    constructor() {
        _build();
        _remember(lab);
        _remember(office);
    }

    function recordStatus(uint256 who, uint256 what, uint64 time) external {
        bytes32 body = _body(what);
        _try(who, abi.encodeCall(registry.recordBodyStatus, (body, uint8(what >> 8) % 5, time)));
    }

    function recordStatusSoon(uint256 who, uint256 what, int32 offset) external {
        bytes32 body = _body(what);
        uint64 time = _near(offset);
        _try(who, abi.encodeCall(registry.recordBodyStatus, (body, uint8(what >> 8) % 5, time)));
    }

    function recordScope(uint256 who, uint256 what, uint64 from, uint64 until) external {
        bytes32 body = _body(what);
        _try(who, abi.encodeCall(registry.recordScope, (body, bytes32(what), from, until)));
    }

    function registerKey(uint256 who, uint256 what, int32 offset) external {
        bytes memory call_ = abi.encodeCall(
            registry.registerKey,
            (_body(what), _key(what), 1, 1, new bytes(64), offset == 0 ? 0 : _near(offset))
        );
        _try(who, call_);
    }

    function limitKey(uint256 who, uint256 what, int32 offset) external {
        (bytes32 body, bytes32 key) = (_body(what), _key(what));
        uint64 until = what % 5 == 0 ? 0 : _near(offset);
        if ((what >> 24) % 2 == 0) {
            _try(who, abi.encodeCall(registry.setSignUntil, (body, key, until)));
        } else {
            _try(who, abi.encodeCall(registry.setAnchorUntil, (body, key, until)));
        }
    }

    function revokeKey(uint256 who, uint256 what, int32 offset, int32 claim) external {
        bytes memory call_ = abi.encodeCall(
            registry.revokeKey,
            (
                _body(what),
                _key(what),
                what % 3 == 0 ? 0 : _near(offset),
                what % 5 == 0 ? 0 : _near(claim)
            )
        );
        _try(who, call_);
    }

    function setBodyAdmin(uint256 who, uint256 what, uint256 whom) external {
        address admin = whom % 2 == 0 ? _anybody(whom >> 8) : address(uint160(++_fresh));
        _try(who, abi.encodeCall(registry.setBodyAdmin, (_body(what), admin)));
    }

    function rotateAdmin(uint256 what, uint256 whom) external {
        address admin = whom % 2 == 0 ? _anybody(whom >> 8) : address(uint160(++_fresh));
        bytes memory action = abi.encodeCall(registry.rotateAdmin, (_party(what), admin));
        _tryGoverned(action);
    }

    function removeParty(uint256 what) external {
        if (what % 16 != 0) return;
        _tryGoverned(abi.encodeCall(registry.removeParty, (_party(what >> 8))));
    }

    function pause(uint256 seed) external {
        if (seed % 4 == 0) {
            VM.prank(MEMBER);
            registry.pauseAdditions();
        } else {
            _tryGoverned(abi.encodeCall(registry.resumeAdditions, ()));
        }
    }

    function wait_(uint256 seconds_) external {
        VM.warp(block.timestamp + _between(seconds_, 1, 30 days));
    }

    /// @dev What is remembered is still there, in place; nothing active was back-dated.
    function checkLists() external view {
        bytes32[2] memory bodies = [lab, office];
        for (uint256 b = 0; b < 2; ++b) {
            (
                ,
                ,
                ITrustRegistry.BodyStatus[] memory statuses,
                ITrustRegistry.Scope[] memory scopes
            ) = registry.bodyDossier(bodies[b]);
            bytes32[] storage records = _statuses[bodies[b]];
            _same(statuses.length, records.length, "number of statuses");
            for (uint256 i = 0; i < records.length; ++i) {
                _check(keccak256(abi.encode(statuses[i])) == records[i], "a status changed");
                bool active = statuses[i].status == 1;
                bool backDated = statuses[i].effectiveFrom < statuses[i].recordedAt;
                _check(!active || !backDated, "active before it was recorded");
            }
            records = _scopes[bodies[b]];
            _same(scopes.length, records.length, "number of scopes");
            for (uint256 i = 0; i < records.length; ++i) {
                _check(keccak256(abi.encode(scopes[i])) == records[i], "a scope changed");
            }
        }
    }

    /// @dev Who controls a party controls no other party and no body.
    function checkControllers() external view {
        address cn = registry.partyOf(CN).admin;
        address la = registry.partyOf(LA).admin;
        (address ofLab, address overLab) = registry.controllersOf(lab);
        (address ofOffice, address overOffice) = registry.controllersOf(office);
        _check(overLab == cn && overOffice == la, "a body changed its party");
        _check(cn != la, "one controller of two parties");
        _check(ofLab != cn && ofLab != la, "a party controls the laboratory's side");
        _check(ofOffice != cn && ofOffice != la, "a party controls the office's side");
    }

    /// @dev Acts, remembers what was newly said, and checks what became of the keys.
    function _try(uint256 who, bytes memory data) private {
        address caller = who % 2 == 0 ? registry.partyOf(_party(who >> 8)).admin : _anybody(who);
        bool may = registry.mayAdd(lab) || registry.mayAdd(office);
        uint256 additions = _additions();
        VM.prank(caller);
        (bool accepted, ) = address(registry).call(data);
        if (!accepted) return;
        _check(may || _additions() == additions, "added though nobody may");
        _remember(lab);
        _remember(office);
        _checkKeys(lab);
        _checkKeys(office);
    }

    function _tryGoverned(bytes memory action) private {
        uint256 nonce = registry.proposalCount();
        VM.prank(MEMBER);
        registry.propose(action);
        VM.prank(MEMBER);
        try registry.execute(nonce, action) {} catch {}
    }

    function _remember(bytes32 body) private {
        (
            ,
            ,
            ITrustRegistry.BodyStatus[] memory statuses,
            ITrustRegistry.Scope[] memory scopes
        ) = registry.bodyDossier(body);
        for (uint256 i = _statuses[body].length; i < statuses.length; ++i) {
            _same(statuses[i].recordedAt, block.timestamp, "time of recording a status");
            _statuses[body].push(keccak256(abi.encode(statuses[i])));
        }
        for (uint256 i = _scopes[body].length; i < scopes.length; ++i) {
            _same(scopes[i].recordedAt, block.timestamp, "time of recording a scope");
            _scopes[body].push(keccak256(abi.encode(scopes[i])));
        }
    }

    function _checkKeys(bytes32 body) private {
        for (uint256 i = 0; i < KEYS; ++i) {
            ITrustRegistry.Key memory found = registry.keyOf(body, bytes32(1 + i));
            ITrustRegistry.Key memory seen = _seen[body][i];
            if (found.registeredAt == 0) {
                _same(seen.registeredAt, 0, "a key vanished");
                continue;
            }
            if (seen.registeredAt == 0) {
                _same(found.registeredAt, block.timestamp, "usable before it was registered");
            } else {
                _same(found.registeredAt, seen.registeredAt, "time of registration");
            }
            _stricter(found.signUntil, seen.signUntil, "sign until");
            _stricter(found.anchorUntil, seen.anchorUntil, "anchor until");
            _stricter(found.revokedAt, seen.revokedAt, "revoked at");
            _stricter(found.compromisedSince, seen.compromisedSince, "compromised since");
            bool changed =
                found.revokedAt != seen.revokedAt ||
                    found.compromisedSince != seen.compromisedSince;
            _same(
                found.revocationRecordedAt,
                changed ? block.timestamp : seen.revocationRecordedAt,
                "time of recording a revocation"
            );
            _check(found.revokedAt <= block.timestamp, "revoked in the future");
            _check(found.compromisedSince <= found.revokedAt, "compromised after revocation");
            _seen[body][i] = found;
        }
    }

    function _additions() private view returns (uint256 count) {
        count = registry.keyCount(lab) + registry.keyCount(office);
        bytes32[2] memory bodies = [lab, office];
        for (uint256 b = 0; b < 2; ++b) {
            (
                ,
                ,
                ITrustRegistry.BodyStatus[] memory statuses,
                ITrustRegistry.Scope[] memory scopes
            ) = registry.bodyDossier(bodies[b]);
            count += scopes.length;
            for (uint256 i = 0; i < statuses.length; ++i) {
                if (statuses[i].status == 1) ++count;
            }
        }
    }

    function _body(uint256 seed) private view returns (bytes32 body) {
        return seed % 2 == 0 ? lab : office;
    }

    /// @dev A time around now.
    function _near(int32 offset) private view returns (uint64 time) {
        return uint64(uint256(int256(block.timestamp) + offset));
    }

    function _party(uint256 seed) private pure returns (bytes32 party) {
        return seed % 2 == 0 ? CN : LA;
    }

    function _key(uint256 seed) private pure returns (bytes32 thumbprint) {
        return bytes32(1 + ((seed >> 16) % KEYS));
    }

    /// @dev Once set never unset, never later.
    function _stricter(uint64 found, uint64 seen, string memory what) private pure {
        _check(seen == 0 || (found != 0 && found <= seen), what);
    }
}
