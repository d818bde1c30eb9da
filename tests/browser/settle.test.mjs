// Tasks that are no plain yes or no, decided with the keyboard: something is missing, nobody knows
// whether it was sent, the machine cannot do it. On an instance of its own with a scripted world.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { noFaults } from "./console.mjs";
import { accessibilityFaults, browser, tuesday } from "./support.mjs";

const PACKAGE = fileURLToPath(new URL("../../crates/tuesday/tests/faults/package", import.meta.url));
const BIN = process.env.TUESDAY_BIN;
Object.assign(process.env, {
  TUESDAY_FAULTS_WEBHOOK: "whsec_Y2FuYXJ5LW9mLXRoZS13ZWJob29rLXNlY3JldC0x",
  TUESDAY_FAULTS_KEY: "key-of-the-browser-test",
});

let chromium, stub, world, server, sender;

async function command(...args) {
  const { stdout } = await promisify(execFile)(BIN, [...args, "--json", "--dir", server.dir]);
  return JSON.parse(stdout.trim().split("\n").pop());
}

async function tell(path, body) {
  const answer = await fetch(`${world.url}${path}`, { method: "POST", body: JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.text()}`);
}

async function send(event) {
  const answer = await fetch(`${server.url}/api/v1/triggers/faults`, {
    method: "POST",
    headers: { authorization: `Bearer ${sender}`, "content-type": "application/json" },
    body: JSON.stringify(event),
  });
  assert.equal(answer.status, 202, await answer.clone().text());
  return (await answer.json()).run_id;
}

before(async () => {
  chromium = await browser();
  stub = spawn(BIN, ["stub", "--listen", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--json"]);
  const [line] = await once(createInterface({ input: stub.stdout }), "line");
  world = JSON.parse(line);
  server = await tuesday(["serve", "--listen", "127.0.0.1:0", "--test-instance"]);
  await command("install", PACKAGE, "--set", `stub_url=${world.url}`, "--set", `smtp=${world.smtp}`);
  sender = (await command("token", "create", "--scope", "trigger")).token;
  const account = (id) => ({ id, tier: "silver", owner: "ann", updated_at: "@-1h" });
  await tell("/_seed", { "crm/accounts": ["AC-1", "AC-2", "AC-3"].map(account) });
  await tell("/_model", { answer: { grade: "low", summary: "nothing that matters" }, model: "stub-1" });
});

after(async () => {
  await chromium?.close();
  await server?.stop();
  stub?.kill("SIGTERM");
});

/** Signs in as `person` and opens the task about the case, once there is one. */
async function open(person, subject) {
  const { token } = await command("token", "create", "--scope", "review", "--person", person);
  const page = await (await chromium.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(error.message));
  await page.goto(`${server.url}/sign-in`);
  await page.getByText("With an access token").click();
  await page.getByLabel("Access token").fill(token);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/queue/);
  const link = page.getByRole("link", { name: subject }).first();
  const until = Date.now() + 30_000;
  while (!(await link.count())) {
    assert.ok(Date.now() < until, `no task about ${subject}\n${server.output()}`);
    await page.waitForTimeout(200);
    await page.goto(`${server.url}/queue`);
  }
  await link.focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/reviews\//);
  assert.deepEqual(await accessibilityFaults(page), []);
  return page;
}

/** How the run stands, once it has ended. */
async function ended(run) {
  const until = Date.now() + 30_000;
  for (;;) {
    const shown = await command("run", "show", run);
    if (["completed", "handed_off", "failed"].includes(shown.status)) return shown;
    assert.ok(Date.now() < until, JSON.stringify(shown));
    await new Promise((done) => setTimeout(done, 200));
  }
}

test("what is missing is supplied, and the run goes on", async () => {
  const run = await send({ id: "missing-1", lane: "auto", text: "no account in it" });
  const page = await open("rhea", /missing-1/);
  await page.getByLabel(/account/i).first().focus();
  await page.keyboard.type("AC-1");
  await page.getByRole("button", { name: "Supply and go on" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForLoadState();
  assert.equal((await ended(run)).outcome, "written_back");
  noFaults(page);
  await page.context().close();
});

test("whether a mail was sent is answered with evidence, and it is not sent again", async () => {
  await tell("/_script", { system: "mail", method: "DATA", drop: "after_apply" });
  const run = await send({ id: "unsure-1", lane: "mail", account: "AC-2", text: "send a mail" });
  const page = await open("rhea", /unsure-1/);
  const record = page.getByRole("button", { name: "Record this" });
  // Without an answer and evidence nothing is recorded.
  await record.focus();
  await page.keyboard.press("Enter");
  assert.match(page.url(), /\/reviews\//);
  await page.getByRole("radio", { name: /It happened/ }).focus();
  await page.keyboard.press("Space");
  await page.getByLabel(/Evidence/).focus();
  await page.keyboard.type("It lies in the outbox, seen at nine");
  await record.focus();
  await page.keyboard.press("Enter");
  await page.waitForLoadState();
  assert.equal((await ended(run)).outcome, "written_back");
  const mails = await (await fetch(`${world.url}/_ledger/mail`)).json();
  assert.equal(mails.filter((m) => m.applied).length, 1, "sent once");
  noFaults(page);
  await page.context().close();
});

test("what the machine cannot do is done by hand, and said so", async () => {
  await tell("/_script", { system: "model", status: 400, times: 50 });
  const run = await send({ id: "byhand-1", lane: "auto", account: "AC-3", text: "refused" });
  const page = await open("rhea", /byhand-1/);
  // There is no answer, so there is nothing to approve or to edit.
  assert.equal(await page.locator('.acts [data-key="a"], .acts [data-key="e"]').count(), 0);
  await page.keyboard.press("o");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("radio", { name: /Done by hand/ }).focus();
  await page.keyboard.press("Space");
  await dialog.getByLabel("In words").focus();
  await page.keyboard.type("Graded low in the desk by hand");
  await dialog.getByRole("button", { name: "Record this" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForLoadState();
  assert.equal((await ended(run)).status, "handed_off");
  noFaults(page);
  await page.context().close();
});
