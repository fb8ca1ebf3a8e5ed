"use strict";
// Compiles with the compiler of the npm package `solc`, so that nothing is downloaded.

const { subtask } = require("hardhat/config");
const { TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD } = require("hardhat/builtin-tasks/task-names");
const solc = require("solc/package.json");

subtask(TASK_COMPILE_SOLIDITY_GET_SOLC_BUILD, async ({ solcVersion }) => {
  if (solcVersion !== solc.version) {
    throw new Error(`package.json brings solc ${solc.version}, not ${solcVersion}`);
  }
  return {
    compilerPath: require.resolve("solc/soljson.js"),
    isSolcJs: true,
    version: solc.version,
    longVersion: require("solc").version(),
  };
});

/** @type {import("hardhat/config").HardhatUserConfig} */
module.exports = {
  solidity: {
    version: solc.version,
    settings: {
      optimizer: { enabled: true, runs: 200 },
      evmVersion: "cancun",
      // The same bytecode from every tool: no hash of paths and settings at its end.
      metadata: { bytecodeHash: "none" },
    },
  },
  networks: {
    hardhat: { hardfork: "cancun", chainId: 31337 },
  },
  paths: {
    sources: "contracts",
    tests: "tests/contracts",
    // Apart from those of forge: hardhat deletes what it does not know.
    artifacts: "artifacts/hardhat",
    cache: "cache/hardhat",
  },
};
