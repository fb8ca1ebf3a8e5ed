#!/usr/bin/env node
"use strict";
// Writes what the verifier and the registry need to know about the compiled contracts to
// verifier/chain/abi, so that running Lancang needs no Solidity compiler.
//
//   node scripts/export_abi.cjs            compile and write
//   node scripts/export_abi.cjs --check    compile and fail if a file differs from the source

const fs = require("node:fs");
const path = require("node:path");

const root = path.dirname(__dirname);
process.chdir(root); // hardhat looks for its configuration here
const hre = require("hardhat");
const { Interface } = require("@ethersproject/abi");

const CONTRACTS = ["TrustRegistry", "CertificateLedger"];
const FOLDER = path.join(root, "verifier", "chain", "abi");

/** Map every name (a signature) to its value, in alphabetical order. */
function sorted(entries) {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Return the exported description of one compiled contract. */
async function describe(name) {
  const source = `contracts/${name}.sol`;
  const build = await hre.artifacts.getBuildInfo(`${source}:${name}`);
  const { abi, evm } = build.output.contracts[source][name];
  const coder = new Interface(abi);
  const { optimizer, evmVersion, metadata } = build.input.settings;
  return {
    contract: name,
    solc: build.solcLongVersion,
    settings: { optimizer, evmVersion, metadata },
    abi,
    bytecode: `0x${evm.bytecode.object}`,
    deployedBytecode: `0x${evm.deployedBytecode.object}`,
    // Where deployed code differs from the above: values fixed at construction, zero there.
    immutables: Object.values(evm.deployedBytecode.immutableReferences ?? {})
      .flat()
      .sort((a, b) => a.start - b.start),
    methods: sorted(Object.entries(evm.methodIdentifiers).map(([name, id]) => [name, `0x${id}`])),
    events: sorted(Object.entries(coder.events).map(([k, e]) => [k, coder.getEventTopic(e)])),
    errors: sorted(Object.entries(coder.errors).map(([k, e]) => [k, coder.getSighash(e)])),
  };
}

async function main() {
  const check = process.argv.includes("--check");
  await hre.run("compile", { quiet: true });
  fs.mkdirSync(FOLDER, { recursive: true });
  for (const name of CONTRACTS) {
    const file = path.join(FOLDER, `${name}.json`);
    const text = `${JSON.stringify(await describe(name), null, 2)}\n`;
    if (!check) {
      fs.writeFileSync(file, text);
    } else if (!fs.existsSync(file) || fs.readFileSync(file, "utf8") !== text) {
      console.error(`${path.relative(root, file)} differs from contracts/${name}.sol`);
      console.error("run: node scripts/export_abi.cjs");
      process.exitCode = 1;
    }
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
