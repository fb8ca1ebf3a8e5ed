"use strict";
// Gas of the acts that happen often, compared with contracts/gas-snapshot.json.
// After a wanted change: UPDATE_GAS_SNAPSHOT=1 npx hardhat test tests/contracts/gas.test.js

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { digest, world } = require("./support/world");

const FILE = path.join(__dirname, "..", "..", "contracts", "gas-snapshot.json");
const TRANSACTION_LIMIT = 2 ** 24; // EIP-7825
const FULL = (1n << 256n) - 1n;
const REASON = 1;

const numbers = (count) => Array.from({ length: count }, (_, i) => i);

/** Measure every act on fresh contracts, in this order. */
async function measure() {
  const { registry, ledger, who, lab } = await world();
  const gas = {};
  const act = async (what, from, ...call) => {
    gas[what] = (await ledger.send(from, ...call)).gas;
  };
  const masks = (count, mask) => Array(count).fill(mask);
  const revoke = (list, words, mask) => [
    "revoke",
    lab,
    list,
    words,
    masks(words.length, mask),
    REASON,
  ];

  gas["deploy TrustRegistry"] = registry.deploymentGas;
  gas["deploy CertificateLedger"] = ledger.deploymentGas;
  await act("anchor: first ever", who.operator, "anchor", 1, digest(1), 1000);
  await act("anchor: fresh, one batch", who.operator, "anchor", 1, digest(2), 1000);
  await act("anchor: the same again", who.operator, "anchor", 1, digest(2), 1000);
  await act("revoke: first of the body", who.lab, ...revoke(1, [0], 1n));
  await act("revoke: 1, fresh word", who.lab, ...revoke(2, [0], 1n));
  await act("revoke: 1, used word", who.lab, ...revoke(2, [0], 2n));
  await act("revoke: 1 by the party, fresh word", who.cn, ...revoke(3, [0], 1n));
  await act("revoke: 1024 contiguous, 4 fresh words", who.lab, ...revoke(4, numbers(4), FULL));
  await act("revoke: 100 scattered, 100 fresh words", who.lab, ...revoke(5, numbers(100), 1n));
  await act("revoke: 512 scattered, 512 fresh words", who.lab, ...revoke(6, numbers(512), 1n));
  await act("revokeLeaf", who.lab, "revokeLeaf", lab, digest(3), REASON);
  await act("suspend: 1, fresh word", who.lab, "suspend", lab, 2, [0], [1n], REASON);
  await act("resume: 1", who.lab, "resume", lab, 2, [0], [1n], REASON);
  return gas;
}

describe("Gas", () => {
  let gas;

  before(async () => {
    gas = await measure();
    if (process.env.UPDATE_GAS_SNAPSHOT) {
      fs.writeFileSync(FILE, `${JSON.stringify(gas, null, 2)}\n`);
    }
  });

  it("is what the snapshot says", () => {
    assert.deepEqual(gas, JSON.parse(fs.readFileSync(FILE, "utf8")));
  });

  it("of the largest call fits into a transaction", () => {
    assert.ok(gas["revoke: 512 scattered, 512 fresh words"] < TRANSACTION_LIMIT);
  });
});
