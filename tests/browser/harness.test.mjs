// The harness itself: the browser starts, a strict CSP holds, and axe sees a fault when there is one.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { accessibilityFaults, browser, screenshotPath } from "./support.mjs";

const GOOD = `<!doctype html><html lang="en"><title>Page</title><main><h1>Page</h1><p>Text.</p></main></html>`;
const FAULTY = GOOD.replace("<p>Text.</p>", `<img src="data:,"><script>document.title = "ran"</script>`);
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:";

let chromium, server, base;

before(async () => {
  chromium = await browser();
  server = createServer((request, response) => {
    response.writeHead(200, { "content-type": "text/html", "content-security-policy": CSP });
    response.end(request.url === "/faulty" ? FAULTY : GOOD);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  base = `http://127.0.0.1:${server.address().port}`;
});

after(async () => {
  await chromium?.close();
  server?.close();
});

test("a good page has no fault and can be photographed", async () => {
  const page = await chromium.newPage();
  await page.goto(base);
  assert.deepEqual(await accessibilityFaults(page), []);
  const image = await page.screenshot({ path: screenshotPath("harness") });
  assert.ok(image.length > 1000);
  await page.close();
});

test("axe finds a picture without a text, and the CSP stops an inline script", async () => {
  const page = await chromium.newPage();
  await page.goto(`${base}/faulty`);
  assert.equal(await page.title(), "Page");
  const faults = await accessibilityFaults(page);
  assert.ok(faults.some((fault) => fault.startsWith("image-alt")), faults.join("\n"));
  await page.close();
});
