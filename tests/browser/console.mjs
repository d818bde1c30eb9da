// What the console's tests share: a demo instance, a signed-in page, and ears for CSP reports.
import assert from "node:assert/strict";

import { browser, tuesday } from "./support.mjs";

/** Starts the demo and a browser; `stop` ends both. */
export async function instance() {
  const chromium = await browser();
  try {
    const server = await tuesday(["demo", "--listen", "127.0.0.1:0"], { startWithinMs: 300_000 });
    return {
      url: server.url,
      dir: server.dir,
      output: server.output,
      chromium,
      stop: async () => {
        await chromium.close();
        await server.stop();
      },
    };
  } catch (error) {
    await chromium.close();
    throw error;
  }
}

/**
 * A page of its own session, signed in as one of the demo's people. Script errors and CSP reports are collected in `page.faults`.
 */
export async function signedIn(on, { as = "maren", theme = "light", width = 1440, height = 900, script = true } = {}) {
  const context = await on.chromium.newContext({
    viewport: { width, height },
    colorScheme: theme,
    javaScriptEnabled: script,
  });
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(`script: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    // A refused decision is an answer with status 409 or 422; the browser logs those as errors.
    if (message.type() === "error" && !/status of 4\d\d/.test(text)) page.faults.push(text);
  });
  await page.goto(`${on.url}/sign-in`);
  const person = page.locator(`button[name=act_as][value="${as}"]`);
  // Those who own no workflow are behind a fold.
  if (!(await person.isVisible())) await page.locator(".door summary").first().click();
  await person.click();
  await page.waitForURL(/\/queue/);
  return page;
}

/** Waits until at least `n` cases of support triage are in the queue, and opens the queue. */
export async function queueOf(page, n, url, { within = 60_000 } = {}) {
  const until = Date.now() + within;
  for (;;) {
    await page.goto(`${url}/queue?workflow=support-triage`);
    const rows = await page.locator(".qlist li a").count();
    if (rows >= n) return rows;
    if (Date.now() > until) throw new Error(`only ${rows} cases after ${within} ms`);
    await page.waitForTimeout(250);
  }
}

/** Opens the first case that this person may approve as an output; answers its address. */
export async function openOutput(page, url, { skip = [] } = {}) {
  await queueOf(page, 1, url);
  const links = await page.locator(".qlist li a").evaluateAll((list) => list.map((a) => a.href));
  for (const link of links.filter((l) => !skip.includes(l))) {
    await page.goto(link);
    if (!(await page.locator('.acts [data-key="a"]:not([disabled])').count())) continue;
    // A letter that comes sooner was meant for the case before, and decides nothing.
    await page.waitForTimeout(250);
    return link;
  }
  throw new Error("no case in the queue can be approved by this person");
}

/** Ticks the checklist, when the case has one. */
export async function answerChecklist(page) {
  for (const box of await page.locator('input[name="checklist"]').all()) await box.check();
}

/** The answer to a form that leads to another page; what scripts ask meanwhile is none. */
export const answered = (page) =>
  page.waitForResponse((r) => r.request().method() === "POST" && r.request().isNavigationRequest());

/** The id of the case that is open. */
export const openCase = (page) => page.locator(".item[data-review]").getAttribute("data-review");

/** Waits until another case than `id` is open, or none. */
export async function leftCase(page, id) {
  await page.waitForFunction((old) => document.querySelector(".item")?.dataset.review !== old, id);
}

/** Waits until the case may be decided by a key: it is drawn and somebody can have seen it. */
export async function drawn(page) {
  await page.waitForSelector(".item[data-review] h1");
  await page.waitForTimeout(260);
}

export function noFaults(page) {
  assert.deepEqual(page.faults, []);
}
