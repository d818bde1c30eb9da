// Signing in through a company's identity provider: a real one, run by this test.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { atProvider, freePort, provider } from "./provider.mjs";
import { accessibilityFaults, browser, command, screenshotPath, tuesday } from "./support.mjs";

let chromium, server, idp;
const faults = [];

before(async () => {
  chromium = await browser();
  const port = await freePort();
  idp = await provider(`http://localhost:${port}/sign-in/oidc/callback`);
  server = await tuesday(["serve", "--test-clock", "--listen", `127.0.0.1:${port}`], {
    env: { TUESDAY_TEST_OIDC: idp.secret },
    config: `public_url = "http://localhost:${port}"
[sign_in.oidc]
name = "Example Ltd"
issuer = "${idp.issuer}"
client_id = "tuesday"
client_secret = "env:TUESDAY_TEST_OIDC"
`,
  });
  for (const [handle, name] of [["nils", "Nils Berg"], ["mia", "Mia Roth"]]) {
    command(server.dir, "user", "invite", handle, "--name", name, "--email", `${handle}@example.com`, "--reason", "joins");
    command(server.dir, "user", "grant", handle, "--role", "auditor", "--reason", "reads along");
  }
  idp.accounts.set("nils", { email: "Nils@Example.com", email_verified: true });
  idp.accounts.set("eve", { email: "eve@example.com", email_verified: true });
  idp.accounts.set("mia", { email: "mia@example.com", email_verified: false });
  // Somebody else who has got the address that was Nils's.
  idp.accounts.set("heir", { email: "nils@example.com", email_verified: true });
});

after(async () => {
  await chromium?.close();
  await server?.stop();
  await idp?.stop().catch(() => {});
});

/** A browser of its own: nothing is remembered from another test. */
async function fresh() {
  const context = await chromium.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(8_000);
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (m) => {
    if (m.type() === "error" && m.location().url.startsWith(server.url) && !/status of [45]\d\d/.test(m.text())) faults.push(m.text());
  });
  return page;
}

async function looksRight(page, name) {
  assert.deepEqual(await accessibilityFaults(page), [], name);
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme });
    await page.screenshot({ path: screenshotPath(`${name}-${theme}`), fullPage: true });
  }
}

async function begin(page) {
  await page.goto(`${server.url}/sign-in`);
  await page.getByRole("link", { name: "Sign in with Example Ltd" }).click();
}

async function refusal(page) {
  await page.waitForSelector("[role=alert]");
  return page.locator("[role=alert]").textContent();
}

/** Signs in at the provider and stops before the way back; answers its address. Redirects are not seen by
 * `page.route`, so they are followed here by hand. */
async function caught(page, login) {
  let found;
  const back = new Promise((resolve) => (found = resolve));
  await page.route(`${idp.issuer}/interaction/**`, async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    let answer = await route.fetch({ maxRedirects: 0 });
    for (;;) {
      const next = new URL(answer.headers().location, answer.url()).href;
      if (next.startsWith(server.url)) {
        found(next);
        return route.fulfill({ status: 200, contentType: "text/html", body: "caught" });
      }
      if (/\/interaction\//.test(next)) return route.fulfill({ status: 303, headers: { location: next } });
      answer = await page.request.get(next, { maxRedirects: 0 });
    }
  });
  await begin(page);
  await page.waitForURL(/\/interaction\//);
  await page.fill("input[name=login]", login);
  await page.fill("input[name=password]", "any");
  await page.click("button[type=submit]");
  const consent = page.getByRole("button", { name: "Continue" });
  const first = await Promise.race([back, consent.waitFor().then(() => null)]);
  if (!first) await consent.click();
  const url = await back;
  await page.unroute(`${idp.issuer}/interaction/**`);
  return url;
}

test("a person who was invited comes in by a verified address, and again by the subject alone", async () => {
  const page = await fresh();
  await page.goto(`${server.url}/sign-in`);
  await looksRight(page, "company-sign-in");
  await begin(page);
  await atProvider(page, "nils");
  await page.waitForURL(/\/queue/);
  await page.goto(`${server.url}/account`);
  assert.match(await page.locator("#company").textContent(), /Example Ltd/);
  assert.ok(await page.locator("text=Nils@Example.com").isVisible());
  await looksRight(page, "company-account");
  const cookies = await page.context().cookies(server.url);
  assert.ok(cookies.every((c) => c.httpOnly && c.sameSite === "Lax"), JSON.stringify(cookies));
  // The address at the provider changes hands; the person is still the person.
  idp.accounts.set("nils", { email: "elsewhere@example.com", email_verified: false });
  const again = await fresh();
  await begin(again);
  await atProvider(again, "nils");
  await again.waitForURL(/\/queue/);
  const heir = await fresh();
  await begin(heir);
  await atProvider(heir, "heir");
  assert.match(await refusal(heir), /bound to another account/);
});

test("a stranger and an address that nobody verified are turned away, with a way out", async () => {
  const stranger = await fresh();
  await begin(stranger);
  await atProvider(stranger, "eve");
  assert.match(await refusal(stranger), /nobody here has the address eve@example.com.*administrator/s);
  await looksRight(stranger, "company-stranger");
  await stranger.goto(`${server.url}/people`);
  assert.match(stranger.url(), /\/sign-in/);
  const unverified = await fresh();
  await begin(unverified);
  await atProvider(unverified, "mia");
  assert.match(await refusal(unverified), /no mail address that it has verified/);
});

test("a way back works once, in the browser that began it", async () => {
  const victim = await fresh();
  const page = await fresh();
  const url = await caught(page, "nils");
  await victim.goto(url);
  assert.match(await refusal(victim), /another browser/, "nobody is signed in by a link");
  await page.goto(url);
  assert.match(await refusal(page), /used already/, "even a wrong browser uses it up");
  const once = await fresh();
  const good = await caught(once, "nils");
  await once.goto(good);
  await once.waitForURL(/\/queue/);
  await once.context().clearCookies({ name: /session/ });
  await once.goto(good);
  assert.match(await refusal(once), /used already/);
  await once.goto(`${server.url}/sign-in/oidc/callback?code=x&state=e.${"0".repeat(64)}`);
  assert.match(await refusal(once), /never begun here/);
  await once.goto(`${server.url}/sign-in/oidc/callback?error=access_denied`);
  assert.match(await refusal(once), /never begun here/);
});

test("a fresh proof comes from the provider, which asks again; the session gets a new token", async () => {
  const page = await fresh();
  await begin(page);
  await atProvider(page, "nils");
  await page.waitForURL(/\/queue/);
  const cookie = async () => (await page.context().cookies(server.url)).find((c) => /session/.test(c.name)).value;
  const before = await cookie();
  await page.goto(`${server.url}/account/oidc`);
  assert.ok(await page.locator("input[name=password]").isVisible(), "signed in there already, and asked again");
  await atProvider(page, "nils");
  await page.waitForSelector("text=Confirmed for ten minutes");
  assert.notEqual(await cookie(), before);
});

test("a token for another nonce, another issuer's answer, and a late answer are refused", async () => {
  const page = await fresh();
  const sent = await page.request.get(`${server.url}/sign-in/oidc`, { maxRedirects: 0 });
  const asked = new URL(sent.headers().location);
  asked.searchParams.set("nonce", "not-ours");
  await page.goto(asked.href);
  await atProvider(page, "nils");
  assert.match(await refusal(page), /does not check out/);
  const mixed = await fresh();
  const url = new URL(await caught(mixed, "nils"));
  url.searchParams.set("iss", "https://other.example");
  await mixed.goto(url.href);
  assert.match(await refusal(mixed), /another identity provider/);
  const late = await fresh();
  const kept = await caught(late, "nils");
  command(server.dir, "clock", "advance", "11m");
  await late.waitForTimeout(1_500);
  await late.goto(kept);
  assert.match(await refusal(late), /longer than ten minutes/);
});

test("when the provider is down the page says so, and other ways in are there", async () => {
  await idp.stop();
  const page = await fresh();
  // Its description is kept for half a minute.
  const until = Date.now() + 60_000;
  for (;;) {
    const answer = await fetch(`${server.url}/sign-in/oidc`, { redirect: "manual" });
    if (answer.status === 503) break;
    assert.ok(Date.now() < until, `still ${answer.status}`);
    await page.waitForTimeout(500);
  }
  await begin(page);
  assert.match(await refusal(page), /does not answer.*passkey or a password/s);
  assert.ok(await page.locator("#password").isVisible());
  await looksRight(page, "company-down");
  assert.ok(!server.output().includes(idp.secret), "the secret is in no log");
  assert.deepEqual(faults, []);
});
