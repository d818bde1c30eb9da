// A workflow is killed: its seven questions are answered, something follows, it is closed; by keyboard. On an instance of its own.
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
  await page.screenshot({ path: screenshotPath(`${name}-narrow`), fullPage: true });
  await page.setViewportSize({ width: 1440, height: 900 });
}

async function press(page, locator) {
  await locator.focus();
  await page.keyboard.press("Enter");
}

test("a stopped workflow is answered for and closed", async () => {
  const page = await signedIn("ana");
  await page.goto(`${server.url}/workflows/own/postmortem`);
  await page.getByText("There is none.").waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await command("workflow", "kill", "own", "--reason", "nobody could say what it was for", "--as", "ana");
  await page.goto(`${server.url}/handoffs`);
  await page.getByRole("link", { name: /nobody could say/ }).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await pictures(page, "handoffs");
  const kinds = page.getByRole("navigation", { name: "Which" });
  if (await kinds.count()) {
    const listed = async () => page.locator("tbody tr").count();
    const all = await listed();
    await press(page, kinds.getByRole("link", { name: /^Postmortem/ }));
    await page.waitForURL(/kind=postmortem/);
    assert.ok((await listed()) < all, "only things of this kind");
  }
  await press(page, page.getByRole("link", { name: /nobody could say/ }));
  await page.waitForURL(/\/workflows\/own\/postmortem/);
  await page.getByText("Did it have an owner on day one?", { exact: true }).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await pictures(page, "postmortem");

  for (const [asks, answer, evidence] of [
    ["Did the review load fit the hours people had?", "no", "tasks waited three days"],
    ["Were its inputs put right?", "no", "the feed was never repaired"],
  ]) {
    const item = page.getByRole("listitem").filter({ hasText: asks });
    await press(page, item.getByText("Answer", { exact: true }).first());
    await item.getByLabel("Answer").selectOption(answer);
    await item.getByLabel("What it rests on").fill(evidence);
    await page.keyboard.press("Enter");
    await page.getByText("Answered.").waitFor();
    await page.getByText(evidence).first().waitFor();
  }
  await page.getByText("Model quality is irrelevant").waitFor();

  await page.getByLabel("What is to be done").fill("Name a backup owner");
  await page.getByLabel("Until").fill("2099-12-31");
  await press(page, page.getByRole("button", { name: "Give it" }));
  await page.getByText("Given.").waitFor();
  await page.getByLabel("Root cause").selectOption("ownership");
  await page.getByLabel("Wall it ran into").selectOption("ops");
  await page.getByLabel("What is learnt").fill("Nobody installs without an owner");
  await press(page, page.getByRole("button", { name: "Close it" }));
  await page.getByRole("alert").filter({ hasText: "1 follow-ups are still open" }).waitFor();
  assert.equal(await page.getByLabel("What is learnt").inputValue(), "Nobody installs without an owner", "nothing typed is lost");
  assert.deepEqual(await accessibilityFaults(page), []);
  await pictures(page, "postmortem-refused");

  await page.getByLabel("What shows it, or why not").fill("Ana's deputy is Ben");
  await press(page, page.getByRole("button", { name: "Done" }));
  await page.getByText("Ended.").waitFor();
  await page.getByLabel("Root cause").selectOption("ownership");
  await page.getByLabel("Wall it ran into").selectOption("ops");
  await page.getByLabel("What is learnt").fill("Nobody installs without an owner");
  await press(page, page.getByRole("button", { name: "Close it" }));
  await page.getByRole("heading", { name: "At the root: Ownership" }).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await pictures(page, "postmortem-closed");
  const shown = await command("postmortem", "show", "own");
  assert.deepEqual([shown.state, shown.root, shown.wall], ["closed", "ownership", "ops"]);
  assert.equal(shown.answers.filter((a) => a.yes === null).length, 0);
  await page.goto(new URL("/hub", page.url()).href);
  const walls = page.locator("section[aria-labelledby=walls]");
  assert.match(await walls.innerText(), /Ops\s+1/, "the wall is counted on the hub");
  noFaults(page);
  await page.context().close();
});
