/* Shows how much of a file has gone: <form data-upload>. The answer is the next page, taken as it comes. */
(() => {
  "use strict";
  const start = (form, event) => {
    if (event.defaultPrevented) return;
    if (![...form.querySelectorAll("input[type=file]")].some((input) => input.files.length)) return;
    event.preventDefault();
    const bar = document.createElement("progress");
    bar.max = 100; bar.value = 0;
    bar.setAttribute("aria-label", form.dataset.loading || "");
    (event.submitter?.closest("p, .go") || form.querySelector(".go") || form).before(bar);
    const request = new XMLHttpRequest();
    request.open("POST", form.action || location.href);
    request.upload.addEventListener("progress", (sent) => { if (sent.lengthComputable) bar.value = (100 * sent.loaded) / sent.total; });
    request.addEventListener("load", () => arrive(form, request));
    request.addEventListener("error", () => { bar.remove(); delete form.dataset.busy; form.submit(); }); // the plain way says what is wrong
    request.send(new FormData(form, event.submitter));
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
