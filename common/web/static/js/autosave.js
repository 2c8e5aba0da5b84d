/* Saves a form each time a field is left, and a long text while it is written:
   <form data-autosave="address" data-failed="sentence">, <p data-saved>. The answer is {"text": "Saved: 14:47"}.
   Files and passwords are never sent. Without script the form works as it is.
   A form goes only after the saving that is under way: what was typed earlier must not arrive later and undo it. */
(() => {
  "use strict";
  const RETRY_MS = 5000;
  const WRITING_MS = 15000; // a field in which somebody goes on writing: a power cut or a session that ends takes no more than this
  const WAIT_MS = 3000;
  const KEEPALIVE_BYTES = 60000; // browsers refuse larger bodies that must outlive the page

  const bodyOf = (form, changed) => {
    const body = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      const control = form.elements.namedItem(name);
      if (typeof value === "string" && name !== "csrf_token" && control?.type !== "password") body.append(name, value);
    }
    body.append("changed", changed);
    return body;
  };

  const show = (form, text, bad) => {
    const place = form.querySelector("[data-saved]") || document.querySelector("[data-saved]");
    if (!place) return;
    place.classList.toggle("is-bad", bad);
    (place.querySelector("span") || place).textContent = text;
  };

  const waits = new WeakMap(); // form → whether it waits for a saving, and then goes by itself

  const watch = (form) => {
    let busy = false, again = "", failed = false, typed = false, leaving = false, timer = 0, writing = 0, saving = null;

    const save = (changed) => {
      if (!form.isConnected) return; // another page is in its place: what is old must not be saved over it
      if (busy) again = changed; else saving = send(changed);
    };
    const send = async (changed) => {
      busy = true; typed = false; clearTimeout(timer);
      const body = bodyOf(form, changed);
      try {
        const answer = await fetch(form.dataset.autosave, {
          method: "POST", body, credentials: "same-origin", keepalive: String(body).length < KEEPALIVE_BYTES,
          headers: { "X-CSRFToken": form.elements.namedItem("csrf_token").value, Accept: "application/json" },
        });
        const said = await answer.json();
        failed = !answer.ok;
        show(form, failed ? said.sentence || form.dataset.failed : said.text, failed);
      } catch {
        failed = true;
        show(form, form.dataset.failed, true);
      }
      busy = false;
      if (again) { const next = again; again = ""; save(next); }
      else if (failed) timer = setTimeout(save, RETRY_MS, changed);
    };

    const kept = (field) => field.name && !["file", "password"].includes(field.type);
    form.addEventListener("input", (event) => {
      typed = true;
      if (kept(event.target)) writing ||= setTimeout(() => { writing = 0; if (typed) save(event.target.name); }, WRITING_MS);
    });
    form.addEventListener("change", (event) => { if (kept(event.target)) save(event.target.name); });
    waits.set(form, (submitter) => {
      if (!busy) return false;
      again = "";
      Promise.race([saving, new Promise((done) => { setTimeout(done, WAIT_MS); })]).then(() => { busy = false; form.requestSubmit(submitter); });
      return true;
    });
    document.addEventListener("submit", (event) => { if (!event.defaultPrevented) leaving = true; });
    addEventListener("beforeunload", (event) => { if (failed && !leaving && form.isConnected) event.preventDefault(); });
    addEventListener("pagehide", () => { if (typed && !leaving) save(document.activeElement?.name || ""); });
  };

  // one listener, set before busy.js sets its own: a form that came later would otherwise be taken for one that is on its way
  document.addEventListener("submit", (event) => {
    if (!waits.get(event.target)?.(event.submitter)) return;
    event.preventDefault(); event.stopImmediatePropagation();
  }, true);
  const start = () => { for (const form of document.querySelectorAll("form[data-autosave]")) watch(form); };
  document.addEventListener("court:page", start); // upload.js put a new page in place
  start();
})();
