// A policy changed: whoever keeps a template or rule that cites it owes a look, until somebody answers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { instance, noFaults, signedIn } from "./console.mjs";
import { accessibilityFaults, command, fits, screenshotPath } from "./support.mjs";

let on, page;
before(async () => {
  on = await instance();
  page = await signedIn(on);
});
after(async () => { await on?.stop(); });

async function looksRight(name) {
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await page.evaluate(() => document.fonts.ready);
    assert.deepEqual(await accessibilityFaults(page), [], `${name} ${theme}`);
    await page.screenshot({ path: screenshotPath(`${name}-${theme}`), fullPage: true });
  }
  await page.setViewportSize({ width: 320, height: 640 });
  await fits(page, name);
  await page.setViewportSize({ width: 1440, height: 900 });
}

test("a policy is said to have changed by keyboard, and its updates are answered with words", async () => {
  await page.goto(`${on.url}/workflows/support-triage`);
  await page.getByRole("link", { name: "Policies" }).click();
  await page.waitForURL(/\/policies\?workflow=support-triage/);
  assert.match(await page.locator("main").innerText(), /prompt prompt\.md/);
  await page.locator("#policy").selectOption("privacy-requests-1");
  await page.locator("#reason").focus();
  await page.keyboard.type("Requests are answered within <b>20</b> days");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator("tbody a", { hasText: "rule r4" }).waitFor();
  assert.equal(await page.locator("tbody tr", { hasText: "Policy update" }).count(), 2, "the prompt and a rule cite it");
  await looksRight("policies");
  await page.goto(`${on.url}/workflows/support-triage`);
  await page.locator("#owed").waitFor();
  assert.equal(await page.locator('a[href^="/duties/"]').count(), 2);
  await page.goto(`${on.url}/policies`);
  await page.locator("tbody a", { hasText: "rule r4" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/duties\/dut_/);
  assert.match(await page.locator("main").innerText(), /within <b>20<\/b> days/);
  await looksRight("duty");
  // No words, no release and no rules: no answer.
  await page.getByRole("button", { name: "Answer and close" }).focus();
  await page.keyboard.press("Enter");
  await page.locator(".panel.bad").waitFor();
  await page.locator("#words").focus();
  await page.keyboard.type("The row sends all of them to a person already.");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator(".tag", { hasText: "Answered" }).waitFor();
  assert.match(await page.locator("main").innerText(), /no change: The row sends all of them/);
  noFaults(page);
});

test("it works without scripts, and not for who answers for nothing", async () => {
  const plain = await signedIn(on, { as: "lena", script: false });
  await plain.goto(`${on.url}/policies`);
  assert.match(await plain.locator("main").innerText(), /What is owed/);
  assert.equal(await plain.locator("#policy").count(), 0, "lena reviews");
  await plain.context().close();
});

test("the workflow's page tells what the next stage needs", async () => {
  command(on.dir, "workflow", "stage", "support-triage", "approval_first", "--as", "maren", "--reason", "a test");
  await page.goto(`${on.url}/workflows/support-triage`);
  const next = page.getByRole("region", { name: "What must be true for the next stage" });
  assert.match(await next.innerText(), /For stage auto[\s\S]*Override rate[\s\S]*not yet/i);
  await looksRight("standing-next");
  noFaults(page);
});
