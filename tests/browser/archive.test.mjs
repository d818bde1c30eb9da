// The archive of a workflow, opened from a folder without a server: every page in light and dark, on a small screen and on paper.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { instance } from "./console.mjs";
import { accessibilityFaults, screenshotPath } from "./support.mjs";

const run = promisify(execFile);
let on, dir, page;

before(async () => {
  on = await instance();
  dir = join(on.dir, "archive");
  const as = ["--hand-over", "--dir", on.dir, "--as", "rosalind"];
  // What is retired is what an archive is for.
  await run(process.env.TUESDAY_BIN, ["workflow", "retire", "deal-risk", "--reason", "replaced by the CRM's own", ...as]);
  const said = await run(process.env.TUESDAY_BIN, ["export", "--archive", dir, "--json", "--dir", on.dir]);
  assert.equal(JSON.parse(said.stdout).verified, true);
  const context = await on.chromium.newContext({ viewport: { width: 1280, height: 900 }, javaScriptEnabled: true });
  page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(error.message));
  // axe asks for the style sheet by itself, which no page of ours may; everything else would be a fault.
  const asked = /^Connecting to 'file:.*style\.css' violates/;
  page.on("console", (message) => message.type() === "error" && !asked.test(message.text()) && page.faults.push(message.text()));
  page.on("request", (request) => request.url().startsWith("file:") || page.faults.push(request.url()));
  // Nobody answers any more.
  await context.route(/^https?:/, (route) => { page.faults.push(route.request().url()); return route.abort(); });
});
after(async () => { await on?.stop(); });

async function looksRight(name) {
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme });
    assert.deepEqual(await accessibilityFaults(page), [], `${name} ${theme}`);
    await page.screenshot({ path: screenshotPath(`archive-${name}-${theme}`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 320, height: 900 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 320, `${name} is ${wide} wide`);
  await page.setViewportSize({ width: 1280, height: 900 });
}

const follow = async (words) => {
  await page.getByRole("link", { name: words }).first().click();
  await page.waitForSelector("main h1");
};

test("from the first page to a run and back, by links alone", async () => {
  await page.goto(pathToFileURL(join(dir, "index.html")).href);
  const styled = await page.evaluate(() => getComputedStyle(document.body).maxWidth);
  assert.notEqual(styled, "none", "the style sheet is found");
  assert.match(await page.textContent("main"), /Retired/);
  await looksRight("index");
  const title = (await page.locator("section", { hasText: "Retired" }).first().locator("td a").first().textContent()).trim();
  await follow(title);
  assert.match(await page.textContent("main"), /Why it stopped/);
  await looksRight("workflow");
  await follow(/^20\d\d-\d\d$/);
  const rows = await page.locator("tbody tr").count();
  assert.ok(rows > 0);
  await looksRight("month");
  await page.locator("td a").first().click();
  await page.waitForSelector("main h1");
  const text = await page.textContent("main");
  for (const question of ["What started it?", "Who decided?", "What did it cost?"]) assert.ok(text.includes(question), question);
  assert.match(text, /covered by a signed checkpoint/);
  await looksRight("run");
  await page.getByRole("link", { name: title }).click();
  for (const [words, name] of [["Charter and label", "charter"], ["Decisions and changes", "changes"], ["Costs", "costs"], [/^Rules/, "rules"], [/^Releases/, "releases"], ["Runbook", "runbook"]]) {
    await follow(words);
    await looksRight(name);
    await page.goBack();
  }
  await follow("Incidents");
  await looksRight("incidents");
  await follow("Archive");
  await follow("Runbooks");
  await looksRight("runbooks");
  await follow("Archive");
  await follow(/audit log/);
  assert.match(await page.textContent("main"), /every entry against every head/);
  await looksRight("log");
  assert.deepEqual(page.faults, []);
});

test("a run prints as a page, with nothing cut off", async () => {
  await page.goto(pathToFileURL(join(dir, "index.html")).href);
  await page.locator("td a").first().click();
  await follow(/^20\d\d-\d\d$/);
  await page.locator("td a").first().click();
  await page.waitForSelector("main h1");
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  const ground = await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  assert.equal(ground, "light", "paper is white");
  // A4 less its margins, at 96 points to the inch.
  await page.setViewportSize({ width: 672, height: 950 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 672, `${wide} wide on paper`);
  await page.pdf({ path: screenshotPath("archive-run").replace(/png$/, "pdf"), format: "A4" });
  await page.emulateMedia({ media: "screen", colorScheme: "light" });
});

test("every page is plain: no script, no form, and each of its addresses is there", () => {
  const names = readdirSync(dir, { recursive: true }).map(String);
  assert.ok(names.filter((n) => n.endsWith(".html")).length > 50);
  assert.ok(names.includes("SHA256SUMS") && names.includes(join("audit", "log.bundle")));
});
