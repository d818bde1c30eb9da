// What was approved is looked at by somebody else, and a run that is over is repeated from its page; by keyboard.
// On an instance of its own, where everything that is approved is drawn.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { answerChecklist, drawn, noFaults } from "./console.mjs";
import { accessibilityFaults, browser, fits, screenshotPath, tuesday } from "./support.mjs";

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
  writeFileSync(file, text.replace("[[review.tier]]", "[review.second_look]\nhuman_percent = 100\n\n[[review.tier]]").replace("recall_seconds = 10", "recall_seconds = 0")
    .replace("[[review.tier]]", "[[review.seeds.fault]]\nname = \"swapped\"\nfield = \"kind\"\nswap = true\n\n[[review.tier]]"));
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
  await fits(page, name);
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

test("a known error is placed on the workflow's page, looks like any case, and is told after the decision", async () => {
  const { task: one } = await asked("S-1");
  await command("review", "edit", one, "--as", "ana", "--all-checked", "--set", "kind=question", "--reason", "wrong_kind", "--wait");
  const { task: two } = await asked("S-2");
  await command("review", "edit", two, "--as", "ana", "--all-checked", "--set", "kind=request", "--reason", "wrong_kind", "--wait");
  const before = (await lines("run", "list", "--limit", "100")).length;
  const page = await signedIn("ana");
  await page.goto(`${server.url}/workflows/own`);
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByRole("heading", { name: "Known errors" }).scrollIntoViewIfNeeded();
  await pictures(page, "known-errors");
  await page.getByLabel("Fault").selectOption("swapped");
  await page.getByRole("button", { name: /into the queue/ }).press("Enter");
  await page.getByText(/Placed: swapped/).waitFor();
  const seeded = await task("output");
  await page.goto(`${server.url}/reviews/${seeded.id}`);
  await drawn(page);
  assert.ok(!/known error|on purpose|seed/i.test(await page.locator("main").innerText()), "nothing tells before the decision");
  assert.equal((await lines("run", "list", "--limit", "100")).length, before, "it counts as no run");
  await answerChecklist(page);
  await page.locator("body").press("a");
  await page.getByText(/That was a known error, and it went through/).waitFor();
  await page.goto(`${server.url}/reviews/${seeded.id}`);
  await page.getByRole("heading", { name: "A known error went through" }).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await pictures(page, "known-error-told");
  const [figures] = await lines("report", "oversight");
  const tier = figures.tiers.find((t) => t.caught);
  assert.deepEqual([tier.caught.hits, tier.caught.of], [0, 1]);
  noFaults(page);
  await page.context().close();
});

test("the run's page proves each entry against the signed checkpoint", async () => {
  const { run } = await asked("P-1");
  await command("audit", "checkpoint");
  const page = await signedIn("ana");
  await page.goto(`${server.url}/runs/${run}`);
  await page.getByText("Each entry's place in the signed log").click();
  await page.locator(".proofs details summary").first().click();
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.locator(".proofs").scrollIntoViewIfNeeded();
  await pictures(page, "run-proof");
  const index = (await page.locator(".proofs dd.mono").first().innerText()).trim();
  const { token } = await command("token", "create", "--scope", "read", "--person", "ana");
  const answer = await fetch(`${server.url}/api/v1/audit/entries/${index}/proof`, { headers: { authorization: `Bearer ${token}` } });
  const proof = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(proof));
  // The way up, joined by hand as RFC 6962 says.
  const { createHash } = await import("node:crypto");
  const sha = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
  let [hash, fn, sn] = [sha(Buffer.from([0]), Buffer.from(proof.leaf, "base64")), proof.index, proof.size - 1];
  assert.equal(hash.toString("hex"), proof.leaf_hash);
  for (const step of proof.path.map((h) => Buffer.from(h, "hex"))) {
    if (fn % 2 === 1 || fn === sn) {
      hash = sha(Buffer.from([1]), step, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
    } else {
      hash = sha(Buffer.from([1]), hash, step);
    }
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  assert.equal(hash.toString("hex"), proof.root, "the path leads to the signed root");
  assert.ok(proof.checkpoint.includes(Buffer.from(proof.root, "hex").toString("base64")), "which the checkpoint names");
  noFaults(page);
  await page.context().close();
});
