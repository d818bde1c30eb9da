// Two people at one queue: races, live rows, filters, a lost connection; and how long a key takes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { answerChecklist, drawn, instance, leftCase, noFaults, openCase, openOutput, queueOf, signedIn } from "./console.mjs";

let on;
before(async () => { on = await instance(); });
after(async () => { await on?.stop(); });

test("the slower of two people hears who won, keeps the words, and there is one effect", async () => {
  const [fast, slow] = [await signedIn(on), await signedIn(on, { as: "idris" })];
  const address = await openOutput(fast, on.url);
  const id = await openCase(fast);
  await slow.goto(address);
  await drawn(slow);
  await slow.keyboard.press("r");
  await slow.locator('#reject input[name="reason"]').first().check();
  await slow.locator("#reject-note").fill("my own words");

  await drawn(fast);
  await answerChecklist(fast);
  await fast.locator(".item h1").focus();
  await fast.keyboard.press("a");
  await leftCase(fast, id);
  await fast.locator(".toast", { hasText: /Approved|approval counts/ }).waitFor();

  const answer = slow.waitForResponse((r) => r.request().method() === "POST" && /rejection/.test(r.url()));
  await slow.locator("#reject button.main").click();
  assert.equal((await answer).status(), 409);
  const panel = slow.locator('#notices .panel[role="alert"]');
  await panel.waitFor();
  const words = await panel.innerText();
  assert.match(words, /faster|already/i);
  assert.match(words, /Maren/);
  assert.match(words, /my own words/);
  assert.match(words, /Nothing is written twice/);
  await panel.locator("button", { hasText: "Show that case" }).click();
  await slow.locator(".item .panel", { hasText: "Approved" }).first().waitFor();
  assert.equal(await openCase(slow), id);
  const run = await slow.locator('.crumbs a[href^="/runs/"]').getAttribute("href");
  await slow.goto(on.url + run);
  assert.equal((await slow.locator(".answers").innerText()).match(/rejected/gi), null, "only the approval is on record");
  noFaults(fast);
  noFaults(slow);
  await fast.context().close();
  await slow.context().close();
});

test("what one person does shows in the other's list without a reload, and takes no focus", async () => {
  const [one, two] = [await signedIn(on), await signedIn(on, { as: "idris" })];
  await queueOf(one, 4, on.url);
  await two.goto(`${on.url}/queue?workflow=support-triage`);
  await two.locator("body[data-live=yes]").waitFor();
  await two.locator("#find").focus();
  await two.keyboard.type("typing");
  await two.evaluate(() => { window.sameDocument = true; });
  await openOutput(one, on.url);
  await drawn(one);
  const id = await openCase(one);
  await one.keyboard.press("c");
  await one.locator(".itop", { hasText: "Yours until" }).waitFor();
  await two.locator(`.qlist a[data-id="${id}"] .i-lock`).waitFor({ timeout: 10_000 });
  await drawn(one);
  await one.keyboard.press("r");
  await one.keyboard.press("1");
  await one.keyboard.press("Enter");
  await leftCase(one, id);
  await two.locator(`.qlist a[data-id="${id}"]`).waitFor({ state: "detached", timeout: 10_000 });
  // The counts are those of the server, not what is left on the page.
  const fresh = await two.context().newPage();
  await fresh.goto(`${on.url}/queue?workflow=support-triage`);
  const counts = await fresh.locator(".queue .seg").innerText();
  await two.waitForFunction((words) => document.querySelector(".queue .seg").innerText === words, counts);
  await fresh.close();
  assert.equal(await two.evaluate(() => window.sameDocument), true, "no reload");
  assert.equal(await two.evaluate(() => document.activeElement.id), "find");
  assert.equal(await two.locator("#find").inputValue(), "typing");
  noFaults(one);
  noFaults(two);
  await one.context().close();
  await two.context().close();
});

test("an open case says when somebody else decided it", async () => {
  const [one, two] = [await signedIn(on), await signedIn(on, { as: "idris" })];
  const address = await openOutput(one, on.url);
  const id = await openCase(one);
  await two.goto(address);
  await two.locator("body[data-live=yes]").waitFor();
  await drawn(one);
  await one.keyboard.press("r");
  await one.keyboard.press("1");
  await one.keyboard.press("Enter");
  await leftCase(one, id);
  const line = two.locator(".item .moved");
  await line.waitFor({ timeout: 10_000 });
  assert.match(await line.innerText(), /Maren Holt decided this: reject/i);
  assert.equal(await openCase(two), id, "the page is not taken away");
  await line.locator("a").click();
  await two.locator(".item[data-final]").waitFor();
  noFaults(two);
  await one.context().close();
  await two.context().close();
});

test("filters stand in the address, survive moving, and can be taken away one by one", async () => {
  const page = await signedIn(on);
  await queueOf(page, 2, on.url);
  await page.locator(".filter > summary").click();
  await page.locator("#by-tier").selectOption({ index: 1 });
  await page.waitForURL(/tier=/);
  const tier = new URL(page.url()).searchParams.get("tier");
  assert.equal(new URL(page.url()).searchParams.get("workflow"), "support-triage");
  const about = await page.locator(".qlist li small").allInnerTexts();
  assert.ok(about.length > 0);
  const words = tier.replaceAll("_", " ");
  for (const line of about) assert.ok(line.toLowerCase().startsWith(words), line);
  // The count of the tab is the count of what the filter finds.
  const all = Number((await page.locator(".seg .n").first().innerText()).replace(",", ""));
  if (!(await page.locator('.qfoot a[rel="next"]').count())) assert.equal(about.length, all);
  await page.keyboard.press("Escape");
  await page.locator(".qlist li a").first().click();
  await page.waitForURL(/\/reviews\/.*tier=/);
  await page.reload();
  assert.equal(await page.locator(".chips li").count(), 2);
  await page.locator(".chips a", { hasText: /tier/ }).click();
  await page.waitForURL((url) => !url.searchParams.has("tier") && url.searchParams.has("workflow"));
  await page.goto(`${on.url}/queue?q=nothing-has-this-name`);
  assert.match(await page.locator(".item").innerText(), /Nothing matches/);
  await page.locator(".item a", { hasText: "See the whole queue" }).click();
  await page.locator(".over h1").waitFor();
  noFaults(page);
  await page.context().close();
});

test("pages of the queue follow each other without a gap or a repeat", async () => {
  const page = await signedIn(on);
  await page.goto(`${on.url}/queue`);
  const total = Number((await page.locator(".seg .n").first().innerText()).replace(",", ""));
  const seen = new Set();
  for (let n = 0; n < 20; n += 1) {
    const ids = await page.locator(".qlist li a").evaluateAll((list) => list.map((a) => a.dataset.id));
    for (const id of ids) {
      assert.ok(!seen.has(id), `${id} twice`);
      seen.add(id);
    }
    const next = page.locator('.qfoot a[rel="next"]');
    if (!(await next.count())) break;
    await page.goto(on.url + (await next.getAttribute("href")));
  }
  assert.equal(seen.size, total);
  await page.context().close();
});

test("without a connection a decision is held, and counts once when it is back", async () => {
  const page = await signedIn(on);
  await openOutput(page, on.url);
  await drawn(page);
  const id = await openCase(page);
  await page.waitForTimeout(400); // The next case is fetched ahead.
  await page.context().setOffline(true);
  await page.keyboard.press("r");
  await page.keyboard.press("1");
  await page.keyboard.press("Enter");
  await page.locator("#offline", { hasText: "1 decision held" }).waitFor();
  await page.context().setOffline(false);
  await page.locator(".toast", { hasText: "Rejected" }).waitFor({ timeout: 15_000 });
  await page.locator("#offline").waitFor({ state: "detached" });
  await page.goto(`${on.url}/reviews/${id}`);
  assert.match(await page.locator(".item").innerText(), /Reject/);
  await page.context().close();
});

// A figure to read and never an assertion: the budget of 50 ms is for a quiet machine.
test("how long a key takes to the next case drawn", async (t) => {
  const page = await signedIn(on);
  await queueOf(page, 30, on.url);
  await page.keyboard.press("j");
  await drawn(page);
  const measure = (key) => page.evaluate((pressed) => new Promise((done) => {
    const from = document.querySelector(".item").dataset.review;
    const start = performance.now();
    new MutationObserver((_, watch) => {
      if (document.querySelector(".item")?.dataset.review === from) return;
      watch.disconnect();
      requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
    }).observe(document.querySelector(".review"), { childList: true });
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: pressed, bubbles: true, cancelable: true }));
  }), key);
  const took = [];
  for (let n = 0; n < 20; n += 1) {
    took.push(await measure("j"));
    await page.waitForTimeout(150); // A person looks; meanwhile the next one is fetched ahead.
  }
  took.sort((a, b) => a - b);
  const [p50, p95] = [took[9], took[18]];
  t.diagnostic(`J to next case drawn: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms over ${took.length}`);
  // A decision key: the reject dialog is sent and the next case is drawn before the server answers.
  const decided = [];
  for (let n = 0; n < 10; n += 1) {
    const id = await openCase(page);
    await page.keyboard.press("r");
    if (!(await page.locator("#reject[open]").count())) {
      await page.keyboard.press("j");
      await leftCase(page, id);
      await drawn(page);
      continue;
    }
    await page.keyboard.press("1");
    decided.push(await page.evaluate(() => new Promise((done) => {
      const from = document.querySelector(".item").dataset.review;
      const start = performance.now();
      new MutationObserver((_, watch) => {
        if (document.querySelector(".item")?.dataset.review === from) return;
        watch.disconnect();
        requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
      }).observe(document.querySelector(".review"), { childList: true });
      document.querySelector("#reject form").requestSubmit(document.querySelector("#reject button.main"));
    })));
    await page.waitForTimeout(600);
  }
  decided.sort((a, b) => a - b);
  assert.ok(decided.length > 0, "no case of these could be rejected");
  const at = (share) => decided[Math.min(decided.length - 1, Math.floor(decided.length * share))].toFixed(1);
  t.diagnostic(`decision to next case drawn: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms over ${decided.length}`);
  await page.context().close();
});
