// A real OpenID Connect provider for the tests, with its own sign-in pages, and accounts that a test
// may change while it runs.
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** A port that nothing listens on. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Starts a provider that sends people back to `back`; answers `{ issuer, secret, accounts, stop }`. */
export async function provider(back) {
  const lib = join(process.env.TUESDAY_BROWSER_MODULES, "node_modules/oidc-provider/lib/index.js");
  const { Provider } = await import(pathToFileURL(lib).href);
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const secret = "a-client-secret/with+signs";
  const accounts = new Map();
  const oidc = new Provider(issuer, {
    clients: [
      {
        client_id: "tuesday",
        client_secret: secret,
        redirect_uris: [back],
        token_endpoint_auth_method: "client_secret_basic",
        response_types: ["code"],
        grant_types: ["authorization_code"],
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    pkce: { required: () => true, methods: ["S256"] },
    cookies: { keys: ["only for tests"] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) =>
      accounts.has(id) ? { accountId: id, claims: () => ({ sub: `subject-${id}`, ...accounts.get(id) }) } : undefined,
  });
  const server = createServer(oidc.callback()).listen(port, "localhost");
  await once(server, "listening");
  return {
    issuer,
    secret,
    accounts,
    stop: () =>
      new Promise((closed) => {
        server.close(closed);
        server.closeAllConnections();
      }),
  };
}

/** Signs in on the provider's own pages. */
export async function atProvider(page, login) {
  await page.waitForURL(/\/interaction\//);
  const issuer = new URL(page.url()).origin;
  await page.fill("input[name=login]", login);
  await page.fill("input[name=password]", "any");
  await page.click("button[type=submit]");
  // The second page asks whether this client may know; whoever was asked before is sent on.
  const consent = page.getByRole("button", { name: "Continue" });
  await Promise.race([consent.waitFor(), page.waitForURL((url) => !url.href.startsWith(issuer))]);
  if (await consent.isVisible()) await consent.click();
}
