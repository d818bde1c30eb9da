// Practice and the turnover test on their pages: who passes, who is done without, what the days show.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { answered, instance, noFaults, signedIn } from "./console.mjs";
import { accessibilityFaults, command, screenshotPath } from "./support.mjs";

let on, page, address;

before(async () => {
  on = await instance();
  address = `${on.url}/workflows/support-triage`;
  page = await signedIn(on);
});
after(async () => { await on?.stop(); });

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
}

test("waving everything through is not passed, and says what was missed", async () => {
  await page.goto(`${address}/practice`);
  assert.equal(await page.locator(".practice").count(), 10);
  await looksRight("practice");
  for (const choice of await page.locator('input[value="approve"]').all()) await choice.check();
  assert.equal(await press("Grade my answers"), 200);
  assert.match(await page.locator(".panel.bad").textContent(), /5 of 10 right; nine are needed/);
  assert.equal(await page.locator(".practice .st.bad").count(), 5);
  assert.match(await page.locator(".practice.missed header").first().textContent(), /should be|must not|nothing that/);
  await looksRight("practice-missed");
  await page.getByRole("link", { name: "try ten others" }).click();
  await page.waitForSelector('input[name="attempt"][value="2"]', { state: "attached" });
});

test("a first shift is twenty cases decided alone, some now and the rest later", async () => {
  await page.goto(`${address}/first-shift`);
  assert.equal(await press("Start my first shift"), 200);
  assert.match(await page.locator(".panel.bad").textContent(), /practice/, "the training comes first");
  command(on.dir, "training", "record", "support-triage", "maren", "--as", "idris");
  await page.goto(`${address}/first-shift`);
  assert.equal(await press("Start my first shift"), 303);
  assert.equal(await page.locator(".practice").count(), 20);
  await looksRight("first-shift");
  await page.setViewportSize({ width: 320, height: 700 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 320), "no sideways scrolling");
  await page.setViewportSize({ width: 1280, height: 800 });
  for (const choice of (await page.locator('input[value="approve"]').all()).slice(0, 4)) await choice.check();
  assert.equal(await press("Send my decisions"), 303);
  assert.equal(await page.locator(".practice").count(), 16);
  assert.match(await page.locator("main").textContent(), /4 of 20 decided/);
  for (const choice of await page.locator('input[value="approve"]').all()) await choice.check();
  assert.equal(await press("Send my decisions"), 200);
  assert.match(await page.locator(".panel.bad").textContent(), /whether somebody helped/);
  assert.equal(await page.locator('input[value="approve"]:checked').count(), 16, "nothing is typed twice");
  await page.check('input[name="help"][value="nobody"]');
  assert.equal(await press("Send my decisions"), 303);
  const card = page.locator(".card.sheet").first();
  assert.match(await card.textContent(), /Failed.*10 of 20 right.*19 of 20 are needed/s);
  await card.locator("summary").click();
  assert.equal(await card.locator("li.bad").count(), 10);
  await looksRight("first-shift-after");
  await page.goto(`${address}/training`);
  assert.match(await page.locator("main").textContent(), /failed: 10 of 20 right/);
});

test("a workflow is run without somebody, and the days stand on the page", async () => {
  await page.goto(`${address}/turnover`);
  assert.match(await page.locator("main").textContent(), /never run without anybody/);
  await page.selectOption("#without", { index: 0 });
  assert.equal(await press("Run without this person"), 303);
  const card = page.locator(".card.sheet").first();
  assert.match(await card.textContent(), /Running.*Ordinary day.*Not met.*Nothing lost.*Met/s);
  assert.equal(await page.locator("#without").count(), 0, "one at a time");
  await looksRight("turnover");
  await page.fill("#why", "only looked at");
  assert.equal(await press("Call it off"), 303);
  assert.match(await page.locator(".card.sheet").first().textContent(), /Called off.*only looked at/s);
  await looksRight("turnover-after");
});

test("a run is told within twenty minutes, and guessing is graded against its record", async () => {
  await page.goto(`${address}/friday`);
  await looksRight("friday-before");
  assert.equal(await press("Start the twenty minutes"), 303);
  assert.match(await page.locator(".friday").textContent(), /20 minutes left.*Did anybody help you/s);
  assert.equal(await page.locator(".friday fieldset").count(), 8);
  await looksRight("friday");
  await page.setViewportSize({ width: 320, height: 700 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 320), "no sideways scrolling");
  await page.setViewportSize({ width: 1280, height: 800 });
  for (const name of ["happened", "decided", "owner", "contain"]) await page.locator(`input[name="${name}"]`).first().check();
  await page.check('input[name="inputs"][value="input"]');
  await page.check('input[name="help"][value="nobody"]');
  assert.equal(await press("Grade my answers"), 303);
  const card = page.locator(".card.sheet").first();
  assert.match(await card.textContent(), /Failed.*of 7 right.*not as the record says/s);
  await card.locator("summary").click();
  assert.match(await card.textContent(), /Said: .*Record: /s);
  await looksRight("friday-after");
});

test("the evidence of a pilot prints; a claim is called a claim", async () => {
  await page.goto(`${address}/pilot`);
  const main = page.locator("main");
  assert.match(await main.textContent(), /Six steps.*Seven parts.*Five questions.*Fifteen questions of going live/s);
  await looksRight("pilot");
  await page.setViewportSize({ width: 320, height: 700 });
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 320), "no sideways scrolling");
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.getByText("Claim something about a part").click();
  await page.fill("#claim", "saves an hour a day");
  assert.equal(await press("Keep the claim"), 303);
  assert.match(await main.textContent(), /saves an hour a day \(claim of /);
  await page.getByText("Name a hidden cost").click();
  await page.fill("#entry", "no-such-entry");
  await page.fill("#hidden", "x");
  assert.equal(await press("Keep it"), 200);
  assert.match(await page.locator(".panel.bad").textContent(), /ledger/);
  noFaults(page);
});
