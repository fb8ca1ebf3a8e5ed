"use strict";
// What the tests need of a chain: deploy, send, read, events, refusals, time.

const assert = require("node:assert/strict");
const hre = require("hardhat");
const { Interface } = require("@ethersproject/abi");

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

const rpc = (method, ...params) => hre.network.provider.send(method, params);

/**
 * Turn what the coder returns into plain values: bigint, string, boolean, array, object. Addresses
 * become lower-case, as the node lists its accounts.
 */
function plain(value) {
  if (value?._isBigNumber) return value.toBigInt();
  if (typeof value === "string" && ADDRESS.test(value)) return value.toLowerCase();
  if (!Array.isArray(value)) return value;
  const names = Object.keys(value).filter((name) => Number.isNaN(Number(name)));
  if (names.length === 0 || names.length !== value.length) return value.map(plain);
  return Object.fromEntries(names.map((name) => [name, plain(value[name])]));
}

/** A deployed contract. */
class Contract {
  constructor(coder, address) {
    this.coder = coder;
    this.address = address;
  }

  /** Return the calldata of a call. */
  encode(name, ...args) {
    return this.coder.encodeFunctionData(name, args);
  }

  /** Call without a transaction; one result alone, several as an object. */
  async read(name, ...args) {
    const data = await rpc("eth_call", { to: this.address, data: this.encode(name, ...args) });
    const values = this.coder.decodeFunctionResult(name, data);
    return values.length === 1 ? plain(values[0]) : plain(values);
  }

  /** Send a transaction; return its receipt with decoded events. */
  async send(from, name, ...args) {
    const hash = await rpc("eth_sendTransaction", {
      from,
      to: this.address,
      data: this.encode(name, ...args),
      gas: "0xf42400", // 16 million: below the limit of a transaction (EIP-7825)
    });
    const receipt = await rpc("eth_getTransactionReceipt", hash);
    const events = receipt.logs.map((log) => {
      const { name: event, args: values } = this.coder.parseLog(log);
      return { event, ...plain(values) };
    });
    return { events, gas: Number(receipt.gasUsed), block: BigInt(receipt.blockNumber) };
  }

  /** Expect that a call is refused with this custom error and, if given, these arguments. */
  async refuses(error, from, name, ...args) {
    await this.refusesWith([error], from, name, ...args);
  }

  async refusesWith([error, ...expected], from, name, ...args) {
    const data = this.encode(name, ...args);
    const outcome = await rpc("eth_call", { from, to: this.address, data }).then(
      () => "accepted",
      (failure) => failure.data?.data ?? failure.data ?? String(failure),
    );
    assert.equal(this.describe(outcome), error, `${name} was expected to be refused`);
    if (expected.length === 0) return;
    const found = this.coder.decodeErrorResult(this.coder.getError(error), outcome);
    assert.deepEqual([...found].map(plain), expected);
  }

  /** Name the custom error in revert data. */
  describe(data) {
    const known = Object.values(this.coder.errors);
    const match = known.find((e) => data.startsWith?.(this.coder.getSighash(e)));
    return match ? match.name : data;
  }
}

/** Deploy a contract of this project. */
async function deploy(name, ...args) {
  const artifact = await hre.artifacts.readArtifact(name);
  const coder = new Interface(artifact.abi);
  const [from] = await rpc("eth_accounts");
  const data = artifact.bytecode + coder.encodeDeploy(args).slice(2);
  const hash = await rpc("eth_sendTransaction", { from, data });
  const { contractAddress, gasUsed } = await rpc("eth_getTransactionReceipt", hash);
  const contract = new Contract(coder, contractAddress);
  contract.deploymentGas = Number(gasUsed);
  return contract;
}

/** Return the time of the latest block, Unix seconds. */
async function now() {
  return BigInt((await rpc("eth_getBlockByNumber", "latest", false)).timestamp);
}

/** Mine a block so many seconds later. */
async function wait(seconds) {
  await rpc("evm_increaseTime", Number(seconds));
  await rpc("evm_mine");
}

module.exports = { deploy, now, rpc, wait };
