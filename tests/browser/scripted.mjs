// An instance of its own with a scripted world: the package of the fault tests, whose model, mail and records do what a test says.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { browser, tuesday } from "./support.mjs";

export const PACKAGE = fileURLToPath(new URL("../../crates/tuesday/tests/faults/package", import.meta.url));
const BIN = process.env.TUESDAY_BIN;
Object.assign(process.env, {
  TUESDAY_FAULTS_WEBHOOK: "whsec_Y2FuYXJ5LW9mLXRoZS13ZWJob29rLXNlY3JldC0x",
  TUESDAY_FAULTS_KEY: "key-of-the-browser-test",
});

/** Starts world, instance and browser, and installs the package in `folder(dir)`, or the plain one. */
export async function scripted({ folder = () => PACKAGE, accounts = [] } = {}) {
  const chromium = await browser();
  const stub = spawn(BIN, ["stub", "--listen", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--json"]);
  const [line] = await once(createInterface({ input: stub.stdout }), "line");
  const world = JSON.parse(line);
  const server = await tuesday(["serve", "--listen", "127.0.0.1:0", "--test-instance"]);
  const lines = async (...args) => {
    const { stdout } = await promisify(execFile)(BIN, [...args, "--json", "--dir", server.dir]);
    return stdout.trim().split("\n").filter(Boolean).map((one) => JSON.parse(one));
  };
  const command = async (...args) => (await lines(...args)).at(-1);
  const tell = async (path, body) => {
    const answer = await fetch(`${world.url}${path}`, { method: "POST", body: JSON.stringify(body) });
    assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.text()}`);
  };
  await command("install", folder(server.dir), "--set", `stub_url=${world.url}`, "--set", `smtp=${world.smtp}`);
  const sender = (await command("token", "create", "--scope", "trigger")).token;
  const account = (id) => ({ id, tier: "silver", owner: "ann", updated_at: "@-1h" });
  await tell("/_seed", { "crm/accounts": accounts.map(account) });
  await tell("/_model", { answer: { grade: "low", summary: "nothing that matters" }, model: "stub-1" });
  return {
    chromium,
    world,
    server,
    lines,
    command,
    tell,
    /** Sends an event; answers the id of its run. */
    send: async (event) => {
      const answer = await fetch(`${server.url}/api/v1/triggers/faults`, {
        method: "POST",
        headers: { authorization: `Bearer ${sender}`, "content-type": "application/json" },
        body: JSON.stringify(event),
      });
      assert.equal(answer.status, 202, await answer.clone().text());
      return (await answer.json()).run_id;
    },
    /** A page of its own session on which `person` is signed in; faults are kept in `page.faults`. */
    signedIn: async (person) => {
      const { token } = await command("token", "create", "--scope", "review", "--person", person);
      const page = await (await chromium.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
      page.faults = [];
      page.on("pageerror", (error) => page.faults.push(error.message));
      await page.goto(`${server.url}/sign-in`);
      await page.getByText("With an access token").click();
      await page.getByLabel("Access token").fill(token);
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/queue/);
      return page;
    },
    /** How the run stands, once it has ended. */
    ended: async (run) => {
      const until = Date.now() + 30_000;
      for (;;) {
        const shown = await command("run", "show", run);
        if (["completed", "handed_off", "failed", "rejected"].includes(shown.status)) return shown;
        assert.ok(Date.now() < until, JSON.stringify(shown));
        await new Promise((done) => setTimeout(done, 200));
      }
    },
    stop: async () => {
      await chromium.close();
      await server.stop();
      stub.kill("SIGTERM");
    },
  };
}
