// A run tells its whole story, and a refused event can be put right.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { instance, noFaults, queueOf, signedIn } from "./console.mjs";

let on;
before(async () => { on = await instance(); });
after(async () => { await on?.stop(); });

test("the run page shows all eight answers, the record and its proof", async () => {
  const page = await signedIn(on);
  await queueOf(page, 1, on.url);
  await page.goto(`${on.url}/runs`);
  await page.locator("table a[href^='/runs/']").first().click();
  await page.waitForURL(/\/runs\/run_/);
  const answers = page.locator(".answers > li");
  assert.equal(await answers.count(), 8);
  for (const answer of await answers.all()) {
    assert.ok((await answer.locator("h3").innerText()).length > 3);
    assert.ok((await answer.locator(".lines").innerText()).trim().length > 0, await answer.innerText());
  }
  assert.ok((await page.locator(".step").count()) >= 2);
  assert.match(await page.locator("[aria-labelledby=proof]").innerText(), /Entries of this run/);
  const copy = page.locator("[aria-labelledby=inputs] details").first();
  await copy.locator("summary").click();
  assert.ok((await copy.locator("pre").innerText()).length > 2, "the stored copy opens");
  const text = await page.request.get(`${page.url()}/story.txt`);
  assert.match(text.headers()["content-type"], /text\/plain/);
  const link = page.getByRole("link", { name: "Make this a test case" });
  const line = await (await page.request.get(new URL(await link.getAttribute("href"), on.url).href)).json();
  assert.ok(["regression", "stale"].includes(line.kind), line.kind);
  assert.ok(line.input && line.sources && Object.keys(line.expect).length, JSON.stringify(line));
  noFaults(page);
  await page.context().close();
});

test("a refused event is put right and becomes a run", async () => {
  const page = await signedIn(on);
  await page.goto(`${on.url}/intake`);
  const link = page.locator("table a[href^='/intake/']").first();
  assert.ok(await link.count(), "the demo refuses at least one event");
  await link.click();
  const body = page.locator("#body");
  const original = await body.inputValue();
  // First as it was: refused again, the text stays.
  await page.locator("button", { hasText: "Send as it was" }).click();
  await page.locator('.panel[role="alert"]').waitFor();
  assert.ok((await body.inputValue()).length > 0);
  // A good event of the same workflow, under a new id.
  const workflow = await page.locator(".strip dd").first().innerText();
  await page.goto(`${on.url}/runs?workflow=${workflow}`);
  await page.locator("table a[href^='/runs/']").first().click();
  const copy = page.locator("[aria-labelledby=inputs] details").first();
  await copy.locator("summary").click();
  const good = JSON.parse(await copy.locator("pre").innerText());
  // What this reader may not see stands there masked, and is no part of an event.
  for (const [name, value] of Object.entries(good)) if (/masked/.test(JSON.stringify(value))) delete good[name];
  good.id = good.id.replace(/\d+$/, (digits) => "9".repeat(digits.length));
  await page.goto(`${on.url}/intake`);
  await page.locator("table a[href^='/intake/']").first().click();
  await body.fill(JSON.stringify(good));
  await page.locator("button", { hasText: "Send again" }).click();
  await page.waitForURL(/\/runs\/run_/);
  assert.notEqual(original, JSON.stringify(good));
  noFaults(page);
  await page.context().close();
});
