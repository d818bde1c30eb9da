// Tasks that are no plain yes or no, decided with the keyboard: something is missing, nobody knows
// whether it was sent, the machine cannot do it. On an instance of its own with a scripted world.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { noFaults } from "./console.mjs";
import { scripted } from "./scripted.mjs";
import { accessibilityFaults } from "./support.mjs";

let bed, world, server, tell, send, ended;

before(async () => {
  bed = await scripted({ accounts: ["AC-1", "AC-2", "AC-3"] });
  ({ world, server, tell, send, ended } = bed);
});

after(async () => { await bed?.stop(); });

/** Signs in as `person` and opens the task about the case, once there is one. */
async function open(person, subject) {
  const page = await bed.signedIn(person);
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
