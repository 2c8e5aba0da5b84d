(limit) => {
  "use strict";
  const TARGETS = "a[href], button, select, textarea, summary, label.choice, input:not([type=hidden], [type=radio], [type=checkbox])";
  const UNSEEN = ".visually-hidden, .visually-hidden-focusable";
  const TEXTS = ["alt", "title", "aria-label", "placeholder"];
  const lang = document.documentElement.lang;
  const all = (query) => [...document.querySelectorAll(query)];

  const seen = (one) => {
    const box = one.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && getComputedStyle(one).visibility !== "hidden" && !one.closest(UNSEEN);
  };
  // a link among words of a sentence may be as low as the line (WCAG 2.5.8)
  const inSentence = (one) => {
    const around = one.matches("a:not(.btn)") && one.closest("p, small, dd, td, div, span");
    return around && [...around.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  };
  const low = (one) => one.getBoundingClientRect().height < limit - 0.5;
  const said = (one) => `${Math.round(one.getBoundingClientRect().height)} px: ${one.outerHTML.slice(0, 90)}`;

  // whose words are not ours: codes, names of certificates, texts marked as being in another language
  const ours = (one) => !one.closest("script, style, noscript, code, pre, .hash, [translate=no], [hidden]") && (one.closest("[lang]") || {}).lang === lang;
  const words = [document.title];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) { if (ours(node.parentElement)) words.push(node.data); }
    else if (ours(node)) words.push(...TEXTS.map((name) => node.getAttribute(name) || ""));
  }
  return {
    lang,
    words: words.join("\n"),
    chrome: all("button, label, legend, th, .house-nav a").filter(ours).map((one) => one.innerText).join("\n"),
    small: all(TARGETS).filter((one) => seen(one) && low(one) && !inSentence(one) && !one.matches(".house-name a")).map(said),
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    plain: all("input[type=file]").filter((one) => !one.closest(".choose")).map((one) => one.outerHTML.slice(0, 90)),
    unnamed: !document.querySelector("main :is(h1, h2)"),
    links: all("a[href]").map((one) => one.href.split("#")[0]),
    back: all("a.btn-back").map((one) => one.href.split("#")[0]),
  };
}
