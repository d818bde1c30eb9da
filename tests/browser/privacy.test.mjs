// Keeping and erasing: a hold in the way, the list that is read first, the code, and what the run's page says afterwards.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { answered, instance, noFaults, signedIn } from "./console.mjs";
import { accessibilityFaults, screenshotPath } from "./support.mjs";

const run = promisify(execFile);
let on, page;

before(async () => {
  on = await instance();
  const dir = ["--dir", on.dir];
  await run(process.env.TUESDAY_BIN, ["user", "grant", "maren", "--role", "security_approver", "--reason", "answers for data", ...dir]);
  page = await signedIn(on, { as: "maren" });
});
after(async () => { await on?.stop(); });

async function looksRight(name) {
  assert.deepEqual(await accessibilityFaults(page), [], name);
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme });
    await page.screenshot({ path: screenshotPath(`${name}-${theme}`), fullPage: true });
  }
  await page.setViewportSize({ width: 320, height: 900 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 320, `${name} is ${wide} wide`);
  await page.screenshot({ path: screenshotPath(`${name}-narrow`), fullPage: true });
  await page.setViewportSize({ width: 1440, height: 900 });
}

/** The newest run that is over. */
async function overRun() {
  for (const outcome of ["written_back", "draft_placed"]) {
    const said = await run(process.env.TUESDAY_BIN, ["run", "list", "--json", "--dir", on.dir]);
    const rows = said.stdout.trim().split("\n").map((l) => JSON.parse(l));
    const found = rows.find((r) => r.outcome === outcome);
    if (found) return [found.id ?? found.run_id, found.workflow];
  }
  throw new Error("no run is over");
}

async function listed(about, name) {
  await page.goto(`${on.url}/privacy`);
  await page.selectOption("#a-about", about);
  await page.fill("#a-name", name);
  const answer = answered(page);
  await page.keyboard.press("Enter");
  await answer;
  await page.waitForSelector("#p-plan, [role=alert]");
}

test("a hold stands in the way, and lifting it lets the list through", async () => {
  const [id, workflow] = await overRun();
  await page.goto(`${on.url}/privacy`);
  await looksRight("privacy-empty");
  const record = await page.locator("#h-record");
  await record.fill("nothing-has-this-name");
  await page.fill("#h-reason", "a dispute about another record");
  await page.keyboard.press("Enter");
  await page.waitForSelector("text=in force");
  await page.selectOption("#h-workflow", workflow);
  await page.fill("#h-reason", "a dispute about this workflow");
  await page.keyboard.press("Enter");
  await page.waitForSelector("text=a dispute about this workflow");

  await listed("run", id);
  assert.match(await page.textContent("main"), /nothing has been erased/);
  await looksRight("privacy-plan");
  // The code of the list is typed, not carried along.
  const code = (await page.locator("label[for=e-code] .mono").textContent()).trim();
  await page.fill("#e-reason", "she asked us to");
  await page.fill("#e-policy", "GDPR article 17");
  await page.fill("#e-code", "0000-0000");
  await page.locator("button:has-text('Erase for good')").click();
  await page.waitForSelector("[role=alert] :text('not what was listed')");
  assert.equal(await page.locator(".panel.bad h2", { hasText: "A legal hold keeps" }).count(), 1);
  await page.fill("#e-reason", "she asked us to");
  await page.fill("#e-code", code);
  await page.locator("button:has-text('Erase for good')").click();
  await page.waitForSelector("[role=alert] :text('is kept by hld_')");
  await looksRight("privacy-held");
  await page.goto(`${on.url}/privacy`);
  for (let left = await page.locator("form[action$='/lifting']").count(); left > 0; left -= 1) {
    const form = page.locator("form[action$='/lifting']").first();
    await form.locator("input[name=reason]").fill("settled");
    const answer = answered(page);
    await form.locator("button").click();
    await answer;
    await page.waitForLoadState();
  }
  await listed("run", id);
  const again = (await page.locator("label[for=e-code] .mono").textContent()).trim();
  assert.equal(again, code, "the same list has the same code");
  await page.fill("#e-reason", "she asked us to");
  await page.fill("#e-policy", "GDPR article 17");
  await page.fill("#e-code", again);
  await page.locator("button:has-text('Erase for good')").click();
  await page.waitForSelector("text=Erased on request");
  await looksRight("privacy-done");

  await page.goto(`${on.url}/runs/${id}`);
  const text = await page.textContent("main");
  assert.match(text, /erased on .* under policy GDPR article 17/);
  assert.match(text, /Record intact/);
  await looksRight("privacy-run");
  const verified = await run(process.env.TUESDAY_BIN, ["audit", "verify", "--json", "--dir", on.dir]);
  assert.equal(JSON.parse(verified.stdout).verified, true);
  noFaults(page);
});

test("who may not erase gets no form", async () => {
  const other = await signedIn(on, { as: "desmond" });
  const answer = await other.goto(`${on.url}/privacy`);
  assert.equal(answer.status(), 403);
  await other.context().close();
});
