/* A kiosk asks «are you here?» after a minute without a touch, then ends and erases: <dialog data-idle>. */
(() => {
  "use strict";
  const dialog = document.querySelector("dialog[data-idle]");
  if (!dialog) return;
  const afterMs = Number(dialog.dataset.after) * 1000;
  const seconds = Number(dialog.dataset.seconds);
  const left = dialog.querySelector("[data-left]");
  let timer = 0, ticking = 0;

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
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur(); // a half-typed field is saved
    dialog.showModal();
    tick(seconds);
  };

  const here = () => {
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
  for (const kind of ["pointerdown", "keydown", "input", "wheel", "touchmove", "scroll"]) {
    addEventListener(kind, here, { passive: true, capture: true });
  }
  here();
})();
