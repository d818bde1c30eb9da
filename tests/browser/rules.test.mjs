// Changing a rule on its page: by keyboard, within bounds, past them, and back again.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { answerChecklist, answered, instance, noFaults, openOutput, signedIn } from "./console.mjs";
import { accessibilityFaults, fits, screenshotPath } from "./support.mjs";

const CELL = 'input[name="cell.r7.confidence"]';
let on, page, address;

before(async () => {
  on = await instance();
  address = `${on.url}/workflows/support-triage/rules`;
  page = await signedIn(on);
});
after(async () => { await on?.stop(); });

/** Presses Tab until the control has the focus, as somebody without a mouse does. */
async function tabTo(control) {
  for (let presses = 0; presses < 120; presses += 1) {
    if (await control.evaluate((node) => node === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail("the control is not reached with Tab");
}

/** Does something that leads to another page, and answers the status of the form's answer. */
async function led(on, act) {
  const answer = answered(on);
  const loaded = on.waitForEvent("load");
  await act();
  await loaded;
  return (await answer).status();
}

/** Tries a value on past runs by keyboard, from the top of the page. */
async function tryValue(value, reason) {
  await page.goto(address);
  await tabTo(page.locator(CELL));
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type(value);
  await tabTo(page.locator("#why"));
  await page.keyboard.type(reason);
  await tabTo(page.getByRole("button", { name: "Try on past runs" }));
  return led(page, () => page.keyboard.press("Enter"));
}

async function looksRight(on, name) {
  for (const theme of ["light", "dark"]) {
    // Without motion: a colour on its way to the other look is not the one to judge.
    await on.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await on.evaluate(() => document.fonts.ready);
    assert.deepEqual(await accessibilityFaults(on), [], `${name} ${theme}`);
    await on.screenshot({ path: screenshotPath(`${name}-${theme}`), fullPage: true });
  }
}

const inForce = async (on) => (await on.locator(".pagehead .sub").textContent()).match(/Version (\d+) is in force/)[1];

test("the workflow's page leads to its rules, and saving waits for the test", async () => {
  await page.goto(`${on.url}/workflows/support-triage`);
  await page.getByRole("link", { name: "Change the rules" }).click();
  await page.waitForURL(address);
  assert.ok(await page.getByRole("button", { name: "Put in force" }).isDisabled());
  assert.equal(await inForce(page), "1");
  await looksRight(page, "rules");
});

test("a value inside the bounds is in force at once, by keyboard alone", async () => {
  assert.equal(await tryValue("0.8", "fewer to read"), 200);
  assert.match(await page.locator("#result").textContent(), /If it had been in force/);
  await looksRight(page, "rules-tried");
  await tabTo(page.getByRole("button", { name: "Put in force" }));
  assert.equal(await led(page, () => page.keyboard.press("Enter")), 303);
  assert.equal(await inForce(page), "2");
  assert.equal(await page.locator(CELL).inputValue(), "0.8");
  const version = await page.locator("#version-2").textContent();
  assert.match(version, /In force.*Maren Holt.*r7 confidence.*>= 0\.85.*>= 0\.8.*fewer to read/s);
});

test("a change without a reason is not made, and what was typed stays", async () => {
  assert.equal(await tryValue("0.9", ""), 200);
  const status = await led(page, () => page.getByRole("button", { name: "Put in force" }).click());
  assert.equal(status, 422);
  assert.match(await page.locator("[role=alert]").textContent(), /needs a reason/);
  assert.equal(await page.locator(CELL).inputValue(), "0.9");
});

test("a value that was changed after the test is tested first", async () => {
  await tryValue("0.9", "more to read");
  await page.fill(CELL, "0.91");
  await led(page, () => page.getByRole("button", { name: "Put in force" }).click());
  assert.match(await page.locator(".panel.warn").textContent(), /changed after the test/);
  await page.goto(address);
  assert.equal(await inForce(page), "2");
});

test("past the hard bound it is refused, naming bound and owner", async () => {
  assert.equal(await tryValue("0.2", "let more through"), 422);
  const alert = await page.locator("[role=alert]").textContent();
  assert.match(alert, /r7\.confidence/);
  assert.match(alert, /0\.4/);
  assert.match(alert, /owen/i);
  assert.equal(await page.locator(CELL).getAttribute("aria-invalid"), "true");
  await looksRight(page, "rules-refused");
});

test("past the soft bound it waits until the sponsor agrees in another session", async () => {
  assert.equal(await tryValue("0.45", "let more through"), 200);
  await looksRight(page, "rules-second-person");
  await led(page, () => page.getByRole("button", { name: "Ask Owen Pike to agree" }).click());
  assert.equal(await inForce(page), "2", "nothing has changed yet");
  assert.ok(await page.getByText("waits for Owen Pike").isVisible());
  assert.equal(await page.getByRole("button", { name: /Agree/ }).count(), 0, "nobody agrees alone");
  const sponsor = await signedIn(on, { as: "owen", script: false });
  await sponsor.goto(address);
  await sponsor.screenshot({ path: screenshotPath("rules-waiting-light"), fullPage: true });
  assert.equal(await sponsor.locator(CELL).count(), 0, "the sponsor agrees and does not edit");
  assert.equal(await led(sponsor, () => sponsor.getByRole("button", { name: "Agree to version 3" }).click()), 303);
  assert.equal(await inForce(sponsor), "3");
  noFaults(sponsor);
  await sponsor.context().close();
});

test("those who decide are told, and say that they have read it", async () => {
  const reviewer = await signedIn(on, { as: "lena" });
  await reviewer.goto(address);
  assert.match(await reviewer.locator(".panel.warn").textContent(), /version 3.*let more through/s);
  await looksRight(reviewer, "rules-read");
  await led(reviewer, () => reviewer.getByRole("button", { name: "I have read it" }).click());
  assert.equal(await reviewer.locator(".panel.warn").count(), 0);
  noFaults(reviewer);
  await reviewer.context().close();
});

test("an earlier version comes back in one act", async () => {
  await page.goto(address);
  await page.getByLabel("Reason to put version 2 back").fill("too many wrong ones");
  assert.equal(await led(page, () => page.keyboard.press("Enter")), 303);
  assert.equal(await inForce(page), "4");
  assert.equal(await page.locator(CELL).inputValue(), "0.8");
  noFaults(page);
});

test("an author takes a waiting change back", async () => {
  await tryValue("0.45", "once more");
  await led(page, () => page.getByRole("button", { name: "Ask Owen Pike to agree" }).click());
  await page.getByLabel("Reason to withdraw version 5").fill("a mistake");
  assert.equal(await led(page, () => page.keyboard.press("Enter")), 303);
  assert.equal(await page.getByText("is not in force yet").count(), 0);
  assert.equal(await inForce(page), "4");
});

test("the page fits 320 px", async () => {
  const small = await signedIn(on, { width: 320, height: 640 });
  await small.goto(address);
  await fits(small, address);
  await small.context().close();
});

test("who decides reads the new rules first, and comes back to the case", async () => {
  const reader = await signedIn(on, { as: "samir", script: false });
  const link = await openOutput(reader, on.url);
  await answerChecklist(reader);
  await reader.locator('.acts [data-key="a"]').click();
  const panel = reader.locator(".panel[role=alert]");
  assert.match(await panel.innerText(), /too many wrong ones/);
  await panel.getByRole("button", { name: "I have read it" }).click();
  await reader.waitForURL((url) => url.pathname === new URL(link).pathname);
  await answerChecklist(reader);
  await reader.locator('.acts [data-key="a"]').click();
  await reader.waitForURL((url) => url.pathname !== new URL(link).pathname);
  await reader.goto(link);
  assert.match(await reader.locator(".item").innerText(), /Approved/);
  noFaults(reader);
  await reader.context().close();
});

test("faults show at their cell while typing, in sentences, and nothing is kept", async () => {
  await page.goto(address);
  await page.locator("#judged").waitFor();
  await page.fill(CELL, "0.2");
  await page.locator('#rule-r7 .live.bad').waitFor();
  const words = await page.locator("#rule-r7 .live.bad").innerText();
  assert.match(words, /is under its hard bound: it may lie between 0\.4 and 1/);
  assert.equal(await page.locator(CELL).getAttribute("aria-invalid"), "true");
  assert.match(await page.locator("#judged").innerText(), /cannot be put in force/);
  await looksRight(page, "rules-live");
  await page.fill(CELL, "0.9");
  await page.locator("#rule-r7 .live.bad").waitFor({ state: "detached" });
  assert.equal(await page.locator(CELL).getAttribute("aria-invalid"), null);
  await page.goto(address);
  assert.notEqual(await page.locator(CELL).inputValue(), "0.9", "nothing was kept");
});

test("the table goes out as a file and comes back exactly, and a changed file is tried first", async () => {
  const file = `${address}.csv`;
  const out = await (await page.request.get(file)).text();
  await page.goto(address);
  const before = await inForce(page);
  const bring = async (text) => {
    await page.goto(address);
    await page.locator(".file > summary").focus();
    await page.keyboard.press("Enter");
    await page.locator("#file-text").fill(text);
    await page.fill("#why", "brought back as a file");
    return led(page, () => page.getByRole("button", { name: "Try this file on past runs" }).click());
  };
  await bring(out);
  assert.equal(await page.locator("#differs").count(), 0, "unchanged, it changes nothing");
  const now = (await page.request.get(file)).text();
  assert.equal(await now, out);
  const was = out.match(/>= ?0\.\d+/)[0];
  const changed = out.replace(was, ">= 0.81");
  assert.equal(await bring(changed), 200);
  assert.match(await page.locator('section[aria-labelledby="differs"]').innerText(), /r7 confidence/);
  await looksRight(page, "rules-file");
  assert.equal(await led(page, () => page.getByRole("button", { name: "Put in force" }).click()), 303);
  assert.ok(Number(await inForce(page)) > Number(before));
  assert.equal(await (await page.request.get(file)).text(), changed);
});

test("any two versions stand side by side, and one of them comes back in one act", async () => {
  await page.goto(`${address}/versions?from=1`);
  const told = await page.locator('section[aria-labelledby="diff"]').innerText();
  assert.match(told, /r7 confidence\s+>= 0\.85\s+>= 0\.81/);
  await looksRight(page, "rules-versions");
  await tabTo(page.locator("#why"));
  await page.keyboard.type("as it was at first");
  assert.equal(await led(page, () => page.keyboard.press("Enter")), 303);
  assert.equal(await page.locator(CELL).inputValue(), "0.85");
  const last = await inForce(page);
  await page.goto(`${address}/versions?from=1&to=${last}`);
  assert.match(await page.locator("main").innerText(), /They say the same/);
});

test("which rule fires, how people decided, and how far a cutoff may move", async () => {
  await page.goto(`${address}/evidence?days=90`);
  const rows = await page.locator('section[aria-labelledby="fired"] tbody tr').count();
  assert.ok(rows >= 5);
  assert.match(await page.locator(".pagehead .sub").innerText(), /runs? in 90 days/);
  await page.selectOption("#column", "confidence");
  await page.fill("#budget", "20");
  await page.locator("#budget").press("Enter");
  await page.waitForURL(/column=confidence/);
  assert.match(await page.locator('section[aria-labelledby="advice"]').innerText(), /people decided|decided by people/);
  await looksRight(page, "rules-evidence");
  noFaults(page);
});
