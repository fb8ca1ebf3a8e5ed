#!/usr/bin/env node
"use strict";
// Runs the forge of this machine's npm package, or the one that the variable FORGE names.

const { spawnSync } = require("node:child_process");
const path = require("node:path");

/** Return the path of the program, or undefined where no package brings it. */
function findForge() {
  if (process.env.FORGE) return process.env.FORGE;
  const machine = { x64: "amd64", arm64: "arm64" }[process.arch];
  const suffix = process.platform === "win32" ? ".exe" : "";
  try {
    return require.resolve(`@foundry-rs/forge-${process.platform}-${machine}/bin/forge${suffix}`);
  } catch {
    return undefined;
  }
}

const forge = findForge();
if (forge === undefined) {
  console.error(`no forge for ${process.platform}-${process.arch} in node_modules; set FORGE`);
  process.exit(1);
}
const { status, error } = spawnSync(forge, process.argv.slice(2), {
  cwd: path.dirname(__dirname),
  stdio: "inherit",
});
if (error) console.error(`${forge}: ${error.message}`);
process.exit(status ?? 1);
