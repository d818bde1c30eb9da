// How a workflow stands: the card on its page, its doors with who may, and what is refused.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { instance, signedIn } from "./console.mjs";
import { accessibilityFaults, fits, screenshotPath } from "./support.mjs";

let on;
before(async () => { on = await instance(); });
after(async () => { await on?.stop(); });

const card = (page) => page.locator("section[aria-labelledby=standing]");
const door = (page, title) => card(page).locator("details", { has: page.locator("summary", { hasText: title }) });

async function looksRight(page, name) {
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme });
    await page.screenshot({ path: screenshotPath(`${name}-${theme}`), fullPage: true });
    assert.deepEqual(await accessibilityFaults(page), [], `${name} ${theme}`);
  }
}

async function say(page, title, why) {
  const own = door(page, title);
  await own.locator("summary").click();
  await own.locator('input[name="reason"]').fill(why);
  await own.locator("button").focus();
  await page.keyboard.press("Enter");
  await page.waitForLoadState();
}

test("the owner pauses and resumes from the page", async () => {
  const page = await signedIn(on, { as: "maren" });
  await page.goto(`${on.url}/workflows/support-triage`);
  await card(page).getByText("complaints").waitFor();
  assert.match(await card(page).innerText(), /signals 0, limit above 5/);
  await door(page, "Restrict").locator("summary").click();
  await looksRight(page, "standing");
  await say(page, "Pause", "two complaints about one customer");
  await page.getByText("two complaints about one customer").waitFor();
  await door(page, "Resume").waitFor();
  assert.equal(await door(page, "Pause").count(), 0, "what is paused is resumed");
  await looksRight(page, "standing-paused");
  await say(page, "Resume", "the customer was called");
  await door(page, "Pause").waitFor();
  assert.equal(await page.getByText("two complaints about one customer").count(), 0);
  assert.deepEqual(page.faults, []);
});

test("what is refused says so, with the way out", async () => {
  const page = await signedIn(on, { as: "maren" });
  await page.goto(`${on.url}/workflows/support-triage`);
  const own = door(page, "Restrict");
  await own.locator("summary").click();
  await own.locator("#percent").fill("0");
  await own.locator('input[name="reason"]').fill("a try");
  await own.locator("button").click();
  await page.locator("[role=alert]").waitFor();
  assert.match(await page.locator("[role=alert]").innerText(), /leaves nothing[\s\S]*Way out/);
  assert.equal(await own.locator('input[name="reason"]').inputValue(), "a try", "what was typed is not lost");
  assert.equal(await own.locator("#percent").inputValue(), "0");
  assert.match(await own.locator(".fault").innerText(), /leaves nothing/, "the reason stands in the form too");
  await looksRight(page, "standing-refused");
  await page.setViewportSize({ width: 320, height: 700 });
  await fits(page, page.url());
});

test("a reviewer reads who may and gets no door", async () => {
  const page = await signedIn(on, { as: "lena" });
  await page.goto(`${on.url}/workflows/support-triage`);
  await door(page, "Kill").locator("summary").click();
  assert.match(await door(page, "Kill").innerText(), /Who may:/);
  assert.equal(await door(page, "Kill").locator("form").count(), 0);
});
