/* A page that came as an answer takes the place of this one: court.arrive(text). */
globalThis.court = {
  /** Put the main part of `text` in place; returns it, or null where `text` is no page of ours. */
  arrive(text) {
    "use strict";
    const page = new DOMParser().parseFromString(text, "text/html");
    const main = page.querySelector("main");
    if (!main) return null;
    document.querySelector("main").replaceWith(main);
    document.title = page.title;
    main.querySelector("[autofocus]")?.focus();
    document.dispatchEvent(new Event("court:page"));
    return main;
  },
};
