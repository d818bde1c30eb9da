// What was approved is looked at by somebody else, and a run that is over is repeated from its page; by keyboard.
// On an instance of its own, where everything that is approved is drawn.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { drawn, noFaults } from "./console.mjs";
import { accessibilityFaults, browser, screenshotPath, tuesday } from "./support.mjs";

let chromium, server;

async function lines(...args) {
  const { stdout } = await promisify(execFile)(process.env.TUESDAY_BIN, [...args, "--json", "--dir", server.dir]);
  return stdout.trim().split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

const command = async (...args) => (await lines(...args)).at(-1);

/** Starts a run and answers its open task. */
async function asked(id) {
  const file = join(server.dir, `${id}.json`);
  writeFileSync(file, JSON.stringify({ id, text: "Please call me" }));
  const run = await command("run", "start", "own", "--input", file, "--wait");
  assert.equal(run.status, "in_review");
  const tasks = await lines("review", "list");
  return { run: run.id, task: tasks.find((t) => t.run_id === run.id).id };
}

before(async () => {
  chromium = await browser();
  server = await tuesday(["serve", "--listen", "127.0.0.1:0", "--test-instance"]);
  const own = join(server.dir, "own");
  await promisify(execFile)(process.env.TUESDAY_BIN, ["init", "own"], { cwd: server.dir });
  const file = join(own, "workflow.toml");
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replace("[[review.tier]]", "[review.second_look]\nhuman_percent = 100\n\n[[review.tier]]").replace("recall_seconds = 10", "recall_seconds = 0"));
  await command("install", own);
});

after(async () => {
  await chromium?.close();
  await server?.stop();
});

/** A page on which `person` is signed in. */
async function signedIn(person) {
  const { token } = await command("token", "create", "--scope", "review", "--person", person);
  const page = await (await chromium.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) page.faults.push(message.text());
  });
  await page.goto(`${server.url}/sign-in`);
  await page.getByText("With an access token").click();
  await page.getByLabel("Access token").fill(token);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/queue/);
  return page;
}

/** Pictures in both schemes, and in a narrow window. */
async function pictures(page, name) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.waitForTimeout(300); // colours move for a moment
    await page.screenshot({ path: screenshotPath(`${name}-${scheme}`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 320, height: 900 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 320, `${name} is ${wide} pixels wide`);
  await page.screenshot({ path: screenshotPath(`${name}-narrow`) });
  await page.setViewportSize({ width: 1440, height: 900 });
}

/** Waits for the one open task of this kind. */
async function task(kind) {
  const until = Date.now() + 30_000;
  for (;;) {
    const found = (await lines("review", "list")).find((t) => t.kind === kind);
    if (found) return found;
    assert.ok(Date.now() < until, `no task of the kind ${kind}\n${server.output()}`);
    await new Promise((done) => setTimeout(done, 200));
  }
}

test("a second look is answered by keyboard, and a wrong one is reported", async () => {
  const { task: id } = await asked("L-1");
  await command("review", "approve", id, "--as", "ana", "--all-checked", "--wait");
  const look = await task("second_look");
  assert.equal(look.owner, "ben", "not who approved it");
  const page = await signedIn("ben");
  await page.goto(`${server.url}/reviews/${look.id}`);
  await drawn(page);
  assert.deepEqual(await accessibilityFaults(page), []);
  await pictures(page, "second-look");
  assert.equal(await page.locator('.acts [data-key="a"], .acts [data-key="e"], .acts [data-key="r"]').count(), 0, "nothing to approve");
  await page.keyboard.press("2");
  assert.ok(await page.getByRole("radio", { name: /It was wrong/ }).isChecked());
  await page.keyboard.press("Tab");
  await page.keyboard.type("The number to call is missing");
  await page.keyboard.press("Control+Enter");
  await page.getByText("Recorded: L-1").waitFor();
  const shown = (await lines("review", "list", "--state", "rejected")).find((t) => t.id === look.id);
  assert.equal(shown.decision, "incorrect");
  const report = await command("problem", "list");
  assert.match(report.words, /number to call/);
  const [figures] = await lines("report", "oversight");
  assert.deepEqual(figures.second_looks.map((l) => [l.drawn, l.open, l.wrong.hits]), [[1, 0, 1]]);
  noFaults(page);
  await page.context().close();
});

test("a run that is over is repeated from its page, and a written one only without effect", async () => {
  const { run, task: id } = await asked("A-1");
  await command("review", "reject", id, "--as", "ana", "--reason", "wrong_kind");
  const page = await signedIn("ana");
  await page.goto(`${server.url}/runs/${run}`);
  assert.deepEqual(await accessibilityFaults(page), []);
  await pictures(page, "run-again");
  await page.getByRole("radio", { name: /The same inputs/ }).focus();
  await page.keyboard.press("Space");
  await page.locator("#again-reason").focus();
  await page.keyboard.type("It was right after all");
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname.startsWith("/runs/") && !url.pathname.endsWith(run));
  const repeated = page.url().split("/").pop();
  assert.equal((await command("run", "show", repeated)).rerun_of, run);
  assert.ok(await page.getByRole("link", { name: run }).count(), "the new run names the old one");
  await pictures(page, "run-repeated");
  const next = await task("output");
  assert.equal(next.run_id, repeated);
  await command("review", "approve", next.id, "--as", "ana", "--all-checked", "--wait");
  await page.reload();
  await pictures(page, "run-written");
  assert.equal(await page.getByRole("radio").filter({ visible: true }).count(), 1, "only without effect");
  await page.goto(`${server.url}/runs/${run}`);
  assert.ok(await page.getByRole("link", { name: repeated }).count(), "the old run names the new one");
  noFaults(page);
  await page.context().close();
});
