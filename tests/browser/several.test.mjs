// Several alike cases at once, by keyboard alone; who else is there; stopping the workflow from a case.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { drawn, instance, noFaults, openCase, openOutput, queueOf, signedIn } from "./console.mjs";
import { accessibilityFaults, screenshotPath } from "./support.mjs";

let on;
before(async () => { on = await instance(); });
after(async () => { await on?.stop(); });

/** Opens `n` cases of the tier that allows several, one after the other, and selects them by keyboard. */
async function selectAlike(page, n) {
  await queueOf(page, 6, on.url);
  await page.goto(`${on.url}/queue?workflow=support-triage&tier=desk`);
  await page.locator("body[data-live=yes]").waitFor();
  await page.keyboard.press("j");
  for (let at = 0; at < n; at += 1) {
    await drawn(page);
    await page.waitForResponse((r) => r.url().endsWith("/reading"), { timeout: 3_000 }).catch(() => {});
    await page.keyboard.press("Space");
    if (at < n - 1) await page.keyboard.press("j");
  }
  assert.equal(await page.locator("#several [data-count]").innerText(), `${n} selected`);
}

test("alike cases are rejected together, after a preview, and each says what became of it", async () => {
  const page = await signedIn(on);
  await selectAlike(page, 3);
  await page.screenshot({ path: screenshotPath("several-light") });
  assert.deepEqual(await accessibilityFaults(page), []);
  const ids = await page.locator(".qlist li:has(:checked) > a").evaluateAll((l) => l.map((a) => a.dataset.id));
  await page.keyboard.press("Shift+R");
  await page.waitForURL(/\/queue\/together/);
  assert.equal(await page.locator("h1").innerText(), "Reject 3 cases");
  assert.match(await page.locator("main").innerText(), /Nothing is written and nothing is sent/);
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.screenshot({ path: screenshotPath("together-light") });
  await page.keyboard.press("2");
  await page.keyboard.press("Enter");
  await page.locator("h1", { hasText: "3 of 3 cases rejected" }).waitFor();
  await page.screenshot({ path: screenshotPath("together-done-light") });
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/queue\?.*tier=desk/);
  for (const id of ids) assert.equal(await page.locator(`.qlist a[data-id="${id}"]`).count(), 0, id);
  noFaults(page);
  await page.context().close();
});

test("what cannot be approved together is left out, and says why", async () => {
  const [page, other] = [await signedIn(on, { theme: "dark" }), await signedIn(on, { as: "idris" })];
  await selectAlike(page, 2);
  const ids = await page.locator(".qlist li:has(:checked) > a").evaluateAll((l) => l.map((a) => a.dataset.id));
  // One more that this person never opened, and one that somebody else takes meanwhile.
  const plain = page.locator(".qlist li:not(:has(:checked))").filter({ hasNotText: / · (input|by hand|unclear write) · / });
  const unseen = plain.locator("input[name=pick]").last();
  await unseen.evaluate((box) => { box.checked = true; });
  await other.goto(`${on.url}/reviews/${ids[0]}`);
  await drawn(other);
  await other.keyboard.press("c");
  await other.locator(".itop", { hasText: "Yours until" }).waitFor();
  await page.keyboard.press("Shift+A");
  await page.waitForURL(/\/queue\/together/);
  assert.equal(await page.locator("h1").innerText(), "Approve 1 case");
  const out = await page.locator('section[aria-labelledby="out"]').innerText();
  assert.match(out, /You have not opened it/);
  assert.match(out, /revision|is on it until/);
  assert.match(await page.locator('section[aria-labelledby="these"]').innerText(), /Desk/);
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.screenshot({ path: screenshotPath("together-dark") });
  // The checklist is answered once, with the keyboard alone.
  const questions = await page.locator('input[name="checklist"]').count();
  for (let n = 0; n < questions; n += 1) {
    await page.keyboard.press("Space");
    await page.keyboard.press("Tab");
  }
  await page.locator("#together button.main").focus();
  await page.keyboard.press("Enter");
  await page.locator("h1", { hasText: "1 of 1 case approved" }).waitFor();
  noFaults(page);
  await page.context().close();
  await other.context().close();
});

test("a case says who else has it open, and only editing is in the way", async () => {
  const [one, two] = [await signedIn(on), await signedIn(on, { as: "idris" })];
  const address = await openOutput(one, on.url);
  await drawn(one);
  await two.goto(address);
  const line = two.locator("[data-present]");
  await line.filter({ hasText: "Maren Holt has this open too" }).waitFor({ timeout: 5_000 });
  await one.keyboard.press("e");
  await one.locator("#edit").waitFor();
  await one.waitForTimeout(300);
  await two.reload();
  await line.filter({ hasText: "Maren Holt is editing this now" }).waitFor({ timeout: 5_000 });
  await two.screenshot({ path: screenshotPath("present-light") });
  assert.equal(await openCase(two), await openCase(one));
  noFaults(one);
  noFaults(two);
  await one.context().close();
  await two.context().close();
});

test("the workflow is paused from the case, with a reason", async () => {
  const page = await signedIn(on);
  await openOutput(page, on.url);
  await drawn(page);
  await page.keyboard.press("p");
  await page.locator("#pause[open]").waitFor();
  await page.locator("#pause-note").focus();
  await page.keyboard.type("The desk answers twice");
  await page.screenshot({ path: screenshotPath("pause-light") });
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator(".toast", { hasText: "Paused" }).waitFor();
  await page.goto(`${on.url}/workflows/support-triage`);
  await page.locator(".tag", { hasText: "Paused" }).waitFor();
  noFaults(page);
  await page.context().close();
});
