/* Shows how much of a file has gone: <form data-upload data-loading="Loading" data-large="sentence">. The answer is the next page,
   taken as it comes; that it is too large is said on the page itself, where everything typed stands. */
(() => {
  "use strict";
  const TOO_LARGE = 413;
  const MANY_BYTES = 50e6; // where so much was to go and the line broke, the size broke it
  const start = (form, event) => {
    if (event.defaultPrevented) return;
    const files = [...form.querySelectorAll("input[type=file]")].flatMap((input) => [...input.files]);
    if (!files.length) return;
    event.preventDefault();
    form.querySelector("[data-told]")?.remove();
    const bar = document.createElement("progress");
    bar.max = 100; bar.value = 0;
    bar.setAttribute("aria-label", form.dataset.loading || "");
    (event.submitter?.closest("p, .go") || form.querySelector(".go") || form).before(bar);
    const request = new XMLHttpRequest();
    request.open("POST", form.action || location.href);
    request.upload.addEventListener("progress", (sent) => { if (sent.lengthComputable) bar.value = (100 * sent.loaded) / sent.total; });
    request.addEventListener("load", () => { if (request.status === TOO_LARGE) tell(form, bar); else arrive(form, request); });
    request.addEventListener("error", () => {
      if (files.reduce((sum, file) => sum + file.size, 0) > MANY_BYTES) { tell(form, bar); return; }
      bar.remove(); delete form.dataset.busy; form.submit(); // the plain way says what is wrong
    });
    request.send(new FormData(form, event.submitter));
  };

  const tell = (form, bar) => {
    const line = document.createElement("p");
    line.className = "bad-text"; line.dataset.told = "";
    line.setAttribute("role", "alert");
    bar.replaceWith(line);
    line.textContent = form.dataset.large;
    delete form.dataset.busy;
    for (const button of form.querySelectorAll("[type=submit]")) button.removeAttribute("aria-disabled");
  };

  const arrive = (form, request) => {
    if (request.status < 400 && request.responseURL !== (form.action || location.href)) { location.assign(request.responseURL); return; }
    const main = globalThis.court.arrive(request.responseText);
    if (!main) { location.reload(); return; }
    for (const again of main.querySelectorAll("form[data-upload]")) watch(again);
  };

  const watch = (form) => form.addEventListener("submit", (event) => start(form, event));
  for (const form of document.querySelectorAll("form[data-upload]")) watch(form);
})();
