// Saves keystrokes on pages that work without it. Every act stays the plain form that the server
// rendered; this file only says who listens to what.

import { $, all, on } from "./dom.js";
import { current, open, rows, settle } from "./desk.js";
import { settled, start as startEditor } from "./drafts.js";
import { keep, restore } from "./kept.js";
import { chooseLetters, dialog, lateTitle, showLetters } from "./keys.js";
import { stale, start as startLive } from "./live.js";
import { start as startPasskeys } from "./passkey.js";
import "./presence.js";
import { prune } from "./select.js";
import "./rules.js";
import { submit, undo } from "./send.js";

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.undo !== undefined) {
    event.preventDefault();
    undo(form);
  } else if (form.closest(".item") && form.dataset.plain === undefined) {
    event.preventDefault();
    const button = event.submitter;
    await settled(form);
    submit(form, button);
  } else keep(form);
});

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const control = event.target.closest("a, button");
  if (!control) return;
  if (control.dataset.dialog && dialog(control.dataset.dialog)) event.preventDefault();
  else if ("close" in control.dataset && control.closest("dialog")) {
    event.preventDefault();
    control.closest("dialog").close();
  } else if (control.dataset.letters) chooseLetters(control.dataset.letters);
  else if (control.matches(".qlist li > a, a[data-next], a[data-case]") && $(".review") && $(".item")) {
    event.preventDefault();
    open(rows().find((a) => a.href === control.href) ?? control);
  } else if ("showNew" in control.dataset) {
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "." }));
  }
});

// A select that filters needs no second click; the button stays for those without script.
document.addEventListener("change", (event) => {
  if (event.target.matches(".filter-form select")) event.target.form.requestSubmit();
});

on("drawn", startEditor);
on("drawn", lateTitle);
on("stale", stale);
on("patched", prune);
on("patched", lateTitle);

showLetters();
restore();
startPasskeys();
if ($(".qlist")) {
  settle();
  startLive();
}
const flash = $("p.toast");
if (flash && !flash.querySelector("form")) setTimeout(() => flash.remove(), 8_000);
if (current()) document.body.dataset.ready = "yes";
for (const box of all("[data-script]")) box.hidden = false;
