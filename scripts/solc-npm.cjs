#!/usr/bin/env node
"use strict";
// A small `solc` command over the npm package, for tools that start a compiler: forge, py-solc-x,
// slither. Knows --version and --standard-json (standard input to standard output).

const fs = require("node:fs");
const path = require("node:path");
const solc = require("solc");

const root = path.dirname(__dirname);

/** Find an imported source under the checkout or its node_modules. */
function findSource(name) {
  for (const folder of [root, path.join(root, "node_modules")]) {
    const file = path.resolve(folder, name);
    const inside = file.startsWith(folder + path.sep);
    if (inside && fs.existsSync(file)) return { contents: fs.readFileSync(file, "utf8") };
  }
  return { error: `source not found: ${name}` };
}

function print(text) {
  process.stdout.write(`${text}\n`);
}

function main(options) {
  if (options.includes("--version") || options.includes("-V")) {
    print(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`);
    return;
  }
  if (!options.includes("--standard-json")) {
    process.stderr.write("solc-npm: only --version and --standard-json are supported\n");
    process.exitCode = 1;
    return;
  }
  // By events: a blocking read of a pipe fails with EAGAIN under some callers.
  const chunks = [];
  process.stdin.on("data", (chunk) => chunks.push(chunk));
  process.stdin.on("end", () => {
    const input = Buffer.concat(chunks).toString("utf8");
    print(solc.compile(input, { import: findSource }));
  });
}

main(process.argv.slice(2));
