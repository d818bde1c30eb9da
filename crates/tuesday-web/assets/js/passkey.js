// Passkeys: asks the server for a challenge and the browser for an answer, and sends the answer as
// the plain form that it belongs to. Forms with data-passkey name the address of their challenge.

import { $, all, make } from "./dom.js";

const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** A challenge with its bytes as bytes. */
async function challenge(form) {
  const answer = await fetch(form.dataset.passkey, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok || !body.ceremony) throw new Error([body.detail ?? "Open the page again.", body.way_out].filter(Boolean).join("; "));
  const asked = body.options.publicKey;
  asked.challenge = decode(asked.challenge);
  if (asked.user) asked.user.id = decode(asked.user.id);
  for (const known of [...(asked.allowCredentials ?? []), ...(asked.excludeCredentials ?? [])]) known.id = decode(known.id);
  return { ceremony: body.ceremony, publicKey: asked };
}

function written(credential) {
  const { response } = credential;
  const parts = { clientDataJSON: encode(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) parts[name] = encode(response[name]);
  }
  return JSON.stringify({
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    response: parts,
    extensions: credential.getClientExtensionResults(),
  });
}

/** Runs one ceremony and sends the form. */
async function run(form, extra = {}) {
  const { ceremony, publicKey } = await challenge(form);
  const credential = publicKey.user
    ? await navigator.credentials.create({ publicKey, ...extra })
    : await navigator.credentials.get({ publicKey, ...extra });
  form.elements.ceremony.value = ceremony;
  form.elements.answer.value = written(credential);
  const typed = $("#handle");
  if (form.elements.named && typed && !extra.mediation) form.elements.named.value = typed.value;
  form.submit();
}

function why(error) {
  if (error.name === "InvalidStateError") return "This device has a passkey for you already.";
  if (error.name === "NotAllowedError") return "Nothing was confirmed. Try again when you are ready.";
  return error.message;
}

function tell(form, text) {
  $(".fault", form)?.remove();
  form.prepend(make("p", { class: "fault", role: "alert" }, text));
}

let waiting = null;

/** Offers passkeys inside the name field for as long as the page is open; challenges do not last. */
async function wait(form) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  for (;;) {
    const turn = new AbortController();
    waiting = turn;
    const renew = setTimeout(() => turn.abort("renew"), 9 * 60_000);
    try {
      await run(form, { mediation: "conditional", signal: turn.signal });
      return;
    } catch {
      if (turn.signal.reason !== "renew") return;
    } finally {
      clearTimeout(renew);
    }
  }
}

export function start() {
  const forms = all("form[data-passkey]");
  if (!forms.length || !window.PublicKeyCredential) return;
  for (const form of forms) form.hidden = false;
  for (const note of all("[data-no-passkey]")) note.hidden = true;
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form[data-passkey]")) return;
    event.preventDefault();
    waiting?.abort("button");
    try {
      await run(form);
    } catch (error) {
      tell(form, why(error));
      if (form.dataset.waits !== undefined) wait(form);
    }
  });
  const door = $("form[data-waits]");
  if (door) wait(door);
}
