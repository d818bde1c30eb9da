// From the queue to a decision: by keyboard, with an edit, with a rejection, without script.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { answerChecklist, drawn, instance, leftCase, noFaults, openCase, openOutput, queueOf, signedIn } from "./console.mjs";

let on;
before(async () => { on = await instance(); });
after(async () => { await on?.stop(); });

/** Decides the open case with `a`; Space answers the checklist that `a` leads to. */
async function approveByKeys(page) {
  const id = await openCase(page);
  const questions = await page.locator('input[name="checklist"]').count();
  await page.keyboard.press("a");
  for (let n = 0; n < questions; n += 1) await page.keyboard.press("Space");
  if (questions) {
    assert.equal(await page.evaluate(() => document.activeElement.dataset.key), "a", "the last tick leads to the button");
    await page.keyboard.press("a");
  }
  await leftCase(page, id);
  return id;
}

test("ten cases are cleared with the keyboard only, and each key leads to the next one", async () => {
  const page = await signedIn(on);
  await queueOf(page, 12, on.url);
  await page.keyboard.press("j");
  const decided = [];
  for (let steps = 0; decided.length < 10 && steps < 40; steps += 1) {
    await drawn(page);
    const id = await openCase(page);
    if (decided.includes(id)) continue;
    if (!(await page.locator('.acts [data-key="a"]').count())) {
      await page.keyboard.press("j");
      await leftCase(page, id);
      continue;
    }
    if (decided.length % 5 === 4) {
      await page.keyboard.press("r");
      await page.locator("dialog#reject[open]").waitFor();
      await page.keyboard.press("2");
      await page.keyboard.press("Enter");
      await leftCase(page, id);
    } else await approveByKeys(page);
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1", "focus goes to the next case");
    assert.equal(await page.locator(".qlist a[aria-current]").count(), 1);
    assert.equal(await page.locator(`.qlist a[data-id="${id}"]`).count(), 0, "the decided case has left the list");
    decided.push(id);
  }
  assert.equal(decided.length, 10);
  await page.locator(".toast", { hasText: /Approved|Rejected|approval counts/ }).waitFor();
  // The server counts the same: none of them is open any more.
  for (const id of decided) {
    await page.goto(`${on.url}/reviews/${id}`);
    assert.ok(await page.locator(".item[data-final], .item .strip-note").count(), `${id} is decided`);
  }
  noFaults(page);
  await page.context().close();
});

test("j and k move, digits open sources, d and ? work, letters in a field stay letters", async () => {
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
  const wasOpen = await page.locator("#source-1").evaluate((s) => s.open);
  await page.keyboard.press("1");
  assert.equal(await page.locator("#source-1").evaluate((s) => s.open), !wasOpen);
  await page.keyboard.press("?");
  await page.locator("dialog#keys[open]").waitFor();
  await page.keyboard.press("a");
  assert.equal(page.url(), first, "a letter in a dialog decides nothing");
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  await page.keyboard.type("jkaerx");
  assert.equal(await page.locator("#find").inputValue(), "jkaerx");
  assert.equal(page.url(), first);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+a");
  await page.keyboard.press("g");
  await page.keyboard.press("r");
  await page.waitForURL(/\/runs$/);
  noFaults(page);
  await page.context().close();
});

test("letters can be moved to Alt and turned off", async () => {
  const page = await signedIn(on);
  await queueOf(page, 2, on.url);
  await page.locator(".qlist li a").first().click();
  await page.waitForURL(/\/reviews\//);
  const first = page.url();
  await drawn(page);
  const choose = async (value) => {
    await page.locator(".keys-link").click();
    await page.locator(`[data-letters="${value}"]`).click();
    assert.equal(await page.locator(`[data-letters="${value}"]`).getAttribute("aria-pressed"), "true");
    await page.keyboard.press("Escape");
  };
  await choose("off");
  await page.keyboard.press("j");
  await choose("alt");
  await page.keyboard.press("j");
  assert.equal(page.url(), first, "a plain letter does nothing");
  await page.keyboard.press("Alt+j");
  await page.waitForURL((url) => url.href !== first);
  await page.evaluate(() => localStorage.clear());
  await page.context().close();
});

test("an edit shows its words as a diff, takes the case, keeps a draft and is approved with a reason", async () => {
  const page = await signedIn(on);
  const address = await openOutput(page, on.url);
  await drawn(page);
  const id = await openCase(page);
  await page.keyboard.press("e");
  await page.waitForURL(/\/edit/);
  const text = page.locator("#edit textarea[name^='f.'], #edit input[type=text][name^='f.']").first();
  await text.fill(`${await text.inputValue()} checkedbyhand`);
  await page.locator("#changes ins", { hasText: "checkedbyhand" }).waitFor();
  await page.locator("#effects ins", { hasText: "checkedbyhand" }).first().waitFor();
  await page.locator(".itop [data-claim-mark]", { hasText: "Yours" }).waitFor();
  // Leaving loses nothing: the draft comes back with the editor.
  await page.keyboard.press("Escape");
  await page.locator('.acts [data-key="e"]').waitFor();
  await drawn(page);
  await page.keyboard.press("e");
  await page.locator("#restored").waitFor();
  assert.match(await text.inputValue(), /checkedbyhand/);
  await page.locator("#edit h2").first().click();
  await page.keyboard.press("1");
  assert.equal(await page.locator('#edit input[name="reason"]').first().isChecked(), true);
  await answerChecklist(page);
  await page.keyboard.press("Control+Enter");
  await leftCase(page, id);
  await page.locator(".toast", { hasText: /Approved with edits|approval counts/ }).waitFor();
  assert.ok(!page.url().startsWith(address));
  assert.equal(await page.evaluate((key) => localStorage.getItem(key), `tuesday-draft:${id}`), null);
  noFaults(page);
  await page.context().close();
});

test("what the schema refuses is said at the field, while typing and when it is sent", async () => {
  const page = await signedIn(on);
  await openOutput(page, on.url);
  await drawn(page);
  const id = await openCase(page);
  await page.keyboard.press("e");
  await page.waitForURL(/\/edit/);
  const text = page.locator("#edit textarea[name^='f.']").first();
  const whole = await text.inputValue();
  await text.fill("x".repeat(5_000));
  const fault = page.locator("#edit .fault").first();
  await fault.waitFor();
  assert.equal(await text.getAttribute("aria-invalid"), "true");
  assert.equal(await text.getAttribute("aria-describedby"), await fault.getAttribute("id"));
  await page.locator('#edit input[name="reason"]').first().check({ force: true });
  await answerChecklist(page);
  const answer = page.waitForResponse((r) => r.request().method() === "POST" && /\/edit/.test(r.url()));
  await page.keyboard.press("Control+Enter");
  assert.equal((await answer).status(), 422);
  await page.locator('.panel[role="alert"]').waitFor();
  assert.equal((await text.inputValue()).length, 5_000, "the typed text is still there");
  assert.equal(await text.getAttribute("aria-invalid"), "true");
  assert.equal(await openCase(page), id);
  await text.fill(`${whole} put right`);
  await page.waitForFunction(() => !document.querySelector("#edit [aria-invalid=true]"));
  noFaults(page);
  await page.context().close();
});

test("escalating names the person it goes to", async () => {
  const page = await signedIn(on);
  await openOutput(page, on.url);
  await drawn(page);
  const id = await openCase(page);
  const next = await page.locator(".rail dt", { hasText: "Next in line" }).locator("+ dd").innerText();
  await page.keyboard.press("x");
  await page.locator("dialog#escalate[open]").waitFor();
  assert.match(await page.locator("#escalate-title").innerText(), new RegExp(next));
  await page.locator("#escalate-note").fill("please look");
  await page.locator("#escalate button.main").click();
  await leftCase(page, id);
  await page.locator(".toast", { hasText: "Passed on" }).waitFor();
  await page.goto(`${on.url}/reviews/${id}`);
  assert.match(await page.locator(".sub").innerText(), new RegExp(`Owned by ${next}`));
  assert.match(await page.locator(".rail").innerText(), /please look/);
  noFaults(page);
  await page.context().close();
});

test("a case can be found, claimed, edited and decided without script", async () => {
  const page = await signedIn(on, { script: false });
  await openOutput(page, on.url);
  await page.locator('.acts [data-key="c"]').click();
  await page.locator(".toast", { hasText: "Yours now" }).waitFor();
  await page.locator('.acts [data-key="e"]').click();
  const text = page.locator("#edit textarea[name^='f.']").first();
  await text.fill(`${await text.inputValue()} without script`);
  await page.locator(".acts button", { hasText: "Show changes" }).click();
  await page.locator("#changes ins", { hasText: "without script" }).waitFor();
  await page.locator(".acts a", { hasText: "Leave" }).click();
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
