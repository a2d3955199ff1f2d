// Keys of the match page: P, A and D press the button of the first held line that is not decided (or the focused one).
// A scanner types faster than a person: a single key waits, and is dropped when another follows at once.
(function () {
  "use strict";
  const PAUSE = 60;
  let waiting = null;

  function button(key) {
    const focused = document.activeElement?.closest("[data-rh-held]");
    const rows = [...document.querySelectorAll("[data-rh-held]")];
    const open = rows.find((row) => !row.querySelector("[aria-pressed=true]"));
    return (focused || open || rows[0])?.querySelector(`[data-rh-key="${key}"]`);
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
    if (waiting) {
      clearTimeout(waiting);
      waiting = setTimeout(() => (waiting = null), PAUSE);
      return;
    }
    const key = event.key.toLowerCase();
    waiting = setTimeout(() => {
      waiting = null;
      if ("pad".includes(key) && key.length === 1) button(key)?.click();
    }, PAUSE);
  });
})();
