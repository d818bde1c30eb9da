// Passkeys, with an authenticator that Chromium plays: set up from the first link, signing in from
// the button and from the name field, a fresh proof, a copy that is noticed, removal.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { freePort } from "./provider.mjs";
import { accessibilityFaults, browser, command, screenshotPath, tuesday } from "./support.mjs";

let chromium, server, context, page, cdp, device;
const faults = [];

before(async () => {
  chromium = await browser();
  const port = await freePort();
  server = await tuesday(["serve", "--test-clock", "--listen", `127.0.0.1:${port}`], {
    config: `public_url = "http://localhost:${port}"\n`,
  });
  context = await chromium.newContext({ viewport: { width: 1280, height: 900 } });
  page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (m) => {
    if (m.type() === "error" && !/status of 4\d\d/.test(m.text())) faults.push(m.text());
  });
  cdp = await context.newCDPSession(page);
  await cdp.send("WebAuthn.enable");
});

after(async () => {
  await chromium?.close();
  await server?.stop();
});

/** A device with a finger on it; `present` answers without being asked twice. */
async function plug(options = {}) {
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      ...options,
    },
  });
  return authenticatorId;
}

const unplug = (authenticatorId) => cdp.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });

async function looksRight(name) {
  assert.deepEqual(await accessibilityFaults(page), [], name);
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme });
    await page.screenshot({ path: screenshotPath(`${name}-${theme}`), fullPage: true });
  }
}

async function signOut() {
  await page.locator("details.self").last().locator("summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(/\/sign-in/);
}

const signInButton = () => page.getByRole("button", { name: "Sign in with a passkey" });
const cookie = async () => (await context.cookies()).find((c) => /session/.test(c.name))?.value;

/** Ten minutes pass, and the node knows it. */
async function later() {
  command(server.dir, "clock", "advance", "11m");
  for (let i = 0; i < 100; i++) {
    await page.goto(`${server.url}/account`);
    if (await page.locator("#confirm").count()) return;
    await page.waitForTimeout(100);
  }
  throw new Error("the session is still fresh");
}

test("a passkey is enough to set an account up, and the session gets a new token", async () => {
  await page.goto(server.output().match(/Set up\s+(\S+)/)[1]);
  await page.getByRole("button", { name: "Sign in", exact: true }).first().click();
  await page.waitForURL(/\/account/);
  await looksRight("passkeys-first");
  await page.goto(`${server.url}/people`);
  assert.match(page.url(), /\/account/, "an invitation alone opens nothing");
  device = await plug();
  const before = await cookie();
  await page.fill("#label", "Work laptop");
  await page.keyboard.press("Enter");
  await page.waitForSelector("text=Passkey added");
  assert.notEqual(await cookie(), before);
  assert.ok(await page.getByRole("rowheader", { name: "Work laptop" }).isVisible());
  await looksRight("passkeys-account");
  const answer = await page.goto(`${server.url}/people`);
  assert.equal(answer.status(), 200);
  assert.match(page.url(), /\/people/, "two factors in one");
});

test("the same device is not registered twice", async () => {
  await page.goto(`${server.url}/account`);
  await page.fill("#label", "Again");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  assert.match(await page.locator("form .fault").textContent(), /already/);
});

test("the name field offers the passkey by itself, the button asks for it", async () => {
  await signOut();
  // The name field's offer is taken at once by a device that always says yes.
  await page.waitForURL(/\/people/);
  await cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId: device, enabled: false });
  await signOut();
  await page.waitForTimeout(300);
  assert.match(page.url(), /\/sign-in/);
  await looksRight("passkeys-sign-in");
  await cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId: device, enabled: true });
  await page.fill("#handle", "administrator");
  await signInButton().click();
  await page.waitForURL(/\/people/);
  // A device that says yes to everything would answer each sign-in page from now on.
  await page.addInitScript(() => {
    PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  });
});

test("a device that does not check its holder, and a challenge that was used, let nobody in", async () => {
  await unplugged();
  await signOut();
  const { ceremony } = await page.evaluate(async () => (await fetch("/sign-in/passkey", { method: "POST" })).json());
  const answer = JSON.stringify({
    id: "AAAA", rawId: "AAAA", type: "public-key", extensions: {},
    response: { clientDataJSON: "AAAA", authenticatorData: "AAAA", signature: "AAAA", userHandle: "AAAA" },
  });
  const post = () =>
    page.evaluate(async (body) => {
      const sent = await fetch("/sign-in", { method: "POST", body: new URLSearchParams(body) });
      return { status: sent.status, text: await sent.text() };
    }, { ceremony, answer });
  const first = await post();
  assert.equal(first.status, 401);
  assert.match(first.text, /not right/);
  const second = await post();
  assert.equal(second.status, 401);
  assert.match(second.text, /used already/);
  await plugged({ isUserVerified: false });
  await page.goto(`${server.url}/sign-in`);
  await signInButton().click();
  assert.match(await page.locator("form .fault").textContent(), /Nothing was confirmed/);
});

let kept;

/** Takes the device away, with its keys. */
async function unplugged() {
  kept = (await cdp.send("WebAuthn.getCredentials", { authenticatorId: device })).credentials;
  await unplug(device);
}

/** Puts a device with the same keys back. */
async function plugged(options = {}, change = (c) => c) {
  device = await plug({ automaticPresenceSimulation: false, ...options });
  for (const credential of kept) await cdp.send("WebAuthn.addCredential", { authenticatorId: device, credential: change(credential) });
  await cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId: device, enabled: true });
}

test("a proof that is ten minutes old is asked for again, and a touch is one", async () => {
  await unplug(device);
  await page.goto(`${server.url}/sign-in`);
  await plugged();
  await signInButton().click();
  await page.waitForURL(/\/people/);
  await later();
  await looksRight("passkeys-confirm");
  await page.getByRole("button", { name: "Remove Work laptop" }).click();
  assert.match(await page.locator("[role=alert]").textContent(), /at most ten minutes old/);
  await page.goto(`${server.url}/people`);
  await page.fill("#handle", "nils");
  await page.fill("#name", "Nils Berg");
  await page.fill("#email", "nils@example.com");
  await page.fill("#reason", "joins");
  await page.getByRole("button", { name: "Invite" }).click();
  await page.getByRole("link", { name: "Confirm who you are" }).click();
  const before = await cookie();
  await page.getByRole("button", { name: "Confirm with a passkey" }).click();
  await page.waitForSelector("text=Confirmed for ten minutes");
  assert.notEqual(await cookie(), before, "a new proof is a new token");
  await page.getByRole("button", { name: "Remove Work laptop" }).click();
  assert.match(await page.locator("[role=alert]").textContent(), /last way/);
});

test("a copy is refused and leaves a warning; a second passkey takes over", async () => {
  await unplugged();
  await signOut();
  await plugged({}, (c) => ({ ...c, signCount: 0 }));
  await signInButton().click();
  await page.waitForSelector("[role=alert]");
  assert.match(await page.locator("[role=alert]").textContent(), /copy/);
  await unplug(device);
  await page.goto(`${server.url}/sign-in`);
  await plugged({}, (c) => ({ ...c, signCount: 1000 }));
  await signInButton().click();
  await page.waitForURL(/\/people/);
  await page.goto(`${server.url}/account`);
  assert.ok(await page.locator("text=Possibly copied").isVisible());
  await looksRight("passkeys-copied");
  await unplug(device);
  device = await plug();
  await page.fill("#label", "Phone");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.waitForSelector("text=Passkey added");
  await page.getByRole("button", { name: "Remove Work laptop" }).click();
  await page.waitForSelector("text=Passkey removed");
  assert.equal(await page.getByRole("rowheader").filter({ hasText: "Work laptop" }).count(), 0);
  await page.goto(`${server.url}/audit`);
  for (const words of ["Credential suspected", "Credential dropped", "Session confirmed"]) {
    assert.ok((await page.locator(`text=${words}`).count()) > 0, words);
  }
  assert.deepEqual(faults, []);
});

test("under a numeric address the account page says why there are no passkeys", async () => {
  const plain = await tuesday(["serve", "--listen", "127.0.0.1:0"]);
  const other = await chromium.newContext();
  try {
    const there = await other.newPage();
    await there.goto(plain.output().match(/Set up\s+(\S+)/)[1]);
    await there.getByRole("button", { name: "Sign in", exact: true }).first().click();
    await there.waitForURL(/\/account/);
    assert.ok(await there.locator("text=a passkey belongs to a host name").isVisible());
    assert.equal(await there.getByRole("button", { name: "Add a passkey" }).count(), 0);
  } finally {
    await other.close();
    await plain.stop();
  }
});
