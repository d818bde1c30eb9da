// What the browser tests share: the browser, axe, and a running tuesday.
//
// `cargo xtask test --only browser` installs everything and sets these variables:
//   TUESDAY_BIN              the debug binary
//   TUESDAY_CHROMIUM         the browser
//   TUESDAY_BROWSER_MODULES  a folder with node_modules (playwright-core, axe-core)
//   TUESDAY_BROWSER_OUT      where screenshots go
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

// The packages live outside this folder, where a plain `import` would not look for them.
const require = createRequire(join(variable("TUESDAY_BROWSER_MODULES"), "package.json"));
const { chromium } = require("playwright-core");

function variable(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; start with: cargo xtask test --only browser`);
  return value;
}

/** Starts headless Chromium. Close it after the test. */
export async function browser() {
  // The sandbox needs rights that containers and root do not have; the pages are our own.
  return chromium.launch({ executablePath: variable("TUESDAY_CHROMIUM"), args: ["--no-sandbox"] });
}

/** The path for a screenshot of this name. */
export function screenshotPath(name) {
  const dir = join(variable("TUESDAY_BROWSER_OUT"), "screenshots");
  mkdirSync(dir, { recursive: true });
  return join(dir, `${name}.png`);
}

/**
 * Faults that axe finds in the page: one line each, empty when there are none.
 * The script is evaluated by the debugger and not inserted, so that the page's CSP stays as it is.
 */
export async function accessibilityFaults(page, tags = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]) {
  await page.evaluate(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  const result = await page.evaluate(
    (values) => window.axe.run(document, { runOnly: { type: "tag", values } }),
    tags,
  );
  return result.violations.flatMap((fault) =>
    fault.nodes.map((node) => `${fault.id}: ${fault.help}: ${node.target.join(" ")}`),
  );
}

/**
 * Runs `tuesday ARGS --dir <temporary>` until a line of its output has an http address.
 * `config` is the text of its tuesday.toml. Returns `{ url, dir, output, stop }`; `stop` ends the process and deletes the folder.
 */
export async function tuesday(args, { startWithinMs = 60_000, config, env = {} } = {}) {
  const dir = mkdtempSync(join(tmpdir(), "tuesday-browser-"));
  const file = join(dir, "tuesday.toml");
  // How full the disk of whoever runs the tests is must not show on a page.
  writeFileSync(file, `least_free_percent = 0\n${config ?? ""}`);
  const named = ["--config", file];
  const child = spawn(variable("TUESDAY_BIN"), [...args, ...named, "--dir", dir], {
    env: { ...process.env, NO_COLOR: "1", ...env },
  });
  let output = "";
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(dir, { recursive: true, force: true });
  };
  const address = new Promise((found, failed) => {
    const tooLate = setTimeout(
      () => failed(new Error(`no address within ${startWithinMs} ms:\n${output}`)),
      startWithinMs,
    );
    const read = (chunk) => {
      output += chunk;
      // A whole line, or a chunk that ends inside the port would give a wrong address.
      const match = output.match(/(http:\/\/[^\s/"]+)[^\n]*\n/);
      if (match) {
        clearTimeout(tooLate);
        found(match[1]);
      }
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", failed);
    child.once("exit", (code) => failed(new Error(`tuesday ended with ${code}:\n${output}`)));
  });
  try {
    return { url: await address, dir, output: () => output, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Runs another `tuesday` command on the same folder; answers what it printed. */
export function command(dir, ...args) {
  return execFileSync(variable("TUESDAY_BIN"), [...args, "--dir", dir], {
    env: { ...process.env, NO_COLOR: "1" },
    encoding: "utf8",
  });
}

/** Fails when the page is wider than its window of 320 pixels; a size just set may take a moment to be laid out. */
export async function fits(page, name) {
  const width = () => page.evaluate(() => document.documentElement.scrollWidth);
  const deadline = Date.now() + 5_000;
  while ((await width()) > 320 && Date.now() < deadline) await page.waitForTimeout(50);
  const wide = await width();
  if (wide > 320) throw new Error(`${name} is ${wide} pixels wide`);
}
