// Every page, in both looks: no serious accessibility fault, no CSP report, no sideways scroll at 320 px.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { instance, noFaults, openOutput, queueOf, signedIn } from "./console.mjs";
import { accessibilityFaults, screenshotPath } from "./support.mjs";

let on, addresses;

before(async () => {
  on = await instance();
  const page = await signedIn(on);
  await queueOf(page, 1, on.url);
  const review = await openOutput(page, on.url);
  const run = await page.locator('.crumbs a[href^="/runs/"]').getAttribute("href");
  const workflow = await page.locator('.menu a[href^="/workflows/"]').first().getAttribute("href");
  addresses = {
    queue: "/queue",
    review: new URL(review).pathname,
    edit: `${new URL(review).pathname}/edit`,
    reject: `${new URL(review).pathname}?do=reject`,
    runs: "/runs",
    run,
    intake: "/intake?verdict=all",
    audit: "/audit",
    problems: "/problem-reports?state=all",
    changes: "/changes",
    batch: `${workflow}/batches`,
    rules: `${workflow}/rules`,
    evidence: `${workflow}/rules/evidence`,
    versions: `${workflow}/rules/versions`,
    workflow,
    missing: "/runs/run_00000000000000000000000000",
    empty: "/queue?q=nothing-has-this-name",
  };
  await page.context().close();
});
after(async () => { await on?.stop(); });

for (const theme of ["light", "dark"]) {
  test(`every page is whole in ${theme}`, async () => {
    const page = await signedIn(on, { theme });
    const faults = [];
    for (const [name, address] of Object.entries(addresses)) {
      await page.goto(on.url + address);
      await page.evaluate(() => document.fonts.ready);
      await page.screenshot({ path: screenshotPath(`${name}-${theme}`) });
      faults.push(...(await accessibilityFaults(page)).map((f) => `${name} ${theme}: ${f}`));
    }
    assert.deepEqual(faults, []);
    noFaults(page);
    await page.context().close();
  });
}

test("the sign-in page is whole, and the chosen look is kept", async () => {
  const page = await signedIn(on, { theme: "light" });
  await page.locator(".self > summary").click();
  await page.locator('button[name=theme][value=dark]').click();
  await page.waitForLoadState();
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  await page.goto(`${on.url}/sign-in`);
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.screenshot({ path: screenshotPath("sign-in-dark") });
  await page.context().close();
});

test("no page scrolls sideways at 320 px", async () => {
  const page = await signedIn(on, { width: 320, height: 640 });
  const wide = [];
  for (const [name, address] of Object.entries(addresses)) {
    await page.goto(on.url + address);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (over > 0) wide.push(`${name}: ${over} px too wide`);
    await page.screenshot({ path: screenshotPath(`${name}-320`) });
  }
  assert.deepEqual(wide, []);
  await page.context().close();
});

test("every answer carries the security headers", async () => {
  const page = await signedIn(on);
  for (const address of [...Object.values(addresses), "/sign-in", "/api/v1/runs", "/healthz", "/openapi.json", "/nowhere"]) {
    const headers = (await page.request.get(on.url + address, { maxRedirects: 0 })).headers();
    assert.match(headers["content-security-policy"] ?? "", /default-src 'none'.*frame-ancestors 'none'/, address);
    assert.doesNotMatch(headers["content-security-policy"], /unsafe/, address);
    assert.equal(headers["x-content-type-options"], "nosniff", address);
    assert.equal(headers["referrer-policy"], "no-referrer", address);
    assert.equal(headers["cache-control"], "no-store", address);
  }
  const style = await page.locator("link[rel=stylesheet]").getAttribute("href");
  assert.match((await page.request.get(on.url + style)).headers()["cache-control"], /immutable/);
  await page.context().close();
});

test("the API refuses in problem documents and describes itself", async () => {
  const page = await signedIn(on);
  const refused = await page.request.get(`${on.url}/api/v1/runs`);
  assert.equal(refused.status(), 401);
  assert.match(refused.headers()["content-type"], /application\/problem\+json/);
  const problem = await refused.json();
  assert.equal(problem.code, "not_signed_in");
  assert.equal(problem.type, "/errors/not_signed_in");
  const unknown = await page.request.post(`${on.url}/api/v1/triggers/no-such-workflow`, {
    data: {},
    headers: { "webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA" },
  });
  assert.equal(unknown.status(), 404);
  const openapi = await (await page.request.get(`${on.url}/openapi.json`)).json();
  assert.match(openapi.openapi, /^3\.1/);
  assert.ok(openapi.paths["/api/v1/triggers/{workflow}"].post);
  assert.ok(Object.keys(openapi.paths).length >= 25);
  await page.context().close();
});

test("the four questions of compliance are answered on one page", async () => {
  const grant = ["user", "grant", "maren", "--role", "auditor", "--reason", "asks the four questions", "--dir", on.dir];
  await promisify(execFile)(process.env.TUESDAY_BIN, grant);
  const page = await signedIn(on);
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme });
    await page.goto(`${on.url}/security`);
    assert.deepEqual(await page.locator("main h2").allTextContents(), [
      "Where are secrets?", "What data leaves?", "Who can call which tool?", "Where is the audit trail?",
    ]);
    await page.screenshot({ path: screenshotPath(`security-${theme}`), fullPage: true });
    assert.deepEqual(await accessibilityFaults(page), []);
  }
  noFaults(page);
  await page.context().close();
});
