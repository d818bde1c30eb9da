// An incident from its opening to its review, by keyboard; what is away is said on every page. On an instance of its own.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { noFaults } from "./console.mjs";
import { accessibilityFaults, browser, fits, screenshotPath, tuesday } from "./support.mjs";

let chromium, server;

async function command(...args) {
  const { stdout } = await promisify(execFile)(process.env.TUESDAY_BIN, [...args, "--json", "--dir", server.dir]);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

before(async () => {
  chromium = await browser();
  server = await tuesday(["serve", "--listen", "127.0.0.1:0", "--test-instance"]);
  await promisify(execFile)(process.env.TUESDAY_BIN, ["init", "own"], { cwd: server.dir });
  await command("install", join(server.dir, "own"));
});

after(async () => {
  await chromium?.close();
  await server?.stop();
});

async function signedIn(person) {
  const { token } = await command("token", "create", "--scope", "review", "--person", person);
  const page = await (await chromium.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) page.faults.push(message.text());
  });
  await page.goto(`${server.url}/sign-in`);
  await page.getByText("With an access token").click();
  await page.getByLabel("Access token").fill(token);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/queue/);
  return page;
}

async function pictures(page, name) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.waitForTimeout(300); // colours move for a moment
    await page.screenshot({ path: screenshotPath(`${name}-${scheme}`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 320, height: 900 });
  await fits(page, name);
  await page.screenshot({ path: screenshotPath(`${name}-narrow`) });
  await page.setViewportSize({ width: 1440, height: 900 });
}

test("a wrong answer is taken, and closed only with a case", async () => {
  const page = await signedIn("ana");
  await page.goto(`${server.url}/incidents`);
  assert.deepEqual(await accessibilityFaults(page), []);
  await pictures(page, "incidents-none");
  const made = await command("incident", "open", "Fourteen dates are wrong since Wednesday", "--category", "wrong_answer", "--workflow", "own", "--as", "ana");
  const away = await command("incident", "open", "No answer since four", "--category", "provider_outage", "--workflow", "own", "--as", "ana");
  await page.goto(`${server.url}/incidents`);
  await page.getByRole("status").filter({ hasText: "Model provider does not answer" }).first().waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await pictures(page, "incidents");
  await page.getByRole("link", { name: /wrong answer reached/ }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/incidents\/inc_/);
  assert.deepEqual(await accessibilityFaults(page), []);
  await pictures(page, "incident");
  await page.getByRole("button", { name: "I am on it" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("It is yours").first().waitFor();
  await page.getByLabel("In words").fill("The mapping reads the new format");
  await page.getByRole("button", { name: "Resolved" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText(/regression case, or with a waiver/).first().waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await pictures(page, "incident-refused");
  assert.equal(await page.getByLabel("In words").inputValue(), "The mapping reads the new format", "nothing typed is lost");
  await page.getByLabel("Regression case", { exact: true }).fill("evals/golden.jsonl#urgent");
  await page.getByRole("button", { name: "Resolved" }).click();
  await page.locator(".tag", { hasText: /resolved/i }).waitFor();
  const shown = await command("incident", "show", made.id);
  assert.deepEqual([shown.state, shown.case, shown.acknowledged_by], ["resolved", "evals/golden.jsonl#urgent", "ana"]);
  await pictures(page, "incident-resolved");
  const file = await page.request.get(`${server.url}/incidents/${made.id}/postmortem.md`);
  assert.match(await file.text(), /evals\/golden.jsonl#urgent/);
  const book = await page.request.get(`${server.url}/runbooks/wrong-answer`);
  assert.match(await book.text(), /blast-radius/);
  await command("incident", "mitigate", away.id, "it answers again", "--as", "ana");
  await page.goto(`${server.url}/queue`);
  assert.equal(await page.getByText("Model provider does not answer").count(), 0, "what is back is not said");
  noFaults(page);
  await page.context().close();
});

test("the blast radius is looked at, taken along and corrected from, by keyboard", async () => {
  const sample = join(server.dir, "own", "records", "sample.json");
  const run = await command("run", "start", "own", "--input", sample, "--wait");
  const { stdout } = await promisify(execFile)(process.env.TUESDAY_BIN, ["review", "list", "--json", "--dir", server.dir]);
  const task = JSON.parse(stdout.trim().split("\n")[0]);
  await command("review", "approve", task.id, "--as", "ana", "--all-checked", "--wait");
  const made = await command("incident", "open", "The summary is wrong", "--category", "wrong_answer", "--workflow", "own", "--as", "ana");
  const page = await signedIn("ana");

  await page.goto(`${server.url}/blast-radius`);
  assert.deepEqual(await accessibilityFaults(page), []);
  await pictures(page, "blast-empty");
  await page.getByRole("button", { name: "Look" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: "nothing is named that could be the cause" }).waitFor();
  assert.equal(await page.getByRole("link", { name: "CSV" }).count(), 0, "nothing, and not everything");

  await page.goto(`${server.url}/incidents/${made.id}`);
  await page.getByRole("link", { name: "Blast radius" }).focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("Person who decided").fill("ana");
  await page.keyboard.press("Enter");
  await page.getByRole("status").filter({ hasText: "1 run made an output, 1 output is at a destination." }).waitFor();
  assert.equal(await page.locator("tbody tr").count(), 1);
  assert.deepEqual(await accessibilityFaults(page), []);
  await pictures(page, "blast-found");
  const csv = await page.request.get(new URL(await page.getByRole("link", { name: "CSV" }).getAttribute("href"), server.url).href);
  const lines = (await csv.text()).trim().split("\n");
  assert.equal(lines.length, 2);
  assert.match(lines[0], /^run,workflow,subject,received_at,release/);
  const json = await page.request.get(new URL(await page.getByRole("link", { name: "JSON" }).getAttribute("href"), server.url).href);
  const found = await json.json();
  assert.deepEqual([found.runs, found.delivered, found.rows[0].run], [1, 1, run.id ?? run.run_id]);

  await page.getByLabel("What is to be put right").fill("write the right summary");
  await page.getByRole("button", { name: "Make 1 correction" }).focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(new RegExp(`/incidents/${made.id}$`));
  await page.getByText("Corrections are made").first().waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await pictures(page, "incident-corrections");
  // A receipt cannot be typed: an action that is none is refused, a word is shown as no more than that.
  const answer = page.getByLabel("Right value, action, or in words");
  await answer.fill(found.rows[0].action);
  await page.getByRole("button", { name: "By an action" }).click();
  await page.getByText("it was sent before the wrong write").first().waitFor();
  await answer.fill("corrected by telephone");
  await page.getByRole("button", { name: "By word" }).focus();
  await page.keyboard.press("Enter");
  await page.locator(".tag", { hasText: "By word of Ana Example" }).waitFor();
  await pictures(page, "incident-by-word");
  await page.goto(`${server.url}/blast-radius?look=1&incident=${made.id}&person=ana`);
  await page.getByText("1 output at a destination, 0 without a correction of this incident.").waitFor();
  noFaults(page);
  await page.context().close();
});
