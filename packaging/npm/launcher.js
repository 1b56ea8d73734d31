#!/usr/bin/env node
// Starts the program that the package for this platform holds, and hands on arguments, terminal, signals and exit code.
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const { name, version, optionalDependencies } = require("./package.json");

/** The platforms that may have a program for this one, the likeliest first. */
function platforms() {
  const platform = `${process.platform}-${process.arch}`;
  if (process.platform !== "linux") return [platform];
  // The program for musl needs no library at all, so it runs with glibc too.
  return hasGlibc() ? [platform, `${platform}-musl`] : [`${platform}-musl`];
}

/** The package of a platform; undefined where there is none. */
function packageOf(platform) {
  return Object.keys(optionalDependencies).find((dependency) => dependency.endsWith(`/${platform}`));
}

function hasGlibc() {
  // Without it the report looks up the names of all addresses that this process is connected to.
  process.report.excludeNetwork = true;
  return Boolean(process.report.getReport().header.glibcVersionRuntime);
}

/** The path of the program; undefined where no package holds it. */
function findProgram() {
  const file = process.platform === "win32" ? `${name}.exe` : name;
  for (const dependency of platforms().map(packageOf)) {
    try {
      return require.resolve(`${dependency}/${file}`);
    } catch {
      // It is not installed: the next one may be.
    }
  }
  return undefined;
}

function missing() {
  const [platform] = platforms();
  const wanted = packageOf(platform);
  if (wanted === undefined) {
    const known = Object.keys(optionalDependencies).map((dependency) => dependency.split("/")[1]);
    return `error: there is no ${name} for ${platform}, only for ${known.join(", ")}\n`;
  }
  return (
    `error: the package ${wanted}@${version}, which holds the program for this platform, is not installed\n` +
    "hint: Install again with optional dependencies (without --omit=optional or --no-optional). If the lock file was made on another " +
    `platform, add this one: \`npm install ${wanted}@${version} --save-optional\`.\n`
  );
}

/** Whether a terminal sends Ctrl-C to this process, and so to the program too. */
function hasTerminal() {
  if (process.platform === "win32") return true;
  try {
    fs.closeSync(fs.openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}

function start(program) {
  const reachesBoth = hasTerminal() ? ["SIGINT", "SIGQUIT"] : [];
  // With a listener the launcher outlives the signal, and ends as the program does: so none may come before them.
  for (const signal of ["SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // The program counts them: the second one ends it at once.
      if (!reachesBoth.includes(signal)) child.kill(signal);
    });
  }
  const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
  child.on("error", (error) => {
    process.stderr.write(`error: could not start ${program}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = signal ? 128 + os.constants.signals[signal] : code;
    if (signal && process.platform !== "win32") {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
  });
}

const program = findProgram();
if (program === undefined) {
  process.stderr.write(missing());
  process.exitCode = 1;
} else {
  start(program);
}
