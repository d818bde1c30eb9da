// From the queue to a decision: by keyboard, with an edit, with a rejection, and when two people race.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { answerChecklist, instance, noFaults, openOutput, queueOf, signedIn } from "./console.mjs";

let on;
before(async () => { on = await instance(); });
after(async () => { await on?.stop(); });

test("a case is decided with the keyboard only, and the next one opens", async () => {
  const page = await signedIn(on);
  const first = await openOutput(page, on.url);
  // The checklist, where there is one, is answered with Tab and Space like any form.
  for (const box of await page.locator('input[name="checklist"]').all()) {
    await box.focus();
    await page.keyboard.press("Space");
  }
  await page.locator(".item h1").focus();
  await page.keyboard.press("a");
  await page.waitForURL((url) => url.href !== first);
  await page.locator(".toast", { hasText: /Approved|approval counts/ }).waitFor();
  const open = await page.locator(".qlist li a").evaluateAll((list) => list.map((a) => a.href));
  const more = await page.locator(".toast", { hasText: "one more person" }).count();
  if (!more) assert.ok(!open.includes(first), "the decided case has left the queue");
  noFaults(page);
  await page.context().close();
});

test("j and k move, digits open sources, ? shows the keys, letters in a field stay letters", async () => {
  const page = await signedIn(on);
  await queueOf(page, 2, on.url);
  await page.locator(".qlist li a").first().click();
  await page.waitForURL(/\/reviews\//);
  const first = page.url();
  await page.keyboard.press("j");
  await page.waitForURL((url) => url.href !== first);
  assert.equal(await page.locator(".qlist a[aria-current]").count(), 1);
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1", "focus goes to the case");
  await page.keyboard.press("k");
  await page.waitForURL((url) => url.href === first);
  await page.keyboard.press("1");
  assert.equal(await page.locator(".source").first().evaluate((s) => s.open), true);
  await page.keyboard.press("?");
  await page.locator("dialog#keys[open]").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  await page.keyboard.type("jkaerx");
  assert.equal(await page.locator("#find").inputValue(), "jkaerx");
  assert.equal(page.url(), first);
  noFaults(page);
  await page.context().close();
});

test("letters can be turned off", async () => {
  const page = await signedIn(on);
  await queueOf(page, 2, on.url);
  await page.locator(".qlist li a").first().click();
  await page.waitForURL(/\/reviews\//);
  const first = page.url();
  await page.locator(".item h1[tabindex]").waitFor();
  await page.keyboard.press("?");
  await page.locator("[data-letters]").click();
  await page.locator(".item h1").focus();
  await page.keyboard.press("j");
  await page.waitForTimeout(300);
  assert.equal(page.url(), first);
  await page.evaluate(() => localStorage.clear());
  await page.context().close();
});

test("an edit shows its words as a diff and is approved with a reason", async () => {
  const page = await signedIn(on);
  const address = await openOutput(page, on.url);
  await page.keyboard.press("e");
  await page.waitForURL(/\/edit/);
  const text = page.locator("#edit textarea[name^='f.'], #edit input[type=text][name^='f.']").first();
  await text.fill(`${await text.inputValue()} checkedbyhand`);
  await page.locator("#changes ins", { hasText: "checkedbyhand" }).waitFor();
  await page.locator('#edit input[name="reason"]').first().check();
  await answerChecklist(page);
  await page.locator('.acts [data-key="ctrl-enter"]').click();
  await page.waitForURL((url) => !/\/edit/.test(url.href) && url.href !== address);
  await page.locator(".toast", { hasText: /Approved with edits|approval counts/ }).waitFor();
  noFaults(page);
  await page.context().close();
});

test("a rejection needs a reason and takes it from a number key", async () => {
  const page = await signedIn(on);
  const address = await openOutput(page, on.url);
  await page.keyboard.press("r");
  await page.locator("dialog#reject[open]").waitFor();
  await page.keyboard.press("1");
  assert.equal(await page.locator('#reject input[name="reason"]').first().isChecked(), true);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.href !== address);
  await page.locator(".toast", { hasText: "Rejected" }).waitFor();
  noFaults(page);
  await page.context().close();
});

test("the slower of two people hears who won, and their words are kept", async () => {
  const [fast, slow] = [await signedIn(on), await signedIn(on)];
  const address = await openOutput(fast, on.url);
  await slow.goto(address);
  await slow.locator(".item h1[tabindex]").focus();
  await slow.keyboard.press("r");
  await slow.locator('#reject input[name="reason"]').first().check();
  await slow.locator("#reject-note").fill("my own words");

  await fast.locator(".item h1").focus();
  await fast.keyboard.press("r");
  await fast.locator('#reject input[name="reason"]').first().check();
  await fast.locator("#reject button.main").click();
  await fast.waitForURL((url) => url.href !== address);

  const answer = slow.waitForResponse((r) => r.request().method() === "POST");
  await slow.locator("#reject button.main").click();
  assert.equal((await answer).status(), 409);
  const panel = slow.locator('.panel[role="alert"]');
  await panel.waitFor();
  const words = await panel.innerText();
  assert.match(words, /faster|already/i);
  assert.match(words, /my own words/);
  assert.match(words, /Nothing is written twice/);
  await fast.context().close();
  await slow.context().close();
});

test("a case can be decided without script", async () => {
  const page = await signedIn(on, { script: false });
  await openOutput(page, on.url);
  await page.locator('.acts [data-key="r"]').click();
  await page.locator("dialog#reject[open] input[name=reason]").first().check();
  await page.locator("#reject button.main").click();
  await page.locator(".toast", { hasText: "Rejected" }).waitFor();
  await page.context().close();
});

test("a form without its token, or from another site, changes nothing", async () => {
  const page = await signedIn(on);
  const address = await openOutput(page, on.url);
  const form = new URL(address).pathname;
  const post = (headers) =>
    page.request.post(`${on.url}${form}/approval`, { form: { revision: "1" }, headers, maxRedirects: 0 });
  assert.equal((await post({ "sec-fetch-site": "same-origin" })).status(), 403);
  assert.equal((await post({ "sec-fetch-site": "cross-site" })).status(), 403);
  await page.goto(address);
  assert.equal(await page.locator('.acts [data-key="a"]').count(), 1, "still undecided");
  await page.context().close();
});
