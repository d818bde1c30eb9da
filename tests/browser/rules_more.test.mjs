// What a source's words mean, a change that is planned, and asking the rules again about open tasks: on their pages.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { answered, instance, noFaults, queueOf, signedIn } from "./console.mjs";
import { accessibilityFaults, fits, screenshotPath } from "./support.mjs";

let on, page, address;

before(async () => {
  on = await instance();
  address = `${on.url}/workflows/support-triage/rules`;
  page = await signedIn(on);
});
after(async () => { await on?.stop(); });

/** Presses a button and waits for the page that follows. */
async function press(name) {
  const answer = answered(page);
  const loaded = page.waitForEvent("load");
  await page.getByRole("button", { name }).first().click();
  await loaded;
  return (await answer).status();
}

async function looksRight(name) {
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await page.evaluate(() => document.fonts.ready);
    assert.deepEqual(await accessibilityFaults(page), [], `${name} ${theme}`);
    await page.screenshot({ path: screenshotPath(`${name}-${theme}`), fullPage: true });
  }
  await page.setViewportSize({ width: 320, height: 900 });
  await fits(page, name);
  await page.setViewportSize({ width: 1440, height: 900 });
}

test("a word of the source is given a meaning, tried, put in force, and taken out again", async () => {
  await page.goto(address);
  await page.getByLabel("A new word of the source for tier").fill("Platinum Plus");
  await page.getByLabel("What the new word stands for").selectOption("gold");
  await page.locator("#why").fill("tiers of the new year");
  assert.equal(await press("Try on past runs"), 200);
  const entry = page.getByLabel("Platinum Plus stands for");
  assert.equal(await entry.inputValue(), "gold");
  await looksRight("rules-mapping-tried");
  assert.equal(await press("Put in force"), 303);
  assert.match(await page.locator(".pagehead .sub").textContent(), /Version 2 is in force/);
  assert.equal(await entry.inputValue(), "gold");
  assert.match(await page.locator("#version-2").textContent(), /tier Platinum Plus.*nothing.*gold/s);
  await looksRight("rules-mapping");
  await entry.selectOption("");
  await page.locator("#why").fill("a mistake");
  assert.equal(await press("Try on past runs"), 200);
  assert.equal(await press("Put in force"), 303);
  assert.equal(await entry.count(), 0);
  noFaults(page);
});

test("a word without a meaning is not taken, and what was typed stays", async () => {
  await page.goto(address);
  await page.getByLabel("A new word of the source for tier").fill("Trial");
  await page.locator("#why").fill("x");
  assert.equal(await press("Try on past runs"), 422);
  assert.match(await page.locator("[role=alert]").textContent(), /Trial is not in the mapping/);
  assert.equal(await page.getByLabel("A new word of the source for tier").inputValue(), "Trial");
});

test("a change is planned for later and until a time, stands in the list, and is withdrawn", async () => {
  await page.goto(address);
  const before = await page.locator(".pagehead .sub").textContent();
  const plan = async (from, until) => {
    await page.locator('input[name="cell.r7.confidence"]').fill("0.8");
    await page.locator("#why").fill("for the weekend");
    await page.getByText("Begin later, or end by itself").click();
    await page.locator("#from").fill(from);
    await page.locator("#until").fill(until);
    assert.equal(await press("Try on past runs"), 200);
    assert.equal(await page.locator("#from").inputValue(), from, "the times stay");
    return press("Plan it");
  };
  assert.equal(await plan("2020-01-01T08:00", ""), 400);
  assert.match(await page.locator("[role=alert]").textContent(), /from.*has passed/s);
  await page.goto(address);
  assert.equal(await plan("2040-01-07T08:00", "2040-01-06T08:00"), 400);
  assert.match(await page.locator("[role=alert]").textContent(), /end before it begins/);
  await page.goto(address);
  assert.equal(await plan("2040-01-07T08:00", "2040-01-09T08:00"), 303);
  assert.equal(await page.locator(".pagehead .sub").textContent(), before, "the version in force stays");
  const card = page.getByRole("region", { name: /is not in force yet/ });
  assert.match(await card.textContent(), /In force from 2040-01-07 08:00 UTC\+1 until 2040-01-09 08:00 UTC\+1/);
  await looksRight("rules-planned");
  await page.getByLabel(/Reason to withdraw/).fill("not needed");
  assert.equal(await press("Withdraw"), 303);
  assert.equal(await card.count(), 0);
  noFaults(page);
});

test("open tasks move only as the preview showed, with a reason", async () => {
  await queueOf(page, 5, on.url);
  await page.goto(`${address}/reroute`);
  assert.match(await page.locator("main").textContent(), /No open task would move/);
  await looksRight("rules-reroute-none");
  await page.goto(address);
  await page.locator('input[name="cell.r8.confidence"], input[name="cell.r3.tier"]').first().fill("gold, silver, standard");
  await page.locator("#why").fill("everybody is a key account today");
  assert.equal(await press("Try on past runs"), 200);
  assert.equal(await press("Put in force"), 303);
  await page.getByRole("link", { name: "Open tasks" }).click();
  const total = await page.locator("#act").count();
  assert.equal(total, 1, await page.locator("main").textContent());
  await looksRight("rules-reroute");
  const lanes = await page.locator("#lanes").locator("xpath=../..").textContent();
  assert.match(lanes, /desk.*key accounts/s);
  await page.locator("#why").fill("their own people");
  assert.equal(await press(/^Move /), 303);
  await page.getByText(/^\d+ tasks moved$/).waitFor();
  assert.match(await page.locator("main").textContent(), /No open task would move/);
  noFaults(page);
});
