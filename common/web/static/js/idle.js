/* A kiosk asks «are you here?» after a minute without a touch, then ends and erases: <dialog data-idle>.
   A page of which nothing needs erasing goes quietly back to the first one: <div data-idle-home>.
   Whoever watches a recording touches nothing and is asked later; a page that looks again by itself (reload.js) is nobody's touch. */
(() => {
  "use strict";
  const PLAYING_MS = 5 * 60000, SETTLED_MS = 2000;
  const TOUCHES = ["pointerdown", "keydown", "input", "wheel", "touchmove", "scroll"];
  const onTouch = (act) => { for (const kind of TOUCHES) addEventListener(kind, act, { passive: true, capture: true }); };

  const quiet = document.querySelector("[data-idle-home]");
  if (quiet) {
    let wait = 0;
    const again = () => {
      clearTimeout(wait);
      wait = setTimeout(() => location.assign(quiet.dataset.idleHome), Number(quiet.dataset.after) * 1000);
    };
    onTouch(again);
    again();
  }

  const dialog = document.querySelector("dialog[data-idle]");
  if (!dialog) return;
  const afterMs = Number(dialog.dataset.after) * 1000;
  const seconds = Number(dialog.dataset.seconds);
  const left = dialog.querySelector("[data-left]");
  let timer = 0, ticking = 0;

  const untouchedMs = () => Date.now() - sessionStorage.touched;
  const playing = () => [...document.querySelectorAll("audio, video")].some((one) => !one.paused && !one.ended);

  const beep = () => {
    try {
      const sound = new AudioContext(), tone = sound.createOscillator(), volume = sound.createGain();
      tone.connect(volume); volume.connect(sound.destination);
      volume.gain.value = 0.1; tone.frequency.value = 660;
      tone.start(); tone.stop(sound.currentTime + 0.25);
      tone.onended = () => sound.close();
    } catch { /* no sound on this machine: the text says the same */ }
  };

  const tick = (rest) => {
    left.textContent = rest;
    if (rest <= 0) { dialog.querySelector("form[data-end]").requestSubmit(); return; }
    if (rest % 5 === 0) beep();
    ticking = setTimeout(tick, 1000, rest - 1);
  };

  const ask = () => {
    if (playing() && untouchedMs() < PLAYING_MS) { timer = setTimeout(ask, afterMs); return; }
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur(); // a half-typed field is saved
    dialog.showModal();
    tick(seconds);
  };

  const here = (event) => {
    if (event?.type === "scroll" && performance.now() < SETTLED_MS) return; // the browser puts a page back where it was
    sessionStorage.touched = Date.now();
    clearTimeout(timer);
    if (!dialog.open) timer = setTimeout(ask, afterMs);
  };

  const stay = (event) => {
    if (event.target instanceof Element && event.target.closest("[data-end]")) return;
    event.preventDefault();
    clearTimeout(ticking);
    dialog.close();
    here();
  };

  dialog.addEventListener("click", stay);
  dialog.addEventListener("cancel", stay);
  onTouch(here);
  const again = sessionStorage.looksAgain && sessionStorage.touched;
  delete sessionStorage.looksAgain;
  if (again) timer = setTimeout(ask, afterMs - untouchedMs()); else here();
})();
