// Editing: what is typed is kept in this browser until it is decided, and shown as a diff on each pause.

import { $, all, clock, make, memory, parse, say } from "./dom.js";
import { current, reviewId } from "./desk.js";

const PREFIX = "tuesday-draft:";
const MONTH_MS = 30 * 24 * 3_600_000;
let pause = 0;
let asked = 0;
let saver = 0;

const editor = () => $("#edit");
const kept = (form) => [...new FormData(form)].filter(([name]) => !["csrf", "revision"].includes(name));

export function dropDraft(id) {
  memory.drop(PREFIX + id);
  // What is decided is not kept again when the editor leaves the page.
  if (reviewId() === id && editor()) delete editor().dataset.touched;
}

function save({ aloud = false } = {}) {
  const form = editor();
  if (!form?.dataset.touched) return;
  memory.set(PREFIX + reviewId(), JSON.stringify({ at: Date.now(), fields: kept(form) }));
  const line = $("#draft-line");
  if (line) line.textContent = `Kept in this browser at ${clock()}`;
  if (aloud) say("Draft kept in this browser.");
}

/** Fills the editor with what was typed earlier; the server's own refill after a refusal wins. */
function restore(form) {
  const text = memory.get(PREFIX + reviewId());
  if (!text || $(".item .panel[role=alert]")) return;
  let draft;
  try { draft = JSON.parse(text); } catch { return; }
  for (const [name, value] of draft.fields) {
    const field = form.elements.namedItem(name);
    if (field instanceof RadioNodeList) {
      for (const box of field) if (box.value === value) box.checked = true;
    } else if (field?.type === "checkbox") field.checked = true;
    else if (field) field.value = value;
  }
  form.dataset.touched = "yes";
  const drop = make("button", { class: "btn small", type: "button" }, "Start again from the model's output");
  drop.addEventListener("click", () => {
    dropDraft(reviewId());
    form.reset();
    delete form.dataset.touched;
    $("#restored")?.remove();
    preview(form);
  });
  const line = make("div", { id: "restored", class: "strip-note", role: "status" },
    make("span", {}, `Your draft of ${clock(new Date(draft.at))} is back.`), drop);
  form.prepend(line);
  preview(form);
}

/** Asks the server what the edit changes and what it breaks; it has the only diff and the only schema check. */
async function preview(form) {
  const turn = ++asked;
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.dataset.preview, { method: "POST", body, credentials: "same-origin" });
    if (!answer.ok || turn !== asked || !form.isConnected) return;
    const fresh = parse(await answer.text());
    for (const id of ["changes", "checked", "effects"]) {
      const [old, now] = [document.getElementById(id), fresh.getElementById(id)];
      if (old && now) old.replaceChildren(...now.childNodes);
    }
    marks(form, all("[data-fault-of]", fresh));
  } catch { /* The next pause tries again; nothing is lost. */ }
}

/** Puts each fault at the field it is about. */
function marks(form, faults) {
  for (const field of all("[name^='f.']", form)) {
    const fault = faults.find((f) => f.dataset.faultOf === field.name);
    const place = field.closest(".field");
    const old = $(".fault", place);
    if (!fault) {
      field.removeAttribute("aria-invalid");
      old?.remove();
      continue;
    }
    const line = old ?? make("span", { class: "fault", id: `${field.id}-fault` });
    line.textContent = fault.textContent;
    if (!old) field.after(line);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", line.id);
  }
}

/** The first keystroke takes the case, so that nobody else starts on it; the form learns its new revision. */
async function take(form) {
  if (form.dataset.claim === undefined || form.dataset.taking) return;
  form.dataset.taking = "yes";
  try {
    const body = new URLSearchParams({ csrf: form.elements.csrf.value });
    const answer = await fetch(form.dataset.claim, { method: "POST", body, headers: { "x-console": "script" }, credentials: "same-origin" });
    if (!answer.ok || !form.isConnected) return;
    const told = await answer.json();
    form.elements.revision.value = told.revision;
    if (current()) current().dataset.rev = told.revision;
    delete form.dataset.claim;
    const mark = $(".itop [data-claim-mark]");
    if (mark && told.claim) {
      mark.className = "tag acc lock";
      mark.textContent = told.claim;
    }
  } catch { /* Approving says who has it. */ }
}

/** Before an edit is sent, a claim that is on its way must have told its revision. */
export async function settled(form) {
  for (let n = 0; n < 40 && form.dataset.taking && form.dataset.claim !== undefined; n += 1) {
    await new Promise((later) => setTimeout(later, 25));
  }
}

export function start() {
  clearInterval(saver);
  const form = editor();
  if (!form) return;
  restore(form);
  saver = setInterval(() => save(), 5_000);
  if (!$(".item [aria-invalid=true]")) $("#edit .field input:not([type=hidden]), #edit .field select, #edit .field textarea")?.focus({ preventScroll: true });
  if (!form.dataset.touched) preview(form);
}

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("#edit");
  if (!form) return;
  form.dataset.touched = "yes";
  take(form);
  clearTimeout(pause);
  pause = setTimeout(() => { preview(form); save(); }, 400);
});
document.addEventListener("focusout", (event) => { if (event.target.closest?.("#edit")) save(); });

export const saveNow = () => save({ aloud: true });

// Drafts of cases that nobody came back to are not kept for ever.
for (const name of memory.names().filter((n) => n.startsWith(PREFIX))) {
  try {
    if (Date.now() - JSON.parse(memory.get(name)).at > MONTH_MS) memory.drop(name);
  } catch { memory.drop(name); }
}

export const editing = () => Boolean(editor()) && Boolean(current());
