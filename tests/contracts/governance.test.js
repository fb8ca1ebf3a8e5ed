"use strict";

const assert = require("node:assert/strict");
const { deploy, now, rpc, wait } = require("./support/chain");
const { CN, HASH, govern, people, refusesGoverned } = require("./support/world");

const DELAY = 48n * 3600n;
const MONTH = 30n * 24n * 3600n;

describe("Governance: 2 of 3 members with a delay", () => {
  let registry, who, action, hash;

  beforeEach(async () => {
    who = await people();
    registry = await deploy("TrustRegistry", [who.member, who.second, who.third], 2, DELAY);
    action = registry.encode("addParty", CN, "0x434e", who.cn, HASH);
    await registry.send(who.member, "propose", action);
    hash = await registry.read("hashAction", 0, action);
  });

  it("tells who decides", async () => {
    assert.deepEqual(await registry.read("governance"), {
      members: [who.member, who.second, who.third],
      threshold: 2n,
      delay: DELAY,
    });
  });

  it("keeps the proposal and the proposer's approval", async () => {
    const proposal = await registry.read("proposalOf", hash);
    assert.equal(proposal.proposedAt, await now());
    assert.equal(proposal.expiresAt, (await now()) + DELAY + MONTH);
    assert.equal(proposal.readyAt, 0n);
    assert.deepEqual(proposal.approvers, [who.member]);
    assert.equal(await registry.read("proposalCount"), 1n);
    assert.equal(await registry.read("proposalAt", 0), hash);
  });

  it("executes with two approvals after the delay, once", async () => {
    const { events } = await registry.send(who.second, "approve", hash);
    assert.deepEqual(
      events.map((e) => e.event),
      ["ActionApproved", "ActionScheduled"],
    );
    assert.equal(events[1].readyAt, (await now()) + DELAY);
    await wait(DELAY - 2n);
    await registry.refuses("GovernanceNotReady", who.third, "execute", 0, action);
    await wait(2n);
    await registry.send(who.third, "execute", 0, action);
    assert.equal((await registry.read("partyOf", CN)).admin, who.cn);
    await registry.refuses("GovernanceNotOpen", who.third, "execute", 0, action);
    await registry.refuses("GovernanceNotOpen", who.third, "approve", hash);
  });

  it("never executes with one approval, however long it waits", async () => {
    await wait(DELAY + 1n);
    await registry.refuses("GovernanceNotReady", who.member, "execute", 0, action);
  });

  it("counts the approval of a member once", async () => {
    await registry.refuses("GovernanceAlreadyApproved", who.member, "approve", hash);
  });

  it("listens to members only", async () => {
    await registry.refuses("GovernanceNotMember", who.stranger, "propose", action);
    await registry.refuses("GovernanceNotMember", who.stranger, "approve", hash);
    await registry.refuses("GovernanceNotMember", who.stranger, "execute", 0, action);
    await registry.refuses("GovernanceNotMember", who.stranger, "pauseAdditions");
    await registry.refuses("GovernanceNotApproved", who.stranger, "withdrawApproval", hash);
  });

  it("does not execute another action or another nonce under the same approvals", async () => {
    await registry.send(who.second, "approve", hash);
    await wait(DELAY);
    const other = registry.encode("addParty", CN, "0x434e", who.stranger, HASH);
    await registry.refuses("GovernanceNotOpen", who.member, "execute", 0, other);
    await registry.refuses("GovernanceNotOpen", who.member, "execute", 1, action);
  });

  it("binds the hash to this contract", async () => {
    const twin = await deploy("TrustRegistry", [who.member, who.second, who.third], 2, DELAY);
    assert.notEqual(await twin.read("hashAction", 0, action), hash);
  });

  it("lets a member withdraw its approval; the delay then starts anew", async () => {
    await registry.send(who.second, "approve", hash);
    await registry.send(who.member, "withdrawApproval", hash);
    await wait(DELAY);
    await registry.refuses("GovernanceNotReady", who.second, "execute", 0, action);
    await registry.send(who.third, "approve", hash);
    await registry.refuses("GovernanceNotReady", who.second, "execute", 0, action);
    await wait(DELAY);
    await registry.send(who.second, "execute", 0, action);
  });

  it("forgets a proposal after its lifetime", async () => {
    await registry.send(who.second, "approve", hash);
    await wait(DELAY + MONTH);
    await registry.refuses("GovernanceNotOpen", who.member, "execute", 0, action);
    await registry.refuses("GovernanceNotOpen", who.third, "approve", hash);
  });

  it("does not count the approvals of former members", async () => {
    await registry.send(who.second, "approve", hash);
    const change = registry.encode("changeMembers", [who.member, who.third, who.other], 2);
    await registry.send(who.member, "propose", change);
    await registry.send(who.third, "approve", await registry.read("hashAction", 1, change));
    await wait(DELAY);
    await registry.send(who.member, "execute", 1, change);
    await registry.refuses("GovernanceNotMember", who.second, "execute", 0, action);
    await registry.refuses("GovernanceNotReady", who.member, "execute", 0, action);
    await registry.send(who.other, "approve", hash);
    await registry.send(who.other, "execute", 0, action);
  });

  it("needs governance for every governed function, from members too", async () => {
    const calls = [
      ["addParty", CN, "0x434e", who.cn, HASH],
      ["removeParty", CN],
      ["rotateAdmin", CN, who.cn],
      ["authoriseOperator", who.operator],
      ["withdrawOperator", who.operator],
      ["changeMembers", [who.member], 1],
      ["resumeAdditions"],
    ];
    for (const call of calls) {
      for (const caller of [who.member, who.cn, who.stranger]) {
        await registry.refuses("GovernanceNotGoverned", caller, ...call);
      }
    }
  });

  it("lets one member pause, and only governance end the pause", async () => {
    await registry.send(who.third, "pauseAdditions");
    assert.equal(await registry.read("additionsPaused"), true);
    assert.deepEqual((await registry.send(who.third, "pauseAdditions")).events, []);
    await registry.send(who.second, "approve", hash);
    const resume = registry.encode("resumeAdditions");
    await registry.send(who.member, "propose", resume);
    await registry.send(who.second, "approve", await registry.read("hashAction", 1, resume));
    await wait(DELAY);
    await registry.refuses("GovernancePaused", who.member, "execute", 0, action);
    await registry.send(who.member, "execute", 1, resume);
    await registry.send(who.member, "execute", 0, action);
  });
});

describe("Governance: one member on a development chain", () => {
  let registry, who;

  beforeEach(async () => {
    who = await people();
    registry = await deploy("TrustRegistry", [who.member], 1, 0);
  });

  it("acts at once", async () => {
    await govern(registry, who.member, "authoriseOperator", who.operator);
    assert.equal(await registry.read("operatorCount"), 1n);
  });

  it("passes on why an action failed and leaves it open", async () => {
    const action = registry.encode("removeParty", CN);
    await registry.send(who.member, "propose", action);
    await registry.refuses("TrustRegistryUnknownParty", who.member, "execute", 0, action);
    const hash = await registry.read("hashAction", 0, action);
    assert.equal((await registry.read("proposalOf", hash)).executedAt, 0n);
  });

  it("cannot be made to act as an account of its own", async () => {
    const attempt = ["registerBody", CN, "did:web:a.example", 1, who.lab];
    await refusesGoverned(
      registry,
      who.member,
      "TrustRegistryControllerNotDistinct",
      "addParty",
      CN,
      "0x434e",
      registry.address,
      HASH,
    );
    await refusesGoverned(registry, who.member, "TrustRegistryUnknownParty", ...attempt);
  });

  const invalid = [
    ["no member", () => [], 1, "GovernanceInvalidMember"],
    ["a member twice", (w) => [w.member, w.member], 1, "GovernanceInvalidMember"],
    ["nobody's address", (w) => [w.member, `0x${"00".repeat(20)}`], 1, "GovernanceInvalidMember"],
    ["no approval", (w) => [w.member], 0, "GovernanceInvalidThreshold"],
    ["more approvals than members", (w) => [w.member], 2, "GovernanceInvalidThreshold"],
  ];
  for (const [what, members, threshold, error] of invalid) {
    it(`refuses ${what}`, async () => {
      const list = members(who);
      await refusesGoverned(registry, who.member, error, "changeMembers", list, threshold);
    });
  }

  it("refuses more than 15 members", async () => {
    const accounts = await rpc("eth_accounts");
    await govern(registry, who.member, "changeMembers", accounts.slice(0, 15), 8);
    const other = await deploy("TrustRegistry", [who.member], 1, 0);
    const error = "GovernanceInvalidMember";
    await refusesGoverned(other, who.member, error, "changeMembers", accounts.slice(0, 16), 8);
  });
});
