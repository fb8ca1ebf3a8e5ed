"use strict";
// Two parties with a body each, an operator, and both contracts, as most tests need them.

const { deploy, rpc } = require("./chain");

const ZERO = `0x${"00".repeat(32)}`;
const HASH = `0x${"5c".repeat(32)}`;
const PUBLIC_KEY = `0x${"ab".repeat(64)}`;

/** Return a party id: ASCII, padded with zeros on the right. */
const partyId = (text) => `0x${Buffer.from(text, "ascii").toString("hex").padEnd(64, "0")}`;

/** Return 32 bytes that hold a number, as a stand-in for a digest. */
const digest = (number) => `0x${number.toString(16).padStart(64, "0")}`;

const CN = partyId("CN");
const LA = partyId("LA");

/** Name the accounts that tests speak of. */
async function people() {
  const [member, second, third, cn, la, lab, office, operator, other, stranger, spare] =
    await rpc("eth_accounts");
  return { member, second, third, cn, la, lab, office, operator, other, stranger, spare };
}

/** Execute an action under a governance of one member without delay. */
async function govern(registry, member, name, ...args) {
  const action = registry.encode(name, ...args);
  const nonce = await registry.read("proposalCount");
  await registry.send(member, "propose", action);
  return registry.send(member, "execute", nonce, action);
}

/** Expect that an action, once executed, is refused with this error. */
async function refusesGoverned(registry, member, error, name, ...args) {
  const action = registry.encode(name, ...args);
  const nonce = await registry.read("proposalCount");
  await registry.send(member, "propose", action);
  await registry.refuses(error, member, "execute", nonce, action);
}

/** Deploy everything; CN has an active laboratory with a key, LA an active inspection body. */
async function world() {
  const who = await people();
  const registry = await deploy("TrustRegistry", [who.member], 1, 0);
  const ledger = await deploy("CertificateLedger", registry.address);
  await govern(registry, who.member, "addParty", CN, "0x434e", who.cn, HASH);
  await govern(registry, who.member, "addParty", LA, "0x4c41", who.la, HASH);
  await govern(registry, who.member, "authoriseOperator", who.operator);
  const lab = await register(registry, who.cn, CN, "did:web:lab.example", 1, who.lab);
  const office = await register(registry, who.la, LA, "did:web:office.example", 2, who.office);
  const key = digest(77);
  await registry.send(who.cn, "registerKey", lab, key, 1, 1, PUBLIC_KEY, 0);
  return { registry, ledger, who, lab, office, key };
}

async function register(registry, from, party, did, kind, admin) {
  const bodyId = await registry.read("bodyIdOf", party, did);
  await registry.send(from, "registerBody", party, did, kind, admin);
  await registry.send(from, "recordBodyStatus", bodyId, 1, 0);
  return bodyId;
}

module.exports = {
  CN,
  HASH,
  LA,
  PUBLIC_KEY,
  ZERO,
  digest,
  govern,
  partyId,
  people,
  refusesGoverned,
  world,
};
