// Reports by mail on the page Problems: the address, what became no report, and a report that a person ties to its case.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { answered, noFaults, signedIn } from "./console.mjs";
import { accessibilityFaults, browser, fits, screenshotPath, tuesday } from "./support.mjs";

const run = promisify(execFile);
let on, world, page;

before(async () => {
  world = await tuesday(["stub", "--listen", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--imap", "127.0.0.1:0", "--json"]);
  const told = JSON.parse(world.output().split("\n").find((l) => l.startsWith("{")));
  world.smtp = told.smtp;
  const config = `[reports.mail]\nserver = "${told.imap}"\ntls = "none"\nuser = "reports@example.com"\npassword = "env:MAILBOX_PASSWORD"\nevery = "1s"\n`;
  const server = await tuesday(["demo", "--listen", "127.0.0.1:0"], { startWithinMs: 300_000, config, env: { MAILBOX_PASSWORD: "a word" } });
  const chromium = await browser();
  on = { ...server, chromium };
  // What belongs to no workflow is for those who see all of them.
  await run(process.env.TUESDAY_BIN, ["user", "grant", "maren", "--role", "auditor", "--reason", "reads all of it", "--dir", on.dir]);
  page = await signedIn(on);
});
after(async () => {
  await on?.chromium.close();
  await on?.stop();
  await world?.stop();
});

/** Sends a mail by SMTP, line by line. */
async function send(text) {
  const [host, port] = world.smtp.split(":");
  const socket = connect(Number(port), host);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const hears = async (code) => {
    for (;;) {
      const { value } = await lines.next();
      assert.ok(value?.startsWith(code), value);
      if (value[3] !== "-") return;
    }
  };
  await hears("220");
  for (const [said, code] of [["EHLO tests", "250"], ["MAIL FROM:<kim@customer.example>", "250"], ["RCPT TO:<reports@example.com>", "250"], ["DATA", "354"], [`${text}\r\n.`, "250"], ["QUIT", "221"]]) {
    socket.write(`${said}\r\n`);
    await hears(code);
  }
  socket.end();
}

const mail = (id, headers, subject, text) =>
  `From: Kim <kim@customer.example>\r\nTo: reports@example.com\r\nMessage-ID: <${id}@customer.example>\r\n${headers}Subject: ${subject}\r\n\r\n${text}`;

async function until(words) {
  for (const end = Date.now() + 60_000; ; ) {
    await page.goto(`${on.url}/problem-reports`);
    if ((await page.textContent("main")).includes(words)) return;
    assert.ok(Date.now() < end, `${words} never came`);
    await page.waitForTimeout(500);
  }
}

test("mails that machines sent are listed, and what people wrote is a report", async () => {
  await send(mail("m1", "Auto-Submitted: auto-replied\r\n", "Out of office", "back on Monday"));
  await send(mail("m2", "Delivered-To: reports+support-triage@example.com\r\n", "Hm", "the sofa is blue"));
  await until("the sofa is blue");
  await until("Mails that became no report");
  const text = await page.textContent("main");
  assert.match(text, /Mail to reports@example\.com becomes a report too/);
  assert.match(text, /A machine sent it/);
  assert.match(text, /in the folder tuesday-aside of the mailbox/);
  assert.doesNotMatch(text, /back on Monday/, "what a machine wrote is not kept");
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.screenshot({ path: screenshotPath("mailbox-problems"), fullPage: true });
  await page.setViewportSize({ width: 320, height: 900 });
  await fits(page, "problems");
  await page.setViewportSize({ width: 1440, height: 900 });
});

test("a report without a case is tied to one by hand, and refuses what is none", async () => {
  await until("the sofa is blue");
  await page.getByRole("link", { name: /the sofa is blue/ }).click();
  await page.getByText("no case was found; somebody ties it by hand").waitFor();
  const said = await run(process.env.TUESDAY_BIN, ["run", "list", "--workflow", "support-triage", "--json", "--dir", on.dir]);
  const rows = said.stdout.trim().split("\n").map((l) => JSON.parse(l));
  const id = rows[0].id ?? rows[0].run_id;
  await page.getByLabel("The case it is about").fill("run_nothing");
  const refused = answered(page);
  await page.getByRole("button", { name: "Tie it" }).click();
  assert.equal((await refused).status(), 400);
  await page.getByRole("alert").first().waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.getByLabel("The case it is about").fill(id);
  await page.keyboard.press("Enter");
  await page.getByText("by a person, afterwards").waitFor();
  assert.equal(await page.locator("dd a.mono").textContent(), id);
  assert.deepEqual(await accessibilityFaults(page), []);
  noFaults(page);
});
