// The charter on one page: every item with its evidence, stating a field, what is refused, the hub.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { instance, signedIn } from "./console.mjs";
import { accessibilityFaults, fits, screenshotPath } from "./support.mjs";

let on;
before(async () => { on = await instance(); });
after(async () => { await on?.stop(); });

async function looksRight(page, name) {
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme });
    await page.screenshot({ path: screenshotPath(`${name}-${theme}`), fullPage: true });
    assert.deepEqual(await accessibilityFaults(page), [], `${name} ${theme}`);
  }
}

const sheet = (page, word) => page.locator(`section[aria-labelledby=sheet-${word}]`);

async function state(page, field, value) {
  // A refused text comes back with its form open.
  if (!(await page.locator(`#f-${field}`).isVisible())) await page.getByText("State a field", { exact: true }).click();
  await page.locator(`#f-${field}`).fill(value);
  await page.locator(`#f-${field}`).press("Enter");
}

test("the charter holds its nine fields and the checklist its ten items, with evidence", async () => {
  const page = await signedIn(on, { as: "maren" });
  await page.goto(`${on.url}/workflows/support-triage/charter`);
  assert.equal(await sheet(page, "charter").locator("ol > li").count(), 9);
  assert.equal(await sheet(page, "checklist").locator("ol > li").count(), 10);
  assert.match(await sheet(page, "charter").innerText(), /Problem friction hours[\s\S]*blank[\s\S]*Missing/);
  assert.match(await page.locator(".pagehead").innerText(), /Production \(test instance\)/);
  await looksRight(page, "charter");
  await page.emulateMedia({ media: "print", colorScheme: "light" });
  const pdf = await page.pdf({ format: "A4" });
  assert.equal(pdf.toString("latin1").match(/\/Type\s*\/Page[^s]/g).length, 1, "it prints on one page");
  await page.emulateMedia({ media: "screen" });
  await page.setViewportSize({ width: 320, height: 700 });
  await fits(page, page.url());
  assert.deepEqual(page.faults, []);
});

test("a field is stated by keyboard, a text of another form is refused, TBD is blank", async () => {
  const page = await signedIn(on, { as: "maren" });
  await page.goto(`${on.url}/workflows/support-triage/charter`);
  await state(page, "friction_hours", "12,5");
  await sheet(page, "charter").getByText("12.5 hours a week").waitFor();
  await state(page, "maintenance_budget", "enough");
  await page.locator("[role=alert]").waitFor();
  assert.match(await page.locator("[role=alert]").innerText(), /not an amount[\s\S]*1200 EUR/);
  assert.equal(await page.locator("#f-maintenance_budget").inputValue(), "enough", "what was typed is not lost");
  await looksRight(page, "charter-refused");
  await state(page, "friction_hours", "TBD");
  await sheet(page, "charter").getByText("12.5 hours a week").waitFor({ state: "detached" });
});

test("a reviewer reads the charter and signs nothing", async () => {
  const page = await signedIn(on, { as: "lena" });
  await page.goto(`${on.url}/workflows/support-triage/charter`);
  await sheet(page, "charter").waitFor();
  assert.equal(await page.getByText("State a field", { exact: true }).count(), 0);
});

test("the hub shows each label beside what the workflow does", async () => {
  const page = await signedIn(on, { as: "maren" });
  await page.goto(`${on.url}/hub`);
  const own = page.locator("section[aria-labelledby=hub-support-triage]");
  assert.match(await own.innerText(), /Production \(test instance\)[\s\S]*Naming[\s\S]*Wrong output[\s\S]*Error handling[\s\S]*Rule changes/);
  await looksRight(page, "hub");
  await own.getByRole("link", { name: "Support triage" }).click();
  await page.waitForURL("**/workflows/support-triage/charter");
});

test("who has learnt to decide stands on one page", async () => {
  const page = await signedIn(on, { as: "maren" });
  await page.goto(`${on.url}/workflows/support-triage/training`);
  const who = page.locator("section[aria-labelledby=who]");
  assert.match(await who.innerText(), /Maren[\s\S]*Not finished/);
  assert.equal(await page.getByRole("link", { name: "Practise", exact: true }).count(), 1);
  await looksRight(page, "training");
  await page.setViewportSize({ width: 320, height: 700 });
  await fits(page, page.url());
  assert.deepEqual(page.faults, []);
});

test("a sign is answered by keyboard, and the records contradict it", async () => {
  const page = await signedIn(on, { as: "maren" });
  await page.goto(`${on.url}/workflows/support-triage/charter`);
  const signs = page.locator("section[aria-labelledby=signs]");
  await signs.getByText("When a rule must change").click();
  await page.locator("#said-rule_changes").fill("its owners change it");
  await page.locator("#said-rule_changes").press("Enter");
  await signs.getByText("Contradicted by the records").waitFor();
  assert.match(await signs.innerText(), /maren says production: its owners change it/);
  await looksRight(page, "charter-signs");
});

test("a decision rests on what can be opened, and one that is replaced stays readable", async () => {
  const page = await signedIn(on, { as: "maren" });
  const address = `${on.url}/workflows/support-triage`;
  const decide = async (links, instead) => {
    await page.goto(address);
    await page.locator("summary", { hasText: "Record a decision" }).click();
    await page.getByText(/^The one metric|^No success metric is stated/).waitFor();
    await page.locator("#question").fill("For whom does it go on?");
    await page.locator("#evidence").fill("the figures of the week");
    await page.locator("#links").fill(links);
    await page.locator("#conditions").fill("at most 50 a day");
    if (instead) await page.locator("#supersedes").selectOption({ index: 1 });
    await page.locator("#why-decisions").fill("as agreed");
    await page.locator("#why-decisions").press("Enter");
  };
  await decide("what everybody knows");
  assert.match(await page.locator("[role=alert]").innerText(), /no link|neither an id/);
  await decide("/workflows/support-triage/scorecard");
  await page.locator("summary", { hasText: "What was decided" }).click();
  await page.getByRole("link", { name: "/workflows/support-triage/scorecard" }).waitFor();
  assert.match(await page.locator("main").innerText(), /Condition: at most 50 a day/);
  await decide("https://example.com/report", true);
  await page.locator("summary", { hasText: "What was decided" }).click();
  await page.getByText("no longer in force").waitFor();
  await looksRight(page, "decisions");
  assert.deepEqual(page.faults, []);
});
