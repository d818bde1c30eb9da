// People: a first start without any password, set-up by keyboard, both factors, and what is refused.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, test } from "node:test";

import { answered } from "./console.mjs";
import { accessibilityFaults, browser, screenshotPath, tuesday } from "./support.mjs";

const PASSWORD = "seven grey herons";
let chromium, server, context, page, secret, recovery;
const faults = [];

before(async () => {
  chromium = await browser();
  server = await tuesday(["serve", "--listen", "127.0.0.1:0"]);
  context = await chromium.newContext({ viewport: { width: 1280, height: 900 } });
  page = await context.newPage();
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (m) => {
    if (m.type() === "error" && !/status of 4\d\d/.test(m.text())) faults.push(m.text());
  });
});

after(async () => {
  await chromium?.close();
  await server?.stop();
});

function base32(text) {
  const bits = [...text].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
}

/** The code of the current step, or of the one `ahead`. */
function code(ahead = 0) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const digest = createHmac("sha1", base32(secret)).update(counter).digest();
  const at = digest[19] & 15;
  return String((digest.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

async function looksRight(on, name) {
  assert.deepEqual(await accessibilityFaults(on), [], name);
  for (const theme of ["light", "dark"]) {
    await on.emulateMedia({ colorScheme: theme });
    await on.screenshot({ path: screenshotPath(`${name}-${theme}`), fullPage: true });
  }
}

async function signIn(on, otp, password = PASSWORD) {
  await on.goto(`${server.url}/sign-in`);
  await on.fill("#handle", "administrator");
  await on.fill("#password", password);
  await on.fill("#otp", otp);
  const answer = answered(on);
  await on.keyboard.press("Enter");
  const status = (await answer).status();
  if (status === 303) await on.waitForURL(/\/(people|account)/, { waitUntil: "load" });
  else await on.waitForSelector("[role=alert]");
  await on.waitForLoadState();
  return status;
}

test("the first start prints a link; by keyboard it leads to a password and codes", async () => {
  const link = server.output().match(/Set up\s+(\S+)/)?.[1];
  assert.ok(link, server.output());
  await page.goto(link);
  await looksRight(page, "people-link");
  await page.getByRole("button", { name: "Sign in", exact: true }).first().focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/account/);
  await page.goto(`${server.url}/people`);
  assert.match(page.url(), /\/account/, "one factor does not open the console");
  await page.focus("#new_password");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Tab");
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#code");
  secret = (await page.locator("pre[aria-label='Key for the app']").textContent()).trim();
  await looksRight(page, "people-account");
  const before = (await context.cookies())[0].value;
  await page.focus("#code");
  await page.keyboard.type(code());
  await page.keyboard.press("Enter");
  await page.waitForSelector("pre[aria-label='Recovery codes']");
  recovery = (await page.locator("pre[aria-label='Recovery codes']").textContent()).trim().split("\n");
  assert.equal(recovery.length, 10);
  const cookie = (await context.cookies())[0];
  assert.notEqual(cookie.value, before, "the session has a new token");
  assert.ok(cookie.httpOnly && cookie.sameSite === "Lax", JSON.stringify(cookie));
  const again = await context.newPage();
  await again.goto(link);
  await again.getByRole("button", { name: "Sign in", exact: true }).first().click();
  assert.match(await again.locator("[role=alert]").textContent(), /used already/);
  await again.close();
});

test("people are invited, given a role and switched off, each with a reason", async () => {
  await page.goto(`${server.url}/people`);
  await page.fill("#handle", "nils");
  await page.fill("#name", "Nils Berg");
  await page.fill("#email", "nils@example.com");
  await page.fill("#reason", "joins");
  await page.getByRole("button", { name: "Invite" }).click();
  const link = (await page.locator("pre[aria-label='Set-up link']").textContent()).trim();
  assert.match(link, /\/sign-in\?code=/);
  await looksRight(page, "people-list");
  await page.goto(`${server.url}/people/nils`);
  await page.selectOption("#role", "auditor");
  await page.fill("#reason", "reads along");
  await page.getByRole("button", { name: "Grant" }).click();
  await page.waitForSelector("text=Take away");
  await looksRight(page, "people-person");
  await page.fill("#why", "left");
  await page.getByRole("button", { name: "Deactivate" }).click();
  await page.waitForSelector("text=Deactivated");
  const other = await chromium.newContext();
  const their = await other.newPage();
  await their.goto(link);
  await their.getByRole("button", { name: "Sign in", exact: true }).first().click();
  assert.match(await their.locator("[role=alert]").textContent(), /not right/);
  await other.close();
  await page.goto(`${server.url}/people/matrix`);
  await looksRight(page, "people-matrix");
  await page.goto(`${server.url}/people/tokens`);
  await looksRight(page, "people-tokens");
});

test("the administrator sees people and no work", async () => {
  const queue = await page.goto(`${server.url}/queue`);
  assert.equal(queue.status(), 403);
  await page.goto(`${server.url}/people`);
  assert.equal(await page.locator("nav[aria-label=Main] a", { hasText: "Runs" }).count(), 0);
  await page.goto(`${server.url}/audit`);
  assert.ok((await page.locator("text=Access refused").count()) > 0, "the refusal is on record");
});

test("a form from elsewhere, or without the session's token, changes nothing", async () => {
  const cookie = (await context.cookies()).map((c) => `${c.name}=${c.value}`).join("; ");
  const body = "handle=eve&name=Eve&email=eve%40example.com&reason=x";
  const post = (headers) =>
    fetch(`${server.url}/people`, {
      method: "POST",
      redirect: "manual",
      body,
      headers: { cookie, "content-type": "application/x-www-form-urlencoded", ...headers },
    });
  assert.equal((await post({})).status, 403, "no token");
  assert.equal((await post({ origin: "https://evil.example" })).status, 403, "foreign origin");
  assert.equal((await post({ "sec-fetch-site": "cross-site" })).status, 403, "cross site");
  await page.goto(`${server.url}/people`);
  assert.equal(await page.locator("text=eve@example.com").count(), 0);
});

test("both factors sign in; a second session is ended from the first and is gone", async () => {
  await page.getByRole("group").or(page.locator("details.self")).last().locator("summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(/\/sign-in/);
  const gone = await page.goto(`${server.url}/people`);
  assert.match(gone.url(), /\/sign-in/);
  await looksRight(page, "people-sign-in");
  await signIn(page, "", PASSWORD);
  assert.match(await page.locator("[role=alert]").textContent(), /not right/);
  await signIn(page, code(1));
  await page.goto(`${server.url}/people`);
  assert.match(page.url(), /\/people/);
  const second = await chromium.newContext();
  const elsewhere = await second.newPage();
  await signIn(elsewhere, recovery[0]);
  await elsewhere.goto(`${server.url}/people`);
  assert.match(elsewhere.url(), /\/people/);
  await page.goto(`${server.url}/account`);
  await page.getByRole("button", { name: "End all others" }).click();
  await page.waitForSelector("text=Ended");
  await elsewhere.goto(`${server.url}/people`);
  assert.match(elsewhere.url(), /\/sign-in/, "ended from the other browser");
  await second.close();
});

test("guessing gets slower", async () => {
  const other = await chromium.newContext();
  const guess = await other.newPage();
  for (let i = 0; i < 5; i++) assert.equal(await signIn(guess, "000000", "wrong words here"), 401);
  assert.equal(await signIn(guess, recovery[1]), 429);
  await other.close();
  assert.deepEqual(faults, []);
});
