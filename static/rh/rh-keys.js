// Single keys: J and K walk the rows, Enter, A and H act on the row, G and a letter go to a page, ? tells all this.
(function () {
  "use strict";

  const WAIT = 60; // A scanner's burst follows faster than this: what looks like a key is then the beginning of a code.
  const BURST = 35;
  let pending = 0;
  let last = 0;
  let going = 0;

  const sheet = () => document.getElementById("rh-keys");
  const areOn = () => localStorage.getItem("rh-keys") !== "off";
  const rows = () => [...document.querySelectorAll("[data-rh-work] > tr, #result_list tr.data-row")];

  function stand(row) {
    if (!row) return;
    row.setAttribute("tabindex", "-1");
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function walk(step) {
    const all = rows();
    const at = all.findIndex((row) => row.contains(document.activeElement));
    stand(at < 0 ? all[step > 0 ? 0 : all.length - 1] : all[Math.min(all.length - 1, Math.max(0, at + step))]);
  }

  function act(key) {
    const row = rows().find((one) => one.contains(document.activeElement));
    const step = row?.querySelector('[data-rh-key="' + key + '"]') || (key === "Enter" && row?.querySelector("a[href]"));
    if (step) step.click();
  }

  function open() {
    document.getElementById("rh-keys-on").checked = areOn();
    sheet().showModal();
  }

  function press(key) {
    if (going && performance.now() < going) {
      going = 0;
      sheet()?.querySelector('[data-rh-go="' + key + '"]')?.click();
    } else if (key === "g") going = performance.now() + 1500;
    else if (key === "j") walk(1);
    else if (key === "k") walk(-1);
    else if (key === "a" || key === "h" || key === "Enter") act(key);
    else if (key === "n") document.querySelector("a.addlink, [data-rh-new]")?.click();
    else if (key === "?") open();
  }

  document.addEventListener("keydown", (event) => {
    // Escape, Shift and the like belong to no code: what follows them at once is a key all the same.
    if (event.key.length > 1 && event.key !== "Enter") return;
    const quick = event.timeStamp - last <= BURST;
    last = event.timeStamp;
    clearTimeout(pending);
    if (quick || event.repeat) return;
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
    // The sheet opens always: it is where the keys are switched on again.
    if (!areOn() && event.key !== "?") return;
    if (event.key === "Enter") {
      // On a link or button Enter is the browser's own.
      if (event.target.matches?.("tr")) press("Enter");
      return;
    }
    pending = setTimeout(press, WAIT, event.key.toLowerCase());
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-rh-keys-close]")) sheet().close();
    if (event.target.closest("[data-rh-keys-open]")) open();
  });
  document.addEventListener("change", (event) => {
    if (event.target.id === "rh-keys-on") localStorage.setItem("rh-keys", event.target.checked ? "on" : "off");
  });
})();
