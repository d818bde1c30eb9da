// A release on its page: what it was judged by, and the doors of the second person.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { instance, noFaults, signedIn } from "./console.mjs";
import { accessibilityFaults, command, fits, screenshotPath } from "./support.mjs";

const example = fileURLToPath(new URL("../../examples/document-draft", import.meta.url));
let on, page, address, draft;

/** A copy of the example with another prompt, as a draft that was evaluated. */
function proposed(change, ...more) {
  const folder = join(mkdtempSync(join(tmpdir(), "tuesday-release-")), "package");
  cpSync(example, folder, { recursive: true });
  change(folder);
  const made = JSON.parse(command(on.dir, "release", "create", folder, "--as", "kenji", "--json", ...more));
  return made.id;
}

/** Replaces a text of the workflow once; it must be there. */
function edited(folder, old, fresh) {
  const file = join(folder, "workflow.toml");
  const text = readFileSync(file, "utf8");
  assert.ok(text.includes(old), old);
  writeFileSync(file, text.replace(old, fresh));
}

before(async () => {
  on = await instance();
  address = `${on.url}/workflows/document-draft/releases`;
  draft = proposed((folder) => {
    const file = join(folder, "prompt.md");
    writeFileSync(file, `${readFileSync(file, "utf8")}\nBe brief.\n`);
    edited(folder, "[manual]", "[degraded]\nmodel = \"alternative\"\n\n[manual]");
  });
  command(on.dir, "release", "eval", draft, "--as", "kenji", "--json");
  command(on.dir, "user", "grant", "beatriz", "--role", "release_approver", "--workflow", "document-draft", "--reason", "second person", "--json");
  command(on.dir, "user", "grant", "beatriz", "--role", "security_approver", "--workflow", "document-draft", "--reason", "answers for data", "--json");
});
after(async () => { await on?.stop(); });

async function looksRight(name) {
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await page.evaluate(() => document.fonts.ready);
    assert.deepEqual(await accessibilityFaults(page), [], `${name} ${theme}`);
    await page.screenshot({ path: screenshotPath(`${name}-${theme}`), fullPage: true });
  }
}

test("the live release and all others stand on one page", async () => {
  page = await signedIn(on, { as: "fergus" });
  await page.goto(`${on.url}/workflows/document-draft`);
  await page.getByRole("link", { name: "Look at them" }).click();
  await page.waitForURL(address);
  assert.match(await page.locator("h1").textContent(), /Release 1/);
  await looksRight("releases");
});

test("the evidence is there, and only the second person has the door", async () => {
  await page.goto(`${address}?id=${draft}`);
  assert.match(await page.locator(".pagehead").textContent(), /Release 2.*Gate passed/s);
  assert.match(await page.locator("#figures").locator("xpath=../..").textContent(), /All cases/);
  assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0);
  page = await signedIn(on, { as: "beatriz" });
  await page.goto(`${address}?id=${draft}`);
  // The draft was made with the addresses of the package, the live one writes to the demo's.
  assert.match(await page.locator("#wider").locator("xpath=../..").textContent(), /destination mail-draft is at/);
  assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0);
  await looksRight("release-passed");
  await page.locator("#why-clear").fill("the same mail server under its name");
  await page.getByRole("button", { name: "Clear" }).click();
  await page.waitForURL(/releases\?id=/);
  await looksRight("release-cleared");
  await page.locator("#why-approve").fill("reads better");
  await page.getByRole("button", { name: "Approve" }).click();
  await page.waitForURL(/releases\?id=/);
  assert.match(await page.locator(".pagehead").textContent(), /Approved/);
  await page.setViewportSize({ width: 320, height: 700 });
  await fits(page, page.url());
  await noFaults(page);
});

test("a release with another provider is let to stand by, and stands down again", async () => {
  await page.setViewportSize({ width: 1280, height: 900 });
  command(on.dir, "release", "promote", draft, "--as", "kenji", "--json");
  const other = proposed((folder) => edited(folder, "provider = \"built-in\"", "provider = \"second house\""));
  command(on.dir, "release", "eval", other, "--as", "kenji", "--json");
  for (const verb of ["clear", "approve"])
    command(on.dir, "release", verb, other, "--reason", "for an outage", "--as", "beatriz", "--json");
  await page.goto(`${address}?id=${other}`);
  await looksRight("release-may-stand-by");
  await page.locator("#why-by").fill("the other house is down now and then");
  await page.getByRole("button", { name: "Let it stand by" }).click();
  await page.waitForURL(/releases\?id=/);
  assert.match(await page.locator("table").first().textContent(), /3.*Approved.*stands by/s);
  await looksRight("release-stands-by");
  await page.goto(`${on.url}/workflows/document-draft/wrong`);
  assert.match(await page.locator("main").textContent(), /Model away: it goes on with release 3, which was approved for that/);
  await page.goto(`${address}?id=${other}`);
  page = await signedIn(on, { as: "kenji" });
  await page.goto(`${address}?id=${other}`);
  assert.equal(await page.getByRole("button", { name: "Let it stand by" }).count(), 0, "not the author's");
  await page.locator("#why-down").fill("its contract ended");
  await page.getByRole("button", { name: "Stand down" }).click();
  await page.waitForURL(address);
  assert.doesNotMatch(await page.locator("table").first().textContent(), /stands by/);
  await noFaults(page);
});

test("the fourth rewrite of a prompt is stopped, and the second person says where the fix is", async () => {
  const kenji = ["--as", "kenji", "--json"];
  const say = (word) => (folder) => {
    edited(folder, "[manual]", "[degraded]\nmodel = \"alternative\"\n\n[manual]");
    const file = join(folder, "prompt.md");
    writeFileSync(file, `${readFileSync(file, "utf8")}\nSay it ${word}.\n`);
  };
  // With the places of the release that is live by now: nothing reaches further.
  const answers = ["--answers", "wrong_answer"];
  for (const word of ["once", "in short", "in order"]) {
    const id = proposed(say(word), ...answers);
    command(on.dir, "release", "eval", id, ...kenji);
    command(on.dir, "release", "approve", id, "--reason", "reads better", "--as", "beatriz", "--json");
    command(on.dir, "release", "promote", id, ...kenji);
    command(on.dir, "incident", "open", "--category", "wrong_answer", "a wrong price was in it", "--workflow", "document-draft", "--as", "fergus", "--json");
  }
  const fourth = proposed(say("plainly"), ...answers);
  assert.throws(() => command(on.dir, "release", "eval", fourth, ...kenji));
  page = await signedIn(on, { as: "beatriz" });
  await page.goto(`${address}?id=${fourth}`);
  assert.match(await page.locator(".pagehead").textContent(), /Blocked/);
  const card = page.locator("#answers").locator("xpath=../..");
  assert.match(await card.textContent(), /Answers: Wrong answer.*three rewrites of the prompt have failed/s);
  assert.equal(await card.locator("tbody tr").count(), 3);
  assert.equal(await card.locator("tbody .st.bad").count(), 3);
  await looksRight("release-three-rewrites");
  await page.setViewportSize({ width: 320, height: 700 });
  await fits(page, page.url());
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.locator("#layer").selectOption("input");
  await page.locator("#why-excuse").fill("the price list was read too late");
  await page.getByRole("button", { name: "Let it be evaluated" }).click();
  await page.waitForURL(/releases\?id=/);
  assert.match(await page.locator(".pagehead").textContent(), /Draft/);
  assert.match(await card.textContent(), /beatriz classed the fix as work in input: the price list was read too late/);
  await looksRight("release-classed");
  await noFaults(page);
});

test("in an emergency it goes down at once, and somebody else is named who looks back", async () => {
  page = await signedIn(on, { as: "kenji" });
  await page.goto(address);
  const card = page.locator("#emergency").locator("xpath=../..");
  const ways = await card.locator("#way option").allTextContents();
  assert.ok(ways.some((w) => w.startsWith("Back to release ")), ways.join());
  assert.ok(ways.includes("Down to shadow"), ways.join());
  const reviewers = await card.locator("#reviewer option").evaluateAll((all) => all.map((o) => o.value));
  assert.ok(reviewers.length > 0 && !reviewers.includes("kenji"), "nobody looks back at what they did");
  await looksRight("release-emergency");
  await page.setViewportSize({ width: 320, height: 700 });
  await fits(page, page.url());
  await page.setViewportSize({ width: 1280, height: 800 });
  await card.locator("#way").selectOption({ label: "Down to shadow" });
  await card.locator("#reviewer").selectOption(reviewers[0]);
  await card.locator("#why-emergency").fill("prices are wrong in every draft");
  await card.locator("#why-emergency").press("Enter");
  await page.waitForURL(address);
  assert.match(await page.locator("body").textContent(), /looks back at it within 24 hours/);
  const shown = JSON.parse(command(on.dir, "workflow", "show", "document-draft", "--json"));
  assert.equal(shown.stage, "shadow");
  await page.goto(`${on.url}/workflows/document-draft`);
  assert.match(await page.locator("main").textContent(), /Emergency, stage shadow in place of stage/);
  // Who may not pause it has no such form.
  page = await signedIn(on, { as: "olive" });
  await page.goto(address);
  assert.equal(await page.locator("#emergency").count(), 0);
  await noFaults(page);
});
