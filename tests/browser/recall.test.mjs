// An approval can be taken back while nothing was sent, by one key.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { answerChecklist, instance, noFaults, openOutput, signedIn } from "./console.mjs";

let on;
before(async () => { on = await instance(); });
after(async () => { await on?.stop(); });

test("U takes an approval back, and the case is open again with a link to what it follows", async () => {
  const page = await signedIn(on);
  await openOutput(page, on.url);
  const subject = (await page.locator(".item h1").innerText()).trim();
  const first = page.url();
  await answerChecklist(page);
  await page.locator("body").press("a");
  const undo = page.locator(".toast button", { hasText: "Undo" });
  await undo.waitFor();
  assert.match(await page.locator(".toast").innerText(), /Sent in \d+ s/);
  await page.locator("body").press("u");
  await page.waitForFunction((words) => document.querySelector(".item h1")?.innerText.trim() === words, subject);
  assert.notEqual(new URL(page.url()).pathname, new URL(first).pathname, "the decided task stays as it was");
  await page.locator(".acts [data-key='a']").waitFor();
  // The first task says how it ended and cannot be decided again.
  await page.goto(first);
  assert.equal(await page.locator(".acts [data-key='a']").count(), 0);
  noFaults(page);
  await page.context().close();
});

test("without script the decided case offers it as a form", async () => {
  const page = await signedIn(on, { script: false });
  await openOutput(page, on.url);
  const [first, subject] = [page.url(), (await page.locator(".item h1").innerText()).trim()];
  await answerChecklist(page);
  await page.locator(".acts [data-key='a']").click();
  await page.waitForURL((url) => url.href !== first);
  await page.goto(first);
  await page.getByRole("button", { name: /Take it back/ }).click();
  await page.waitForURL((url) => url.pathname.startsWith("/reviews/") && url.href !== first);
  assert.equal((await page.locator(".item h1").innerText()).trim(), subject);
  noFaults(page);
  await page.context().close();
});
