// The scorecard, the week and the ledger: figures open their records, a cost is entered and taken back, a week is signed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { instance, signedIn } from "./console.mjs";
import { accessibilityFaults, fits, screenshotPath } from "./support.mjs";

let on, page;

before(async () => {
  on = await instance();
  page = await signedIn(on);
});

after(async () => on?.stop());

async function pictures(name) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.waitForTimeout(300); // colours move for a moment
    await page.screenshot({ path: screenshotPath(`${name}-${scheme}`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: "light", media: "print" });
  await page.screenshot({ path: screenshotPath(`${name}-print`), fullPage: true });
  await page.emulateMedia({ colorScheme: "light", media: "screen" });
  await page.setViewportSize({ width: 320, height: 900 });
  await fits(page, name);
  await page.setViewportSize({ width: 1440, height: 900 });
}

const place = () => `${on.url}/workflows/support-triage`;

test("a cost is entered by keyboard, refused when it makes no sense, and taken back", async () => {
  await page.goto(`${place()}/costs`);
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByLabel("Kind").selectOption("maintenance");
  await page.getByLabel("Or minutes").fill("90");
  await page.getByLabel("What for").fill("Prompt and rules");
  await page.getByRole("button", { name: "Enter", exact: true }).click();
  await page.getByRole("alert").filter({ hasText: "whose minutes" }).waitFor();
  assert.equal(await page.getByLabel("Or minutes").inputValue(), "90", "what was typed is still there");
  await page.getByLabel("of whom").fill("maren");
  await page.getByLabel("of whom").press("Enter");
  await page.getByRole("cell", { name: "90 min", exact: true }).waitFor();
  await page.getByLabel("Kind").selectOption("infrastructure");
  await page.getByLabel("Amount").fill("120.50");
  await page.getByLabel("What for").fill("Servers");
  await page.getByRole("button", { name: "Enter", exact: true }).click();
  await page.getByRole("cell", { name: "120.50 EUR" }).waitFor();
  await page.locator("summary", { hasText: "Take back" }).first().click();
  await page.getByPlaceholder("Why").first().fill("typed twice");
  await page.getByPlaceholder("Why").first().press("Enter");
  await page.getByRole("cell", { name: /^-/ }).waitFor();
  await page.getByText("Capture a baseline").click();
  const fill = async (label, text) => page.getByLabel(label, { exact: true }).fill(text);
  await fill("Tasks in the sample", "40");
  await fill("Minutes of work in all of them", "200");
  await fill("Of them wrong", "3");
  await fill("Minutes from receipt to result, median", "240");
  await fill("How it was measured", "stopwatch");
  await fill("First day", "2026-01-05");
  await fill("Last day", "2026-01-06");
  await page.getByRole("button", { name: "Capture", exact: true }).click();
  await page.getByText("3 of 40").waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await pictures("ledger");
});

test("every figure says how it is known and opens its records", async () => {
  // The service counts within some seconds.
  const until = Date.now() + 120_000;
  for (;;) {
    await page.goto(`${place()}/scorecard`);
    const resolved = page.locator(".figure", { has: page.getByRole("heading", { name: "Resolved", exact: true }) });
    const runs = await resolved.locator(".fig").textContent();
    if (Number(runs) > 0) break;
    assert.ok(Date.now() < until, "no run was counted");
    await page.waitForTimeout(1_000);
  }
  assert.deepEqual(await accessibilityFaults(page), []);
  for (const figure of await page.locator(".figure").all()) {
    assert.match(await figure.locator(".tag").textContent(), /measured|estimated|missing/);
  }
  assert.equal(await page.getByRole("heading", { name: "The one metric" }).count(), 1);
  await pictures("scorecard");
  const figure = page.locator(".figure", { has: page.getByRole("heading", { name: "Resolved", exact: true }) });
  const counted = Number(await figure.locator(".fig").textContent());
  const address = await figure.getByRole("link").getAttribute("href");
  const listed = await page.evaluate(async (href) => {
    const text = await (await fetch(href)).text();
    return new DOMParser().parseFromString(text, "text/html").querySelectorAll("tbody tr").length;
  }, address);
  assert.equal(listed, Math.min(counted, 50), "the records are as many as the figure says");
  for (const form of ["csv", "json"]) {
    const answer = await page.evaluate(async (href) => (await fetch(href)).text(), `${place()}/scorecard.${form}`);
    assert.match(answer, /turnaround_p95/);
  }
  await page.getByRole("link", { name: "Records behind Resolved" }).click();
  await page.getByText("The records behind a figure: resolved").waitFor();
});

test("a week is signed once, with a note", async () => {
  const today = new Date().toLocaleDateString("sv-SE", { timeZone: "Europe/Berlin" });
  await page.goto(`${place()}/weekly?week=${today}`);
  assert.deepEqual(await accessibilityFaults(page), []);
  // Without a stated metric there is no value that could be looked at, and the page says what to do.
  await page.getByLabel("What was seen and decided").fill("All well.");
  await page.getByRole("button", { name: "Sign this week" }).click();
  await page.getByRole("alert").filter({ hasText: "state it on the charter page" }).waitFor();
  await page.goto(`${place()}/charter`);
  await page.getByText("State a field", { exact: true }).click();
  await page.locator("#f-ninety_day_metric").fill("error_rate at most 20 by 2099-01-01");
  await page.locator("#f-ninety_day_metric").press("Enter");
  await page.getByText("error_rate at most 20").first().waitFor();
  // Feedback, more of it than paper has room for.
  await page.goto(`${on.url}/runs?workflow=support-triage`);
  const run = await page.locator("tbody a").first().getAttribute("href");
  for (let n = 0; n < 6; n++) {
    await page.goto(on.url + run);
    await page.getByRole("link", { name: "Report a problem" }).focus();
    await page.keyboard.press("Enter");
    await page.locator("#problem[open]").waitFor();
    await page.keyboard.press("2");
    await page.locator("#problem-note").fill(`It took long, ${n}`);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/problem-reports\//);
  }
  await page.goto(`${place()}/weekly?week=${today}`);
  const feedback = page.locator("section[aria-labelledby=feedback]");
  assert.equal(await feedback.locator("li:visible").count(), 6);
  assert.match(await feedback.innerText(), /slow: its answer is due/);
  assert.match(await page.locator(".agenda").innerText(), /within the limit: 6/);
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByLabel("What was seen and decided").fill("Continue; look at the prices next week.");
  await page.getByRole("button", { name: "Sign this week" }).click();
  await page.getByText(/Signed by/).first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Sign this week" }).count(), 0);
  await pictures("weekly");
  assert.deepEqual(page.faults, []);
});

test("what a page shows can be taken along as CSV and as JSON", async () => {
  const pages = {
    [`${on.url}/hub`]: ["workflow,title,label", "support-triage"],
    [`${place()}/charter`]: ["list,group,item", "checklist"],
    [`${place()}/scorecard`]: ["key,title,unit", "turnaround_p95"],
    [`${place()}/weekly`]: ["key,title,unit", "turnaround_p95"],
    [`${place()}/value`]: ["key,title,unit", "turnaround_p95"],
    [`${place()}/costs`]: ["id,category,workflow", "120500000"],
    [`${place()}/capacity`]: ["kind,from,arrivals", "week"],
    [`${place()}/drift`]: ["dimension,day,shift", ""],
  };
  for (const [address, [head, inside]] of Object.entries(pages)) {
    await page.goto(address);
    const taken = async (name) => {
      const href = await page.getByRole("link", { name, exact: true }).first().getAttribute("href");
      const answer = await page.request.get(new URL(href, address).href);
      assert.equal(answer.status(), 200, href);
      return { kind: answer.headers()["content-type"], text: await answer.text() };
    };
    const [csv, json] = [await taken("CSV"), await taken("JSON")];
    assert.match(csv.kind, /text\/csv/, address);
    assert.ok(csv.text.startsWith(head), `${address}: ${csv.text.slice(0, 60)}`);
    assert.ok(csv.text.includes(inside), `${address} has ${inside}`);
    assert.match(json.kind, /application\/json/, address);
    assert.ok(JSON.stringify(JSON.parse(json.text)).includes(inside), `${address} has ${inside}`);
  }
  for (const [where, head] of Object.entries({
    "turnover": "test,state,without", "friday": "test,state,person", "costs/exit": "vendor,bound,alternative", "costs/forecast": "kind,name,vendor",
  })) {
    const answer = await page.request.get(`${place()}/${where}.csv`);
    assert.match(answer.headers()["content-type"], /text\/csv/, where);
    assert.ok((await answer.text()).startsWith(head), where);
  }
  const week = await (await page.request.get(`${place()}/weekly.csv?week=${new Date().toLocaleDateString("sv-SE", { timeZone: "Europe/Berlin" })}`)).text();
  for (const row of [/^target,error_rate at most 20/m, /^report,slow: its answer is due.*\/problem-reports\//m, /^signature,/m]) assert.match(week, row);
});

test("the value report and the week print on one page each, with nothing cut off", async () => {
  await page.goto(`${place()}/value`);
  assert.match(await page.textContent("main"), /The decision that is asked for/);
  assert.deepEqual(await accessibilityFaults(page), []);
  await pictures("value");
  const margin = { top: "12mm", bottom: "12mm", left: "12mm", right: "12mm" };
  for (const what of ["value", "weekly"]) {
    // The week with all the feedback in it is the one that has to fit.
    const today = new Date().toLocaleDateString("sv-SE", { timeZone: "Europe/Berlin" });
    await page.goto(`${place()}/${what}${what === "weekly" ? `?week=${today}` : ""}`);
    // Whoever reads on a dark screen still prints on white.
    await page.evaluate(() => document.documentElement.setAttribute("data-theme", "dark"));
    await page.emulateMedia({ media: "print" });
    const pdf = await page.pdf({ format: "A4", margin });
    await page.setViewportSize({ width: 703, height: 1031 });
    await page.screenshot({ path: screenshotPath(`${what}-paper`), fullPage: true });
    assert.equal(pdf.toString("latin1").match(/\/Type\s*\/Page[^s]/g).length, 1, `${what} prints on one page`);
    const told = await page.evaluate(() => ({
      scheme: getComputedStyle(document.documentElement).colorScheme,
      buttons: [...document.querySelectorAll("main button, main input, main textarea")].filter((b) => b.checkVisibility()).length,
      cut: [...document.querySelectorAll("main .card, main td, main th")].filter((c) => c.scrollWidth > c.clientWidth + 1).map((c) => c.textContent.trim().slice(0, 40)),
      // A bar of a chart is not the bar on top, which paper does not have.
      bars: [...document.querySelectorAll(".chart .bar")].filter((b) => !b.checkVisibility()).length,
      top: document.querySelector("header.bar").checkVisibility(),
      wide: document.documentElement.scrollWidth,
    }));
    assert.deepEqual(told, { scheme: "light", buttons: 0, cut: [], bars: 0, top: false, wide: 703 }, what);
    await page.emulateMedia({ media: "screen" });
    await page.setViewportSize({ width: 1440, height: 900 });
  }
});
