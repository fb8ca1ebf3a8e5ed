"use strict";

const assert = require("node:assert/strict");
const { deploy, now } = require("./support/chain");
const { CN, LA, ZERO, digest, govern, world } = require("./support/world");

const RFC9162 = 1;
const ROOT = digest(4242);
const LEAF = digest(1717);
const [SUPERSEDED, FRAUD] = [2, 4];
const NOTHING = {
  operator: `0x${"00".repeat(20)}`,
  anchoredAt: 0n,
  blockNumber: 0n,
  size: 0,
  scheme: 0,
  root: ZERO,
};

describe("CertificateLedger", () => {
  let registry, ledger, who, lab, office;

  beforeEach(async () => {
    ({ registry, ledger, who, lab, office } = await world());
  });

  it("is bound to its registry, which must be a contract", async () => {
    assert.equal(await ledger.read("registry"), registry.address);
    await assert.rejects(deploy("CertificateLedger", who.stranger), /custom error|revert/);
  });

  describe("anchors", () => {
    it("say who, when and how many leaves", async () => {
      const { events, block } = await ledger.send(who.operator, "anchor", RFC9162, ROOT, 3);
      const { event, root, operator, scheme, size } = events[0];
      assert.deepEqual(
        { event, root, operator, scheme, size },
        { event: "Anchored", root: ROOT, operator: who.operator, scheme: 1, size: 3 },
      );
      const expected = {
        operator: who.operator,
        anchoredAt: await now(),
        blockNumber: block,
        size: 3,
        scheme: 1,
        root: ROOT,
      };
      const found = await ledger.read("anchorOf", who.operator, RFC9162, ROOT, 3);
      assert.deepEqual(found, expected);
      assert.deepEqual(await ledger.read("earliestAnchor", RFC9162, ROOT, 3), expected);
      assert.deepEqual(await ledger.read("anchorAt", 0), expected);
      assert.equal(await ledger.read("anchorCount"), 1n);
    });

    it("are all zero if there is none, for another size too", async () => {
      await ledger.send(who.operator, "anchor", RFC9162, ROOT, 3);
      for (const [operator, scheme, root, size] of [
        [who.operator, 1, ROOT, 4],
        [who.operator, 2, ROOT, 3],
        [who.operator, 1, LEAF, 3],
        [who.other, 1, ROOT, 3],
      ]) {
        assert.deepEqual(await ledger.read("anchorOf", operator, scheme, root, size), NOTHING);
      }
      assert.deepEqual(await ledger.read("earliestAnchor", RFC9162, ROOT, 4), NOTHING);
    });

    it("made again do nothing, even after withdrawal and under a pause", async () => {
      const call = ["anchor", RFC9162, ROOT, 3];
      await ledger.send(who.operator, ...call);
      const first = await ledger.read("anchorAt", 0);
      assert.deepEqual((await ledger.send(who.operator, ...call)).events, []);
      await govern(registry, who.member, "withdrawOperator", who.operator);
      await registry.send(who.member, "pauseAdditions");
      assert.deepEqual((await ledger.send(who.operator, ...call)).events, []);
      assert.equal(await ledger.read("anchorCount"), 1n);
      assert.deepEqual(await ledger.read("anchorAt", 0), first);
    });

    it("of one root by two operators stand side by side; the earliest counts", async () => {
      await govern(registry, who.member, "authoriseOperator", who.other);
      await ledger.send(who.other, "anchor", RFC9162, ROOT, 3);
      await ledger.send(who.operator, "anchor", RFC9162, ROOT, 3);
      await ledger.send(who.operator, "anchor", RFC9162, ROOT, 4);
      assert.equal(await ledger.read("anchorCount"), 3n);
      const earliest = await ledger.read("earliestAnchor", RFC9162, ROOT, 3);
      assert.equal(earliest.operator, who.other);
      assert.deepEqual(await ledger.read("anchorOf", who.other, RFC9162, ROOT, 3), earliest);
      const later = await ledger.read("anchorOf", who.operator, RFC9162, ROOT, 3);
      assert.ok(later.blockNumber > earliest.blockNumber);
    });

    it("stay after their operator's withdrawal; new ones are refused", async () => {
      await ledger.send(who.operator, "anchor", RFC9162, ROOT, 3);
      const before = await ledger.read("earliestAnchor", RFC9162, ROOT, 3);
      await govern(registry, who.member, "withdrawOperator", who.operator);
      assert.deepEqual(await ledger.read("earliestAnchor", RFC9162, ROOT, 3), before);
      const error = "CertificateLedgerMayNotAnchor";
      await ledger.refuses(error, who.operator, "anchor", RFC9162, LEAF, 3);
    });

    it("are made by authorised operators only", async () => {
      for (const caller of [who.member, who.cn, who.lab, who.stranger]) {
        const error = ["CertificateLedgerMayNotAnchor", caller];
        await ledger.refusesWith(error, caller, "anchor", RFC9162, ROOT, 3);
      }
    });

    it("are refused while paused", async () => {
      await registry.send(who.member, "pauseAdditions");
      const error = "CertificateLedgerMayNotAnchor";
      await ledger.refuses(error, who.operator, "anchor", RFC9162, ROOT, 3);
    });

    const invalid = [
      ["CertificateLedgerUnknownScheme", 0, ROOT, 3],
      ["CertificateLedgerUnknownScheme", 2, ROOT, 3],
      ["CertificateLedgerEmptyHash", 1, ZERO, 3],
      ["CertificateLedgerInvalidSize", 1, ROOT, 0],
      ["CertificateLedgerInvalidSize", 1, ROOT, 2 ** 20 + 1],
    ];
    for (const [error, ...args] of invalid) {
      it(`are refused with scheme ${args[0]} and size ${args[2]}: ${error}`, async () => {
        await ledger.refuses(error, who.operator, "anchor", ...args);
      });
    }

    it("may cover 2^20 leaves", async () => {
      await ledger.send(who.operator, "anchor", RFC9162, ROOT, 2 ** 20);
    });
  });

  describe("status", () => {
    const status = (body, list, index, leaf = LEAF) =>
      ledger.read("statusOf", body, list, index, leaf);
    const clear = {
      revoked: false,
      suspendedByBody: false,
      suspendedByParty: false,
      leafRevoked: false,
    };

    it("is clear where nothing was written", async () => {
      assert.deepEqual(await status(lab, 0, 2 ** 32 - 1), clear);
    });

    it("of an index is bit i % 256 of word i / 256, least significant first", async () => {
      await ledger.send(who.lab, "revoke", lab, 7, [2], [1n << 3n], FRAUD);
      assert.deepEqual(await status(lab, 7, 2 * 256 + 3), { ...clear, revoked: true });
      for (const [list, index] of [
        [7, 2 * 256 + 2],
        [7, 2 * 256 + 4],
        [7, 3],
        [6, 2 * 256 + 3],
      ]) {
        assert.deepEqual(await status(lab, list, index), clear);
      }
      assert.deepEqual(await ledger.read("word", lab, 7, 2), {
        revoked: 8n,
        suspendedByBody: 0n,
        suspendedByParty: 0n,
      });
    });

    it("belongs to one body: the same place of another is clear", async () => {
      await ledger.send(who.lab, "revoke", lab, 7, [2], [8n], FRAUD);
      await ledger.send(who.lab, "revokeLeaf", lab, LEAF, FRAUD);
      assert.deepEqual(await status(office, 7, 2 * 256 + 3), clear);
    });

    it("reaches the last index below 2^32 and no further", async () => {
      await ledger.send(who.lab, "revoke", lab, 0, [2 ** 24 - 1], [1n << 255n], FRAUD);
      assert.equal((await status(lab, 0, 2 ** 32 - 1)).revoked, true);
      const call = ["revoke", lab, 0, [2 ** 24], [1n], FRAUD];
      await ledger.refuses("CertificateLedgerInvalidWord", who.lab, ...call);
    });

    it("tells in events which bits, why and how many events there were", async () => {
      const words = [5, 9];
      const { events } = await ledger.send(who.cn, "revoke", lab, 1, words, [6n, 1n], SUPERSEDED);
      assert.deepEqual(
        events.map(({ event, list, word, mask, reason }) => [event, list, word, mask, reason]),
        [
          ["StatusRevoked", 1, 5, 6n, SUPERSEDED],
          ["StatusRevoked", 1, 9, 1n, SUPERSEDED],
        ],
      );
      await ledger.send(who.lab, "suspend", lab, 1, [5], [8n], FRAUD);
      await ledger.send(who.lab, "resume", lab, 1, [5], [8n], FRAUD);
      await ledger.send(who.lab, "revokeLeaf", lab, LEAF, FRAUD);
      assert.equal(await ledger.read("statusEventCount", lab), 5n);
      assert.equal(await ledger.read("statusEventCount", office), 0n);
    });

    it("once revoked stays revoked; a later act can add a reason", async () => {
      await ledger.send(who.lab, "revoke", lab, 1, [0], [5n], SUPERSEDED);
      const { events } = await ledger.send(who.cn, "revoke", lab, 1, [0], [4n], FRAUD);
      assert.equal(events[0].mask, 4n);
      await ledger.send(who.lab, "resume", lab, 1, [0], [(1n << 256n) - 1n], FRAUD);
      assert.equal((await ledger.read("word", lab, 1, 0)).revoked, 5n);
    });

    it("of a leaf can be revoked whatever its index", async () => {
      const { events } = await ledger.send(who.cn, "revokeLeaf", lab, LEAF, FRAUD);
      const { event, bodyId, leaf, reason } = events[0];
      assert.deepEqual([event, bodyId, leaf, reason], ["LeafRevoked", lab, LEAF, FRAUD]);
      assert.deepEqual(await status(lab, 0, 0), { ...clear, leafRevoked: true });
      assert.deepEqual(await status(lab, 0, 0, ROOT), clear);
      const zero = ["revokeLeaf", lab, ZERO, FRAUD];
      await ledger.refuses("CertificateLedgerEmptyHash", who.cn, ...zero);
    });

    it("suspended by the body is cleared by the body only", async () => {
      const change = (from, act) => ledger.send(from, act, lab, 1, [0], [2n], FRAUD);
      const { events } = await change(who.lab, "suspend");
      assert.equal(events[0].byParty, false);
      assert.deepEqual(await status(lab, 1, 1), { ...clear, suspendedByBody: true });
      await change(who.cn, "resume");
      assert.deepEqual(await status(lab, 1, 1), { ...clear, suspendedByBody: true });
      await change(who.lab, "resume");
      assert.deepEqual(await status(lab, 1, 1), clear);
    });

    it("suspended by the party is cleared by the party only", async () => {
      const change = (from, act) => ledger.send(from, act, lab, 1, [0], [2n], FRAUD);
      const { events } = await change(who.cn, "suspend");
      assert.equal(events[0].byParty, true);
      await change(who.lab, "suspend");
      await change(who.lab, "resume");
      assert.deepEqual(await status(lab, 1, 1), { ...clear, suspendedByParty: true });
      await change(who.cn, "resume");
      assert.deepEqual(await status(lab, 1, 1), clear);
    });

    it("follows the office, not the account: a new controller clears the suspension", async () => {
      await ledger.send(who.cn, "suspend", lab, 1, [0], [2n], FRAUD);
      await govern(registry, who.member, "rotateAdmin", CN, who.spare);
      const call = ["resume", lab, 1, [0], [2n], FRAUD];
      await ledger.refuses("CertificateLedgerNotController", who.cn, ...call);
      await ledger.send(who.spare, ...call);
      assert.deepEqual(await status(lab, 1, 1), clear);
    });

    it("is written by the body and its party only", async () => {
      const strangers = [who.la, who.office, who.member, who.operator, who.stranger];
      for (const caller of strangers) {
        for (const act of ["revoke", "suspend", "resume"]) {
          const error = ["CertificateLedgerNotController", lab, caller];
          await ledger.refusesWith(error, caller, act, lab, 1, [0], [1n], FRAUD);
        }
        const call = ["revokeLeaf", lab, LEAF, FRAUD];
        await ledger.refuses("CertificateLedgerNotController", caller, ...call);
      }
      const unknown = ["revoke", digest(1), 1, [0], [1n], FRAUD];
      await ledger.refuses("CertificateLedgerNotController", who.cn, ...unknown);
    });

    it("can be revoked and suspended, not resumed, under a pause and after removal", async () => {
      await ledger.send(who.lab, "suspend", lab, 1, [0], [2n], FRAUD);
      await registry.send(who.member, "pauseAdditions");
      await onlyNegative();
      await govern(registry, who.member, "resumeAdditions");
      await govern(registry, who.member, "removeParty", CN);
      await onlyNegative();
      await ledger.send(who.office, "suspend", office, 1, [0], [2n], FRAUD);
      await ledger.send(who.office, "resume", office, 1, [0], [2n], FRAUD);
      assert.equal((await registry.read("partyOf", LA)).removedAt, 0n);
    });

    async function onlyNegative() {
      for (const caller of [who.lab, who.cn]) {
        await ledger.send(caller, "revoke", lab, 1, [3], [1n], FRAUD);
        await ledger.send(caller, "suspend", lab, 1, [4], [1n], FRAUD);
        await ledger.send(caller, "revokeLeaf", lab, LEAF, FRAUD);
        const call = ["resume", lab, 1, [0], [2n], FRAUD];
        await ledger.refuses("CertificateLedgerMayNotResume", caller, ...call);
      }
    }

    const numbers = (count) => Array.from({ length: count }, (_, i) => i);
    const invalid = [
      ["no word", [], [], "CertificateLedgerInvalidLength"],
      ["fewer masks than words", [1, 2], [1n], "CertificateLedgerInvalidLength"],
      ["more masks than words", [1], [1n, 2n], "CertificateLedgerInvalidLength"],
      ["513 words", numbers(513), numbers(513), "CertificateLedgerInvalidLength"],
    ];
    for (const [what, words, masks, error] of invalid) {
      it(`is refused with ${what}`, async () => {
        for (const act of ["revoke", "suspend", "resume"]) {
          await ledger.refuses(error, who.lab, act, lab, 1, words, masks, FRAUD);
        }
      });
    }

    it("needs a reason from 1 to 7", async () => {
      for (const reason of [0, 8]) {
        const error = "CertificateLedgerUnknownReason";
        for (const act of ["revoke", "suspend", "resume"]) {
          await ledger.refuses(error, who.lab, act, lab, 1, [0], [1n], reason);
        }
        await ledger.refuses(error, who.lab, "revokeLeaf", lab, LEAF, reason);
      }
    });
  });
});
