// Whether people keep up, and whether the mix stays what it was: hours are declared by keyboard, refused when they make no
// sense, compared with the work; the drift page says what it waits for.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { instance, signedIn } from "./console.mjs";
import { accessibilityFaults, fits, screenshotPath } from "./support.mjs";

let on, page;

before(async () => {
  on = await instance();
  page = await signedIn(on);
});

after(async () => on?.stop());

async function pictures(name) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.waitForTimeout(300); // colours move for a moment
    await page.screenshot({ path: screenshotPath(`${name}-${scheme}`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: "light", media: "print" });
  await page.screenshot({ path: screenshotPath(`${name}-print`), fullPage: true });
  await page.emulateMedia({ colorScheme: "light", media: "screen" });
  await page.setViewportSize({ width: 320, height: 900 });
  await fits(page, name);
  await page.setViewportSize({ width: 1440, height: 900 });
}

const place = () => `${on.url}/workflows/support-triage`;
const plan = (hours) =>
  `minutes_per_task = 3\n\n[[person]]\nperson = "maren"\ndays = "mon-sun"\nhours = ${hours}\n\n[response]\nslow = false\n`;

test("hours are declared by keyboard, and refused when nobody has so many", async () => {
  await page.goto(`${place()}/capacity`);
  assert.deepEqual(await accessibilityFaults(page), []);
  const typed = page.getByLabel("The keys of [capacity], as TOML");
  await typed.fill(plan(25));
  await page.getByLabel("Why", { exact: true }).fill("The desk has grown");
  await page.getByLabel("Why", { exact: true }).press("Enter");
  await page.getByRole("alert").filter({ hasText: "at most 24" }).waitFor();
  assert.match(await typed.inputValue(), /hours = 25/, "what was typed is still there");
  await typed.fill(plan(4));
  await page.getByLabel("Why", { exact: true }).press("Enter");
  await page.getByText(/live setting, version 1/).waitFor();
  await page.getByRole("heading", { name: "Utilisation today" }).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  for (const chart of ["The next 14 days", "Said and come", "How far the forecast was off"]) {
    await page.getByRole("heading", { name: chart }).waitFor();
  }
  await pictures("capacity");
  for (const [form, words] of [["csv", /capacity_ms/], ["json", /"method":/]]) {
    const answer = await page.evaluate(async (href) => (await fetch(href)).text(), `${place()}/capacity.${form}`);
    assert.match(answer, words);
  }
});

test("without enough days the drift page says what it waits for, and a baseline of today is refused", async () => {
  await page.goto(`${place()}/drift`);
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByText(/frozen by itself after 14 whole days/).waitFor();
  // The workflow's day, not that of UTC: near midnight they differ.
  const today = new Date().toLocaleDateString("sv-SE", { timeZone: "Europe/Berlin" });
  await page.getByLabel("First day").fill(today);
  await page.getByLabel("Last day").fill(today);
  await page.getByLabel("Why", { exact: true }).fill("to see");
  await page.getByLabel("Why", { exact: true }).press("Enter");
  await page.getByRole("alert").filter({ hasText: "and is over" }).waitFor();
  // Every source is listed, also one with nothing wrong.
  await page.getByRole("region", { name: "Inputs, source by source" }).getByText("input (the event)").waitFor();
  await pictures("drift");
  const answer = await page.evaluate(async (href) => (await fetch(href)).text(), `${place()}/drift.json`);
  assert.match(answer, /"agreement":/);
  // Six bands of confidence, none with an outcome yet; a test instance grants them.
  await page.goto(`${place()}/drift`);
  const bands = page.getByRole("region", { name: "Confidence", exact: true }).getByRole("row");
  assert.equal(await bands.count(), 7);
  await bands.filter({ hasText: "0.90-1.00" }).getByText("granted").waitFor();
  await page.getByRole("img", { name: /Share that people found right/ }).waitFor();
  const sure = await page.evaluate(async (href) => (await fetch(href)).text(), `${place()}/drift/calibration.csv`);
  assert.match(sure, /^band,state,holds,/);
});

test("adoption says for each group what was used, and what nobody can see stays unknown", async () => {
  await page.goto(`${place()}`);
  await page.getByRole("navigation", { name: "Pages of this workflow" }).getByRole("link", { name: "Adoption" }).click();
  await page.getByRole("heading", { name: "Do people use it?" }).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  const table = page.getByRole("region", { name: /^By / });
  const all = table.getByRole("row").last();
  const cells = (await all.getByRole("cell").allInnerTexts()).slice(0, 6).map((t) => Number(t.replaceAll(",", "")));
  assert.equal(cells.slice(1).reduce((a, b) => a + b, 0), cells[0], `the five add up: ${cells}`);
  for (const name of ["Old way used", "Delivered with no console visit"]) {
    await page.getByRole("heading", { name, exact: true }).waitFor();
  }
  await pictures("adoption");
  for (const [form, words] of [["csv", /^group,key,unit,/], ["json", /"no_visit":/]]) {
    const answer = await page.evaluate(async (href) => (await fetch(href)).text(), `${place()}/adoption.${form}`);
    assert.match(answer, words);
  }
  // A number opens its records.
  const unknown = all.getByRole("link").last();
  if (cells[5] > 0) {
    await unknown.click();
    await page.getByText(/nobody can see whether they were used/).waitFor();
  }
});
