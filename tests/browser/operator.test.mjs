// The operator owner with nothing but a browser and a keyboard: clears twenty mixed tasks, repeats one run, changes one threshold.
// Nobody else helps; the log names no other person, and what belongs to others stays closed.
import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { drawn, noFaults } from "./console.mjs";
import { PACKAGE, scripted } from "./scripted.mjs";
import { accessibilityFaults, screenshotPath } from "./support.mjs";

const numbers = (n) => Array.from({ length: n }, (_, at) => at + 1);
let bed, page, began;

/** The package with an amount that the rules compare, a lane that is worked by hand, and second looks at what people approve. */
function withThreshold(dir) {
  const own = join(dir, "package");
  cpSync(PACKAGE, own, { recursive: true });
  const change = (name, ...pairs) => {
    let text = readFileSync(join(own, name), "utf8");
    for (const [old, fresh] of pairs) {
      assert.ok(text.includes(old), `${name}: ${old}`);
      text = text.replace(old, fresh);
    }
    writeFileSync(join(own, name), text);
  };
  change("input.schema.json",
    ['"search", "mail"]', '"search", "mail", "hand"]'],
    ['    "text": {', '    "amount": { "type": "string", "maxLength": 20, "description": "The amount.", "x-class": "internal" },\n    "text": {']);
  change("workflow.toml",
    ['tier = "crm.tier"', 'tier = "crm.tier"\namount = "input.amount | default(\'10\')"'],
    ["[[review.tier]]", "[review.second_look]\nhuman_percent = 100\n\n[[review.tier]]"]);
  writeFileSync(join(own, "rules.csv"), `row,lane:one of auto|review|two|version|search|mail|hand,tier:one of gold|silver|standard,amount:money[USD] soft 0..1000 hard 0..2000,route,review_tier,reason,note
h,hand,any,any,manual,,The lane is worked by hand,
r1,review,any,<= 500,review,desk,The lane asks for a person,
r2,two,any,any,review,two_persons,The lane asks for two persons,
r3,"auto, version, search, mail",any,<= 500,auto,,The lane is automatic,
r4,any,any,any,review,desk,No other row fits,
`);
  return own;
}

/** Waits until so many tasks of these kinds are open. */
async function waiting(expected) {
  const until = Date.now() + 60_000;
  for (;;) {
    const open = (await bed.lines("review", "list", "--limit", "100")).filter((t) => ["open", "claimed"].includes(t.state));
    const counts = {};
    for (const t of open) counts[t.kind] = (counts[t.kind] ?? 0) + 1;
    if (JSON.stringify(Object.entries(counts).sort()) === JSON.stringify(Object.entries(expected).sort())) return open;
    assert.ok(Date.now() < until, `${JSON.stringify(counts)} and not ${JSON.stringify(expected)}\n${bed.server.output()}`);
    await new Promise((done) => setTimeout(done, 200));
  }
}

before(async () => {
  bed = await scripted({ folder: withThreshold, accounts: numbers(12).map((n) => `AC-${n}`) });
  const about = (kind, n, more) => ({ id: `${kind}-${n}`, text: "a case", account: `AC-${n}`, ...more });
  // Somebody else approved three yesterday: those are drawn for a second look.
  for (const n of numbers(3)) await bed.send(about("look", n, { lane: "review" }));
  for (const task of await waiting({ output: 3 })) await bed.command("review", "approve", task.id, "--as", "pia", "--all-checked", "--wait");
  await waiting({ second_look: 3 });
  for (const n of numbers(3)) {
    await bed.tell("/_script", { system: "mail", method: "DATA", drop: "after_apply" });
    await bed.send(about("mail", n, { lane: "mail" }));
    await waiting({ second_look: 3, action: n });
  }
  for (const n of numbers(8)) await bed.send(about("output", n, { lane: "review" }));
  for (const n of numbers(3)) await bed.send(about("input", n, { lane: "auto", account: undefined }));
  for (const n of numbers(3)) await bed.send(about("hand", n, { lane: "hand" }));
  await waiting({ second_look: 3, action: 3, output: 8, input: 3, manual: 3 });
  began = new Set((await log()).keys());
  page = await bed.signedIn("rhea");
});

after(async () => { await bed?.stop(); });

/** Every entry of the log by its place. */
async function log() {
  const file = join(bed.server.dir, `log-${Date.now()}.jsonl`);
  await bed.command("audit", "checkpoint");
  await bed.command("audit", "export", "--workflow", "faults", "-o", file);
  const lines = readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  return new Map(lines.filter((l) => l.leaf).map((l) => [l.index, Buffer.from(l.leaf, "base64").toString()]));
}

/** Moves the focus with Tab, as somebody without a mouse does. */
async function tabTo(control) {
  for (let presses = 0; presses < 200; presses += 1) {
    if (await control.evaluate((node) => node === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail("the control is not reached with Tab");
}

async function type(control, text) {
  await tabTo(control);
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type(text);
}

/** Presses Enter on a button and waits for the server's answer to the form. */
async function press(name) {
  await tabTo(page.getByRole("button", { name }).first());
  const answer = page.waitForResponse((r) => r.request().method() === "POST" && !/reading|presence|judgement/.test(r.url()));
  await page.keyboard.press("Enter");
  const status = (await answer).status();
  assert.ok(status < 400, `${name}: ${status}`);
  await page.waitForLoadState();
}

/** Decides the case that is open, by its kind. */
async function decide(kind) {
  if (kind === "output") {
    for (const box of await page.locator('input[name="checklist"]').all()) {
      await box.focus();
      await page.keyboard.press("Space");
    }
    const answer = page.waitForResponse((r) => r.request().method() === "POST" && /approval/.test(r.url()));
    await page.keyboard.press("a");
    return answer;
  }
  if (kind === "input") {
    await type(page.getByLabel(/account/i).first(), "AC-9");
    return press("Supply and go on");
  }
  if (kind === "action") {
    await page.getByRole("radio", { name: /It happened/ }).focus();
    await page.keyboard.press("Space");
    await type(page.getByLabel(/Evidence/), "It lies in the outbox");
    return press("Record this");
  }
  if (kind === "manual") {
    assert.match(await page.locator(".item").textContent(), /Grade the case by hand/);
    assert.equal(await page.locator("#writes").count(), 0, "there is nothing to approve");
    await type(page.getByLabel("Result"), "Entered in the desk by hand");
    return press("Record the result");
  }
  await page.keyboard.press("1");
  const answer = page.waitForResponse((r) => r.request().method() === "POST" && /verdict/.test(r.url()));
  await page.keyboard.press("Control+Enter");
  return answer;
}

test("twenty mixed tasks are cleared", async () => {
  const mine = await waiting({ second_look: 3, action: 3, output: 8, input: 3, manual: 3 });
  assert.equal(mine.length, 20);
  for (const [at, task] of mine.entries()) {
    await page.goto(`${bed.server.url}/reviews/${task.id}`);
    await drawn(page);
    if (mine.findIndex((t) => t.kind === task.kind) === at) {
      assert.deepEqual(await accessibilityFaults(page), [], task.kind);
      await page.screenshot({ path: screenshotPath(`operator-${task.kind}`), fullPage: true });
    }
    await decide(task.kind);
  }
  const decided = await Promise.all(mine.map((t) => bed.command("review", "show", t.id)));
  assert.deepEqual(decided.filter((t) => ["open", "claimed"].includes(t.state)), []);
  for (const task of decided) assert.equal(task.decided_by, "rhea", task.id);
  noFaults(page);
});

test("one run is repeated from its page", async () => {
  const run = await bed.send({ id: "again-1", lane: "review", account: "AC-10", text: "once more" });
  const task = (await waitFor((t) => t.run_id === run));
  await page.goto(`${bed.server.url}/reviews/${task.id}`);
  await drawn(page);
  await page.keyboard.press("r");
  await page.locator("dialog#reject[open]").waitFor();
  await page.keyboard.press("1");
  await page.keyboard.press("Enter");
  assert.equal((await bed.ended(run)).status, "rejected");
  await page.goto(`${bed.server.url}/runs/${run}`);
  await page.getByRole("radio", { name: /The same inputs/ }).focus();
  await page.keyboard.press("Space");
  await page.locator("#again-reason").focus();
  await page.keyboard.type("It was right after all");
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname.startsWith("/runs/") && !url.pathname.endsWith(run));
  const repeated = page.url().split("/").pop();
  assert.equal((await bed.command("run", "show", repeated)).rerun_of, run);
});

async function waitFor(of) {
  const until = Date.now() + 30_000;
  for (;;) {
    const found = (await bed.lines("review", "list", "--limit", "100")).find(of);
    if (found) return found;
    assert.ok(Date.now() < until, bed.server.output());
    await new Promise((done) => setTimeout(done, 200));
  }
}

test("one threshold is changed, and the next run obeys it", async () => {
  await page.goto(`${bed.server.url}/workflows/faults/rules`);
  await type(page.locator('input[name="cell.r3.amount"]'), "750");
  await type(page.locator("#why"), "quarter-end backlog");
  await press("Try on past runs");
  await press("Put in force");
  assert.match(await page.locator(".pagehead .sub").textContent(), /Version 2 is in force/);
  const run = await bed.send({ id: "over-1", lane: "auto", account: "AC-11", amount: "700", text: "was over" });
  assert.equal((await bed.ended(run)).outcome, "written_back");
  noFaults(page);
});

test("what belongs to others stays closed, and nobody else is in the log", async () => {
  for (const path of ["/people", "/people/tokens"]) {
    const answer = await page.goto(`${bed.server.url}${path}`);
    assert.equal(answer.status(), 403, path);
  }
  const since = [...(await log())].filter(([place]) => !began.has(place)).map(([, entry]) => entry);
  assert.ok(since.length > 25, `${since.length} entries`);
  const people = new Set(since.flatMap((entry) => entry.match(/person:[a-z]+/g) ?? []));
  assert.deepEqual([...people], ["person:rhea"]);
});
