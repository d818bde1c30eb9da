// The pages around the queue: what people report, what a day came to, what the log says, what was changed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { instance, noFaults, openOutput, queueOf, signedIn } from "./console.mjs";
import { accessibilityFaults, fits, screenshotPath } from "./support.mjs";

let on, page;
before(async () => {
  on = await instance();
  page = await signedIn(on);
  await queueOf(page, 1, on.url);
});
after(async () => { await on?.stop(); });

async function looksRight(name) {
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await page.evaluate(() => document.fonts.ready);
    assert.deepEqual(await accessibilityFaults(page), [], `${name} ${theme}`);
    await page.screenshot({ path: screenshotPath(`${name}-${theme}`) });
  }
  await page.setViewportSize({ width: 320, height: 640 });
  await fits(page, name);
  await page.setViewportSize({ width: 1440, height: 900 });
}

test("a problem is reported from a run by keyboard, taken, and answered with words", async () => {
  await openOutput(page, on.url);
  const run = await page.locator('.crumbs a[href^="/runs/"]').getAttribute("href");
  await page.goto(on.url + run);
  await page.getByRole("link", { name: "Report a problem" }).focus();
  await page.keyboard.press("Enter");
  await page.locator("#problem[open]").waitFor();
  await page.keyboard.press("1");
  await page.locator("#problem-note").focus();
  await page.keyboard.type("The customer had paid already <b>twice</b>");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/problem-reports\//);
  assert.match(await page.locator("main").innerText(), /The customer had paid already <b>twice<\/b>/);
  assert.equal(await page.locator(`a[href="${run}"]`).count(), 1, "it leads to its run");
  await looksRight("problem-report");
  const here = page.url();
  await page.goto(`${on.url}/problem-reports`);
  await page.locator("tbody a", { hasText: "The customer had paid already" }).waitFor();
  await looksRight("problems");
  await page.goto(here);
  await page.getByRole("button", { name: "Take it" }).focus();
  await page.keyboard.press("Enter");
  await page.locator(".tag", { hasText: "Triaged" }).waitFor();
  await page.locator('input[value="quality_issue"]').focus();
  await page.keyboard.press("Space");
  const form = page.locator("form", { hasText: "Your answer" });
  await form.locator('select[name="fixed_in"]').selectOption("rules");
  await form.locator('select[name="without_code"]').selectOption("yes");
  await form.locator('input[name="minutes"]').fill("12");
  await page.locator("#text").focus();
  await page.keyboard.type("Paid twice is a refund; the rule now says so.");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator(".tag", { hasText: "Quality issue" }).waitFor();
  assert.match(await page.locator("main").innerText(), /Paid twice is a refund/);
  assert.match(await page.locator("main").innerText(), /rules; the next one takes no code/);
  assert.equal(await page.getByRole("button", { name: "Answer and close" }).count(), 0);
  await page.goto(`${on.url}/problem-reports`);
  assert.equal(await page.locator("tbody a", { hasText: "The customer had paid" }).count(), 0);
  noFaults(page);
});

test("the counts of a day add up, and each leads to its runs", async () => {
  await page.goto(`${on.url}/workflows/support-triage/batches`);
  const number = (text) => Number(text.replace(/[^0-9]/g, ""));
  const counts = (await page.locator("tbody tr td:nth-child(2)").first().locator("xpath=ancestor::tbody/tr/td[1]").allInnerTexts()).map(number);
  const total = number(await page.locator("tfoot td").first().innerText());
  assert.ok(total > 0);
  assert.equal(counts.reduce((a, b) => a + b, 0), total);
  await looksRight("batch");
  const link = page.locator('section[aria-labelledby="became"] tbody a').first();
  const runs = number(await link.locator("xpath=ancestor::tr/td[1]").innerText());
  await link.focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/runs\?.*day=/);
  let seen = 0;
  for (;;) {
    seen += await page.locator("tbody tr").count();
    const next = page.locator('.pager a[rel="next"]');
    if (!(await next.count())) break;
    await page.goto(on.url + (await next.getAttribute("href")));
  }
  assert.equal(seen, runs);
  await page.goto(`${on.url}/workflows/support-triage/batches?day=2020-02-29`);
  assert.match(await page.locator("h1").innerText(), /Saturday, 2020-02-29/);
  assert.match(await page.locator("main").innerText(), /Nothing came in/);
  noFaults(page);
});

test("the log is searched by run, person and kind, and a bundle of it verifies elsewhere", async () => {
  await page.goto(`${on.url}/runs?workflow=support-triage`);
  const run = (await page.locator("tbody a").first().getAttribute("href")).replace("/runs/", "");
  await page.goto(`${on.url}/audit`);
  await looksRight("audit-search");
  await page.fill("#a-run", run);
  await page.locator("#a-run").press("Enter");
  await page.waitForURL(/run=run_/);
  const all = page.locator('section[aria-labelledby="newest"] tbody tr');
  assert.ok(await all.count() > 0);
  for (const link of await all.locator('a[href^="/runs/"]').evaluateAll((l) => l.map((a) => a.getAttribute("href")))) {
    assert.equal(link, `/runs/${run}`);
  }
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Export a bundle" }).focus();
  await page.keyboard.press("Enter");
  const download = await saved;
  assert.match(download.suggestedFilename(), new RegExp(`${run}\\.bundle$`));
  await page.goto(`${on.url}/audit?kind=audit.exported`);
  await page.locator("tbody tr", { hasText: "Audit exported" }).first().waitFor();
  await page.goto(`${on.url}/audit?who=maren`);
  for (const who of await page.locator("tbody tr td:nth-child(3)").allInnerTexts()) assert.match(who, /maren/i);
  noFaults(page);
});

test("what was changed stands with its author, before and after, and the reason", async () => {
  await page.goto(`${on.url}/workflows/support-triage/rules`);
  await page.fill('input[name="cell.r7.confidence"]', "0.82");
  await page.fill("#why", "quarter-end backlog");
  await page.getByRole("button", { name: "Try on past runs" }).press("Enter");
  await page.getByRole("button", { name: "Put in force" }).press("Enter");
  await page.locator(".pagehead .sub", { hasText: "Version 2 is in force" }).waitFor();
  await page.goto(`${on.url}/changes?workflow=support-triage`);
  await page.locator("tbody tr", { hasText: "quarter-end backlog" }).first().waitFor({ timeout: 10_000 }).catch(async () => {
    await page.reload();
  });
  const row = await page.locator("tbody tr", { hasText: "quarter-end backlog" }).first().innerText();
  assert.match(row, /Rules changed/);
  assert.match(row, /r7\.confidence: >= 0\.85 to >= 0\.82/);
  await looksRight("changes");
  noFaults(page);
});
