"use strict";

const assert = require("node:assert/strict");
const { createHash } = require("node:crypto");
const { now, wait } = require("./support/chain");
const support = require("./support/world");

const { CN, HASH, LA, PUBLIC_KEY, ZERO, digest, govern, partyId, refusesGoverned } = support;
const NOBODY = `0x${"00".repeat(20)}`;
const [ACTIVE, SUSPENDED, WITHDRAWN] = [1, 2, 3];

describe("TrustRegistry", () => {
  let registry, who, lab, key;

  beforeEach(async () => {
    ({ registry, who, lab, key } = await support.world());
  });

  describe("parties", () => {
    const add = (...args) => ["addParty", ...args];

    it("are listed in the order of their addition", async () => {
      assert.equal(await registry.read("partyCount"), 2n);
      assert.equal(await registry.read("partyAt", 0), CN);
      assert.equal(await registry.read("partyAt", 1), LA);
      const { country, admin, removedAt, documentHash } = await registry.read("partyOf", LA);
      assert.deepEqual(
        { country, admin, removedAt, documentHash },
        { country: "0x4c41", admin: who.la, removedAt: 0n, documentHash: HASH },
      );
    });

    it("are all zero if unknown", async () => {
      assert.equal((await registry.read("partyOf", partyId("TH"))).addedAt, 0n);
    });

    const invalidIds = [
      ["empty", ZERO],
      ["one character", partyId("C")],
      ["lower case", partyId("cn")],
      ["a blank", partyId("C N")],
      ["something after its end", `0x434e${"00".repeat(29)}41`],
    ];
    for (const [what, id] of invalidIds) {
      it(`refuse an id that is ${what}`, async () => {
        const call = add(id, "0x434e", who.other, HASH);
        await refusesGoverned(registry, who.member, "TrustRegistryInvalidPartyId", ...call);
      });
    }

    it("accept an id of 32 characters with digits and hyphens", async () => {
      const id = partyId("CN-GACC-0123456789-ABCDEFGHIJKLM");
      await govern(registry, who.member, ...add(id, "0x434e", who.other, ZERO));
      assert.equal(await registry.read("partyAt", 2), id);
    });

    it("refuse a country that is not two capital letters", async () => {
      const call = add(partyId("TH"), "0x7468", who.other, HASH);
      await refusesGoverned(registry, who.member, "TrustRegistryInvalidCountry", ...call);
    });

    it("cannot be added twice, not even after removal", async () => {
      const call = add(CN, "0x434e", who.other, HASH);
      await refusesGoverned(registry, who.member, "TrustRegistryPartyExists", ...call);
      await govern(registry, who.member, "removeParty", CN);
      await refusesGoverned(registry, who.member, "TrustRegistryPartyExists", ...call);
    });

    it("have controllers of their own", async () => {
      const taken = [NOBODY, who.cn, who.lab, registry.address];
      for (const admin of taken) {
        const call = add(partyId("TH"), "0x5448", admin, HASH);
        const error = "TrustRegistryControllerNotDistinct";
        await refusesGoverned(registry, who.member, error, ...call);
        await refusesGoverned(registry, who.member, error, "rotateAdmin", LA, admin);
      }
    });

    it("pass to another controller through governance", async () => {
      await govern(registry, who.member, "rotateAdmin", CN, who.spare);
      const call = ["recordBodyStatus", lab, SUSPENDED, 0];
      await registry.refuses("TrustRegistryNotPartyAdmin", who.cn, ...call);
      await registry.send(who.spare, ...call);
      await govern(registry, who.member, "rotateAdmin", LA, who.cn); // free again
      const unknown = ["rotateAdmin", partyId("TH"), who.other];
      await refusesGoverned(registry, who.member, "TrustRegistryUnknownParty", ...unknown);
    });
  });

  describe("removal of a party", () => {
    it("changes nothing that was said before but the time of removal", async () => {
      await registry.send(who.cn, "recordScope", lab, HASH, 1000, 0);
      const before = await registry.read("bodyDossier", lab);
      const keyBefore = await registry.read("keyOf", lab, key);
      await govern(registry, who.member, "removeParty", CN);
      const after = await registry.read("bodyDossier", lab);
      assert.equal(after.party.removedAt, await now());
      after.party.removedAt = 0n;
      assert.deepEqual(after, before);
      assert.deepEqual(await registry.read("keyOf", lab, key), keyBefore);
      assert.equal(await registry.read("partyCount"), 2n);
    });

    it("ends its additions and leaves it suspension and revocation", async () => {
      await govern(registry, who.member, "removeParty", CN);
      const additions = [
        ["registerBody", CN, "did:web:new.example", 1, who.other],
        ["recordBodyStatus", lab, ACTIVE, 0],
        ["recordScope", lab, HASH, 1000, 0],
        ["registerKey", lab, digest(5), 1, 1, PUBLIC_KEY, 0],
      ];
      for (const call of additions) {
        await registry.refuses("TrustRegistryPartyRemoved", who.cn, ...call);
      }
      assert.equal(await registry.read("mayAdd", lab), false);
      await registry.send(who.cn, "recordBodyStatus", lab, WITHDRAWN, 1000);
      await registry.send(who.cn, "revokeKey", lab, key, 1000, 0);
      await registry.send(who.cn, "setBodyAdmin", lab, who.other);
    });

    it("happens once", async () => {
      await govern(registry, who.member, "removeParty", CN);
      const call = ["removeParty", CN];
      await refusesGoverned(registry, who.member, "TrustRegistryPartyRemoved", ...call);
    });
  });

  describe("operators", () => {
    it("anchor from authorisation to withdrawal and never again", async () => {
      const { from, until } = await registry.read("operatorWindow", who.operator);
      assert.ok(from > 0n && from <= (await now()));
      assert.equal(until, 0n);
      assert.equal(await registry.read("mayAnchor", who.operator), true);
      await govern(registry, who.member, "withdrawOperator", who.operator);
      const window = await registry.read("operatorWindow", who.operator);
      assert.deepEqual(window, { from, until: await now() });
      assert.equal(await registry.read("mayAnchor", who.operator), false);
      const error = "TrustRegistryOperatorExists";
      await refusesGoverned(registry, who.member, error, "authoriseOperator", who.operator);
    });

    it("are listed", async () => {
      assert.equal(await registry.read("operatorCount"), 1n);
      assert.equal(await registry.read("operatorAt", 0), who.operator);
    });

    it("need an account, and must be authorised to be withdrawn", async () => {
      const error = "TrustRegistryOperatorNotActive";
      await refusesGoverned(registry, who.member, error, "withdrawOperator", who.stranger);
      const nobody = ["authoriseOperator", NOBODY];
      await refusesGoverned(registry, who.member, "TrustRegistryControllerNotDistinct", ...nobody);
    });
  });

  describe("bodies", () => {
    const did = "did:web:second.example";

    it("have an id that anybody can compute", async () => {
      const text = Buffer.concat([
        Buffer.from("lancang/body/1\0", "ascii"),
        Buffer.from(CN.slice(2), "hex"),
        Buffer.from(did, "ascii"),
      ]);
      const expected = `0x${createHash("sha256").update(text).digest("hex")}`;
      assert.equal(await registry.read("bodyIdOf", CN, did), expected);
    });

    it("are found with all that is said about them", async () => {
      await registry.send(who.cn, "recordScope", lab, HASH, 1000, 2000);
      const { party, body, statuses, scopes } = await registry.read("bodyDossier", lab);
      assert.equal(party.country, "0x434e");
      const { registeredAt, ...rest } = body;
      assert.ok(registeredAt > 0n);
      assert.deepEqual(rest, {
        partyId: CN,
        admin: who.lab,
        kind: 1,
        did: "did:web:lab.example",
      });
      assert.equal(statuses.length, 1);
      assert.equal(statuses[0].status, ACTIVE);
      assert.equal(statuses[0].effectiveFrom, statuses[0].recordedAt);
      const recordedAt = await now();
      assert.deepEqual(scopes, [
        { documentHash: HASH, effectiveFrom: 1000n, effectiveUntil: 2000n, recordedAt },
      ]);
    });

    it("are all zero if unknown", async () => {
      const dossier = await registry.read("bodyDossier", digest(1));
      assert.equal(dossier.body.registeredAt, 0n);
      assert.equal(dossier.party.addedAt, 0n);
      assert.deepEqual(dossier.statuses, []);
    });

    it("are listed", async () => {
      assert.equal(await registry.read("bodyCount"), 2n);
      assert.equal(await registry.read("bodyAt", 0), lab);
    });

    it("are registered by their own party only, once", async () => {
      const call = ["registerBody", CN, did, 1, who.other];
      for (const caller of [who.la, who.lab, who.member, who.stranger]) {
        await registry.refuses("TrustRegistryNotPartyAdmin", caller, ...call);
      }
      await registry.send(who.cn, ...call);
      await registry.refuses("TrustRegistryBodyExists", who.cn, ...call);
      await registry.send(who.la, "registerBody", LA, did, 1, who.office); // another id
    });

    const invalidDids = [
      ["another method", "did:key:z6Mk"],
      ["the prefix alone", "did:web:"],
      ["a blank", "did:web:lab example"],
      ["a control character", "did:web:lab\n"],
      ["the delete character", "did:web:lab\x7f"],
      ["letters outside ASCII", "did:web:实验室.example"],
      ["256 characters", `did:web:${"a".repeat(248)}`],
    ];
    for (const [what, invalid] of invalidDids) {
      it(`refuse an identifier with ${what}`, async () => {
        const call = ["registerBody", CN, invalid, 1, who.other];
        await registry.refuses("TrustRegistryInvalidDid", who.cn, ...call);
      });
    }

    it("accept an identifier of 255 characters and every kind", async () => {
      await registry.send(who.cn, "registerBody", CN, `did:web:${"a".repeat(247)}`, 3, who.other);
      for (const kind of [0, 4]) {
        const call = ["registerBody", CN, did, kind, who.other];
        await registry.refusesWith(["TrustRegistryUnknownCode", kind], who.cn, ...call);
      }
    });

    it("have a controller that controls no party, set by their party", async () => {
      const error = "TrustRegistryControllerNotDistinct";
      for (const admin of [NOBODY, who.cn, who.la, registry.address]) {
        await registry.refuses(error, who.cn, "registerBody", CN, did, 1, admin);
        await registry.refuses(error, who.cn, "setBodyAdmin", lab, admin);
      }
      const call = ["setBodyAdmin", lab, who.other];
      await registry.refuses("TrustRegistryNotPartyAdmin", who.lab, ...call);
      await registry.refuses("TrustRegistryNotPartyAdmin", who.la, ...call);
      await registry.send(who.cn, ...call);
      assert.deepEqual(await registry.read("controllersOf", lab), {
        bodyAdmin: who.other,
        partyAdmin: who.cn,
      });
      await govern(registry, who.member, "rotateAdmin", LA, who.lab); // no body's any more
    });
  });

  describe("the status of a body", () => {
    it("becomes active no earlier than its block", async () => {
      const past = ["recordBodyStatus", lab, ACTIVE, (await now()) - 100n];
      await registry.refuses("TrustRegistryBackDated", who.cn, ...past);
      await registry.send(who.cn, "recordBodyStatus", lab, ACTIVE, (await now()) + 1000n);
    });

    it("can be suspended and withdrawn from an earlier moment, with the time of the act", async () => {
      for (const status of [SUSPENDED, WITHDRAWN]) {
        await registry.send(who.cn, "recordBodyStatus", lab, status, 1000);
        const { statuses } = await registry.read("bodyDossier", lab);
        const recordedAt = await now();
        assert.deepEqual(statuses.at(-1), { status, effectiveFrom: 1000n, recordedAt });
      }
    });

    it("is recorded by its party only", async () => {
      const call = ["recordBodyStatus", lab, SUSPENDED, 0];
      for (const caller of [who.la, who.lab, who.member]) {
        await registry.refuses("TrustRegistryNotPartyAdmin", caller, ...call);
      }
      const unknown = ["recordBodyStatus", digest(1), SUSPENDED, 0];
      await registry.refuses("TrustRegistryUnknownBody", who.cn, ...unknown);
      for (const code of [0, 4]) {
        const call = ["recordBodyStatus", lab, code, 0];
        await registry.refuses("TrustRegistryUnknownCode", who.cn, ...call);
      }
    });

    it("can be suspended even when the list is full", async () => {
      const full = await registry.read("MAXIMUM_STATUSES");
      for (let i = 1n; i < full; i++) {
        await registry.send(who.cn, "recordBodyStatus", lab, ACTIVE, 0);
      }
      const call = ["recordBodyStatus", lab, ACTIVE, 0];
      await registry.refusesWith(["TrustRegistryListFull", full], who.cn, ...call);
      await registry.send(who.cn, "recordBodyStatus", lab, SUSPENDED, 0);
      const { statuses } = await registry.read("bodyDossier", lab);
      assert.equal(statuses.length, Number(full) + 1);
    });
  });

  describe("a scope", () => {
    it("may name an earlier beginning", async () => {
      await registry.send(who.cn, "recordScope", lab, HASH, 1, 0);
    });

    const invalid = [
      ["TrustRegistryEmptyHash", ZERO, 1000, 0],
      ["TrustRegistryInvalidInterval", HASH, 0, 0],
      ["TrustRegistryInvalidInterval", HASH, 1000, 1000],
      ["TrustRegistryInvalidInterval", HASH, 1000, 999],
    ];
    for (const [error, ...args] of invalid) {
      it(`is refused with ${args.slice(1)}: ${error}`, async () => {
        await registry.refuses(error, who.cn, "recordScope", lab, ...args);
      });
    }

    it("is recorded by its party only", async () => {
      for (const caller of [who.la, who.lab]) {
        const call = ["recordScope", lab, HASH, 1000, 0];
        await registry.refuses("TrustRegistryNotPartyAdmin", caller, ...call);
      }
    });

    it("is refused when the list is full", async () => {
      const full = await registry.read("MAXIMUM_SCOPES");
      for (let i = 0n; i < full; i++) {
        await registry.send(who.cn, "recordScope", lab, HASH, 1000, 0);
      }
      const call = ["recordScope", lab, HASH, 1000, 0];
      await registry.refusesWith(["TrustRegistryListFull", full], who.cn, ...call);
    });
  });

  describe("a key", () => {
    const other = digest(78);

    it("is usable from its block on", async () => {
      const until = (await now()) + 10000n;
      await registry.send(who.cn, "registerKey", lab, other, 2, 4, HASH, until);
      assert.deepEqual(await registry.read("keyOf", lab, other), {
        algorithm: 2,
        purpose: 4,
        registeredAt: await now(),
        signUntil: until,
        anchorUntil: 0n,
        revokedAt: 0n,
        revocationRecordedAt: 0n,
        compromisedSince: 0n,
        publicKey: HASH,
      });
      assert.equal(await registry.read("keyCount", lab), 2n);
      assert.equal(await registry.read("keyAt", lab, 1), other);
    });

    it("is found in its own body only", async () => {
      const { registry, office, key } = await support.world();
      assert.equal((await registry.read("keyOf", office, key)).registeredAt, 0n);
    });

    const invalid = [
      ["TrustRegistryEmptyHash", ZERO, 1, 1, PUBLIC_KEY, 0],
      ["TrustRegistryUnknownCode", other, 0, 1, PUBLIC_KEY, 0],
      ["TrustRegistryUnknownCode", other, 4, 1, PUBLIC_KEY, 0],
      ["TrustRegistryUnknownCode", other, 1, 0, PUBLIC_KEY, 0],
      ["TrustRegistryUnknownCode", other, 1, 5, PUBLIC_KEY, 0],
      ["TrustRegistryInvalidKey", other, 1, 1, HASH, 0],
      ["TrustRegistryInvalidKey", other, 2, 1, PUBLIC_KEY, 0],
      ["TrustRegistryInvalidKey", other, 3, 1, HASH, 0],
      ["TrustRegistryBackDated", other, 1, 1, PUBLIC_KEY, 1000],
    ];
    invalid.forEach(([error, ...args], position) => {
      it(`is refused, case ${position}: ${error}`, async () => {
        await registry.refuses(error, who.cn, "registerKey", lab, ...args);
      });
    });

    it("is registered by its party only, once", async () => {
      const call = ["registerKey", lab, other, 1, 1, PUBLIC_KEY, 0];
      for (const caller of [who.la, who.lab]) {
        await registry.refuses("TrustRegistryNotPartyAdmin", caller, ...call);
      }
      await registry.send(who.cn, ...call);
      await registry.refuses("TrustRegistryKeyExists", who.cn, ...call);
    });

    for (const [set, field] of [
      ["setSignUntil", "signUntil"],
      ["setAnchorUntil", "anchorUntil"],
    ]) {
      it(`moves ${field} only earlier and not into the past`, async () => {
        const limit = (await now()) + 10000n;
        await registry.send(who.lab, set, lab, key, limit);
        assert.equal((await registry.read("keyOf", lab, key))[field], limit);
        const refused = ["TrustRegistryNotEarlier", limit];
        await registry.refusesWith(refused, who.cn, set, lab, key, limit);
        await registry.refusesWith(refused, who.cn, set, lab, key, limit + 1n);
        await registry.refuses("TrustRegistryBackDated", who.cn, set, lab, key, 1000);
        await registry.send(who.cn, set, lab, key, 0);
        assert.equal((await registry.read("keyOf", lab, key))[field], await now());
        await wait(1000);
        await registry.refuses("TrustRegistryNotEarlier", who.cn, set, lab, key, 0);
        for (const caller of [who.la, who.office, who.member]) {
          await registry.refuses("TrustRegistryNotController", caller, set, lab, key, 0);
        }
        await registry.refuses("TrustRegistryUnknownKey", who.cn, set, lab, other, 0);
      });
    }

    it("is revoked by its body from the block on, and no further back", async () => {
      await registry.refuses("TrustRegistryNotPartyAdmin", who.lab, "revokeKey", lab, key, 1000, 0);
      await registry.refuses("TrustRegistryNotPartyAdmin", who.lab, "revokeKey", lab, key, 0, 1000);
      const { events } = await registry.send(who.lab, "revokeKey", lab, key, 0, 0);
      const time = await now();
      const { event, effective, compromisedSince, byParty } = events[0];
      assert.deepEqual(
        { event, effective, compromisedSince, byParty },
        { event: "KeyRevoked", effective: time, compromisedSince: 0n, byParty: false },
      );
      const { revokedAt, revocationRecordedAt } = await registry.read("keyOf", lab, key);
      assert.deepEqual([revokedAt, revocationRecordedAt], [time, time]);
    });

    it("is revoked further back by its party, only ever earlier, with the time of the act", async () => {
      await registry.send(who.lab, "revokeKey", lab, key, 0, 0);
      const first = await now();
      await wait(500);
      await registry.send(who.cn, "revokeKey", lab, key, 0, 5000); // the claim alone is news
      await registry.send(who.cn, "revokeKey", lab, key, 6000, 0);
      await registry.send(who.cn, "revokeKey", lab, key, 4000, 4000);
      const found = await registry.read("keyOf", lab, key);
      assert.equal(found.revokedAt, 4000n);
      assert.equal(found.compromisedSince, 4000n);
      assert.equal(found.revocationRecordedAt, await now());
      assert.ok(found.revocationRecordedAt > first);
      for (const times of [
        [4000, 4000],
        [4000, 0],
        [0, 0],
        [first, 4000],
        [first, 3000], // an earlier claim does not move the revocation later
      ]) {
        const call = ["revokeKey", lab, key, ...times];
        await registry.refuses("TrustRegistryNotEarlier", who.cn, ...call);
      }
    });

    it("keeps the earliest claim of compromise", async () => {
      await registry.send(who.cn, "revokeKey", lab, key, 9000, 4000);
      const later = ["revokeKey", lab, key, 8000, 4001];
      await registry.refusesWith(["TrustRegistryNotEarlier", 4000n], who.cn, ...later);
    });

    it("is not revoked in the future, nor compromised after its revocation", async () => {
      const future = (await now()) + 1000n;
      await registry.refuses("TrustRegistryInFuture", who.cn, "revokeKey", lab, key, future, 0);
      const call = ["revokeKey", lab, key, 4000, 4001];
      await registry.refuses("TrustRegistryInvalidInterval", who.cn, ...call);
    });

    it("is not revoked by others", async () => {
      for (const caller of [who.la, who.office, who.member, who.operator]) {
        const call = ["revokeKey", lab, key, 0, 0];
        await registry.refuses("TrustRegistryNotController", caller, ...call);
      }
      const unknown = ["revokeKey", lab, other, 0, 0];
      await registry.refuses("TrustRegistryUnknownKey", who.cn, ...unknown);
    });
  });

  it("stops additions and nothing else while paused", async () => {
    await registry.send(who.member, "pauseAdditions");
    const additions = [
      ["registerBody", CN, "did:web:new.example", 1, who.other],
      ["recordBodyStatus", lab, ACTIVE, 0],
      ["recordScope", lab, HASH, 1000, 0],
      ["registerKey", lab, digest(5), 1, 1, PUBLIC_KEY, 0],
    ];
    for (const call of additions) {
      await registry.refuses("GovernancePaused", who.cn, ...call);
    }
    const th = ["addParty", partyId("TH"), "0x5448", who.other, HASH];
    await refusesGoverned(registry, who.member, "GovernancePaused", ...th);
    const operator = ["authoriseOperator", who.other];
    await refusesGoverned(registry, who.member, "GovernancePaused", ...operator);
    assert.equal(await registry.read("mayAnchor", who.operator), false);

    await registry.send(who.cn, "recordBodyStatus", lab, SUSPENDED, 0);
    await registry.send(who.cn, "setBodyAdmin", lab, who.other);
    await registry.send(who.other, "setSignUntil", lab, key, 0);
    await registry.send(who.cn, "revokeKey", lab, key, 0, 0);
    await govern(registry, who.member, "withdrawOperator", who.operator);
    await govern(registry, who.member, "rotateAdmin", CN, who.spare);
    await govern(registry, who.member, "removeParty", CN);
    await govern(registry, who.member, "resumeAdditions");
    assert.equal(await registry.read("additionsPaused"), false);
  });
});
