// Which workflow to build next: two candidates are put forward and answered, and stand in their order.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { answered, instance, noFaults, signedIn } from "./console.mjs";
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
  await page.screenshot({ path: screenshotPath(`${name}-320`), fullPage: true });
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
}

async function put(title, name) {
  await page.goto(`${on.url}/readiness`);
  await page.locator("#title").focus();
  await page.keyboard.type(title);
  await page.keyboard.press("Tab");
  await page.keyboard.type(name);
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(`/readiness/${name}$`));
}

const keep = async (on) => {
  const sent = answered(on);
  await on.getByRole("button", { name: "Keep the answers" }).click();
  await sent;
  await on.waitForLoadState();
};

test("two candidates are answered by keyboard, and stand in their order with what is in the way", async () => {
  await page.goto(`${on.url}/hub`);
  await page.getByRole("link", { name: "Readiness" }).click();
  await page.waitForURL(/\/readiness$/);
  await page.getByText("Nobody has put a workflow forward").waitFor();
  await looksRight("readiness-empty");

  // A name that no workflow can have: what was typed stays, and the field is named.
  await page.locator("#title").fill("Supplier invoices");
  await page.locator("#name").fill("Supplier Invoices");
  const sent = answered(page);
  await page.keyboard.press("Enter");
  await sent;
  await page.locator(".panel.bad").waitFor();
  assert.equal(await page.locator("#name").getAttribute("aria-invalid"), "true");
  assert.equal(await page.locator("#title").inputValue(), "Supplier invoices");

  await put("Supplier invoices", "supplier-invoices");
  assert.equal(await page.locator(".question").count(), 15);
  assert.match(await page.locator("aside").innerText(), /Not yet[\s\S]*not known[\s\S]*0 of 15/);
  for (const [id, text] of [
    ["friction_hours", "12.5"], ["maintenance_budget", "400 EUR"], ["owner", "Maren Vogt"], ["technical", "Samir Haddad"],
    ["review_hours", "3"], ["cases", "60"], ["old_cases", "300"], ["ninety_day_metric", "override_rate at most 10 by 2099-02-28"],
    ["before_after_map", "before: 9 steps, 3 handoffs; after: 4 steps, 1 handoff"],
  ]) await page.locator(`#q-${id}`).fill(text);
  // By keyboard: from the first choice down, and on to the words beside it.
  await page.locator('input[name="destination"]').first().focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("Tab");
  await page.keyboard.type("Ledger");
  assert.equal(await page.locator("#w-destination").inputValue(), "Ledger");
  for (const [id, word, words] of [
    ["trigger", "event"], ["when_wrong", "undo", "an hour of a clerk"], ["inputs", "fields", "mailroom and ledger"],
    ["data", "without"], ["asked", "asked"],
  ]) {
    await page.locator(`input[name="${id}"][value="${word}"]`).check();
    if (words) await page.locator(`#w-${id}`).fill(words);
  }
  // Words are missing: the question is named, and everything typed is still there.
  await keep(page);
  assert.match(await page.locator(".panel.bad").innerText(), /asked[\s\S]*does not say what they said/);
  assert.equal(await page.locator("#q-friction_hours").inputValue(), "12.5");
  assert.equal(await page.locator('input[name="destination"]:checked').inputValue(), "writes");
  assert.equal(await page.locator("#w-asked").getAttribute("aria-invalid"), "true");
  await looksRight("quiz-fault");
  await page.locator("#w-asked").fill("the amount is checked first");
  await keep(page);
  await page.getByText("Kept. Nothing is in the way.").waitFor();
  assert.match(await page.locator("aside").innerText(), /Nothing in the way[\s\S]*9\.5 h[\s\S]*12\.5 h today − 3 h review[\s\S]*15 of 15/);
  await looksRight("quiz");

  await put("Contract renewals", "contract-renewals");
  await page.locator("#q-friction_hours").fill("40");
  await page.locator('input[name="trigger"][value="person"]').check();
  await keep(page);
  await page.goto(`${on.url}/readiness`);
  const rows = await page.locator(".ranking tbody tr:not(.group)").allInnerTexts();
  assert.match(rows[0], /Supplier invoices[\s\S]*9\.5 h[\s\S]*Nothing/);
  assert.match(rows[1], /Contract renewals[\s\S]*not known[\s\S]*40 h today − not known review[\s\S]*somebody has to remember[\s\S]*Nobody has said: 13 of 15/);
  await page.locator(".ranking summary").focus();
  await page.keyboard.press("Enter");
  await looksRight("readiness");
  const csv = await page.request.get(`${on.url}/readiness.csv`);
  assert.match(await csv.text(), /1,supplier-invoices,Supplier invoices,clear,950,1250,300,estimated,15,15,0,,no/);
  const json = await (await page.request.get(`${on.url}/readiness.json`)).json();
  assert.deepEqual(json.candidates.map((c) => [c.name, c.group]), [["supplier-invoices", "clear"], ["contract-renewals", "not_yet"]]);
  noFaults(page);
});

test("whoever saves second is told, and loses nothing", async () => {
  await page.goto(`${on.url}/readiness/contract-renewals`);
  await page.locator("#q-owner").fill("Maren Vogt");
  command(on.dir, "readiness", "quiz", "contract-renewals", "--as", "maren", "--answer", "cases=80", "--answer", "owner=Somebody Else");
  await keep(page);
  assert.match(await page.locator(".panel.bad").innerText(), /changed since it was read/);
  assert.equal(await page.locator("#q-owner").inputValue(), "Maren Vogt");
  assert.equal(await page.locator("#q-cases").inputValue(), "80", "what was not touched is what was said meanwhile");
  assert.match(await page.locator("#owner").innerText(), /maren said meanwhile: Somebody Else/);
  await keep(page);
  assert.equal(await page.locator("#q-owner").inputValue(), "Maren Vogt");
  assert.equal(await page.locator("#q-cases").inputValue(), "80");
  noFaults(page);
});

test("it works without scripts, and shows nothing to who has no part in it", async () => {
  const plain = await signedIn(on, { as: "maren", script: false });
  await plain.goto(`${on.url}/readiness/contract-renewals`);
  await plain.locator("#q-review_hours").fill("4");
  await keep(plain);
  assert.match(await plain.locator("aside").innerText(), /36 h/);
  await plain.getByRole("button", { name: "Drop this candidate" }).click();
  await plain.waitForURL(/\/readiness$/);
  assert.equal(await plain.locator(".ranking tbody tr:not(.group)").count(), 1);
  await plain.context().close();
  const other = await signedIn(on, { as: "lena", script: false });
  await other.goto(`${on.url}/readiness`);
  assert.match(await other.locator("main").innerText(), /Nobody has put a workflow forward/);
  assert.equal(await other.locator("#name").count(), 0, "lena signs no charter");
  const refused = await other.goto(`${on.url}/readiness/supplier-invoices`);
  assert.equal(refused.status(), 404);
  await other.context().close();
});

test("answers go into the charter of the workflow that is there, and not over it", async () => {
  command(on.dir, "readiness", "quiz", "support-triage", "--as", "maren", "--answer", "friction_hours=9", "--answer", "owner=Maren Vogt");
  await page.goto(`${on.url}/readiness/support-triage`);
  assert.match(await page.locator("#owner").innerText(), /the package says otherwise: Maren Holt/);
  await looksRight("quiz-installed");
  const carry = page.getByRole("button", { name: "Carry into the charter" });
  if (await carry.count()) {
    const sent = answered(page);
    await carry.click();
    await sent;
    await page.getByText("In the charter now: friction hours").waitFor();
  } else {
    assert.match(await page.locator("#friction_hours").innerText(), /the charter says otherwise/);
  }
  noFaults(page);
});
