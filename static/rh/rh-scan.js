// Counting by scanner: bursts of keys, a queue that survives a lost line, sound, vibration and words for every scan.
// Hooks: [data-rh-scan="address"] is the counting page, [data-rh-board] what the server draws, form[data-rh-send] its forms.
(function () {
  "use strict";

  const page = document.querySelector("[data-rh-scan]");
  if (!page) return;
  const board = page.querySelector("[data-rh-board]");
  const field = page.querySelector("[data-rh-scan-field]");
  const status = page.querySelector("[data-rh-scan-status]");
  const waitingLine = page.querySelector("[data-rh-scan-waiting]");
  const store = "rh-scans:" + page.dataset.rhScan;
  let condition = "good";
  let sending = false;
  let queue = load();

  // --- the queue: each scan has its key from the moment it is made, so sending it twice counts it once -----------------
  function load() {
    try {
      return JSON.parse(localStorage.getItem(store) || "[]");
    } catch {
      return [];
    }
  }

  function keep() {
    try {
      if (queue.length) localStorage.setItem(store, JSON.stringify(queue));
      else localStorage.removeItem(store);
    } catch {
      // A full or forbidden store: the queue lives as long as the page.
    }
    waitingLine.hidden = !queue.length;
    waitingLine.textContent = queue.length ? waitingLine.dataset.words.replace("{n}", queue.length) : "";
  }

  // Not on plain http in a shop's network: crypto.randomUUID is for secure pages alone.
  function newKey() {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function token() {
    return page.querySelector("[name=csrfmiddlewaretoken]").value;
  }

  async function post(address, body) {
    const answer = await fetch(address, {
      method: "POST",
      body,
      headers: { "HX-Request": "true", "X-CSRFToken": token() },
      credentials: "same-origin",
    });
    const html = await answer.text();
    if (answer.redirected || answer.status === 403 || answer.status >= 500) {
      say("bad", status.dataset.failed);
      // A server in trouble may answer later; one that refuses never will.
      return answer.status >= 500 ? null : "";
    }
    return html;
  }

  async function flush() {
    if (sending) return;
    sending = true;
    while (queue.length) {
      const body = new FormData();
      for (const [name, value] of Object.entries(queue[0])) body.append(name, value);
      let html = null;
      try {
        html = await post(page.dataset.rhScan + "scan/", body);
      } catch {
        html = null;
      }
      if (html === null) break;
      queue.shift();
      keep();
      if (html) draw(html);
    }
    keep();
    sending = false;
  }

  function draw(html) {
    const open = [...board.querySelectorAll("details[open]")].map((part) => part.id);
    board.innerHTML = html;
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    window.htmx?.process(board);
    const said = board.querySelector("[data-rh-said]");
    if (said) say(said.dataset.rhTone, said.textContent.trim());
  }

  // --- words, sound and vibration -------------------------------------------------------------------------------------
  function say(tone, words) {
    status.textContent = words;
    status.dataset.rhTone = tone;
    status.className = "rh-note rh-scan-said rh-is-" + tone;
    if (!isLoud()) return;
    navigator.vibrate?.(tone === "good" ? 40 : [80, 60, 80]);
    beep(tone === "good" ? 880 : 220, tone === "good" ? 0.08 : 0.25);
  }

  let audio = null;
  function beep(pitch, seconds) {
    try {
      audio = audio || new AudioContext();
      if (audio.state === "suspended") return;
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      tone.frequency.value = pitch;
      volume.gain.value = 0.08;
      tone.connect(volume).connect(audio.destination);
      tone.start();
      tone.stop(audio.currentTime + seconds);
    } catch {
      // No sound on this machine.
    }
  }

  function isLoud() {
    return localStorage.getItem("rh-scan-quiet") !== "1";
  }

  function showLoud() {
    page.querySelector("[data-rh-loud]")?.setAttribute("aria-pressed", String(isLoud()));
  }

  // --- scans ----------------------------------------------------------------------------------------------------------
  function scanned(code, more) {
    code = code.trim();
    if (!code) return;
    queue.push({ code, key: newKey(), condition, ...more });
    if (condition !== "good") choose("good");
    keep();
    flush();
  }

  function choose(wanted) {
    condition = wanted;
    page.querySelectorAll("[data-rh-condition]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.rhCondition === condition));
    });
    field.placeholder = field.dataset[condition] || field.dataset.good;
  }

  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    scanned(field.value);
    field.value = "";
  });

  // A burst outside any field: capture it before the page's own look-up does.
  let burst = "";
  let last = 0;
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.target.closest?.("input, textarea, select, [contenteditable]") || event.ctrlKey || event.metaKey || event.altKey) return;
      const quick = event.timeStamp - last <= 35;
      last = event.timeStamp;
      if (event.key === "Enter" || event.key === "Tab") {
        if (quick && burst.length >= 6) {
          event.preventDefault();
          event.stopImmediatePropagation();
          scanned(burst);
        }
        burst = "";
      } else if (event.key.length === 1) {
        burst = quick ? burst + event.key : event.key;
      }
    },
    true,
  );

  // The camera reads codes too, see rh-camera.js.
  page.addEventListener("rh:code-seen", (event) => scanned(event.detail));

  // --- buttons and forms ----------------------------------------------------------------------------------------------
  page.addEventListener("click", (event) => {
    const choosing = event.target.closest("[data-rh-condition]");
    if (choosing) {
      choose(choosing.dataset.rhCondition === condition ? "good" : choosing.dataset.rhCondition);
      field.focus();
    }
    if (event.target.closest("[data-rh-loud]")) {
      localStorage.setItem("rh-scan-quiet", isLoud() ? "1" : "0");
      showLoud();
    }
    if (event.target.closest("[data-rh-keyboard]")) {
      field.inputMode = field.inputMode === "none" ? "text" : "none";
      field.blur();
      field.focus();
    }
    const instead = event.target.closest("[data-rh-instead]");
    if (instead) {
      scanned(instead.dataset.rhCode, { condition: "wrong", instead_of: instead.dataset.rhInstead });
      instead.closest("[data-rh-unplaced]").remove();
    }
    const placing = event.target.closest("[data-rh-place]");
    if (placing) {
      const more = placing.dataset.rhPlace === "surplus" ? { as_surplus: "1" } : placing.dataset.rhPlace ? { order: placing.dataset.rhPlace } : null;
      if (more) scanned(placing.dataset.rhCode, more);
      placing.closest("[data-rh-unplaced]").remove();
    }
  });

  page.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-rh-send]");
    if (!form) return;
    event.preventDefault();
    const body = new FormData(form);
    if (!body.get("key")) body.set("key", newKey());
    try {
      const html = await post(form.action, body);
      if (html) draw(html);
    } catch {
      say("bad", status.dataset.offline);
    }
  });

  page.addEventListener("change", (event) => {
    const photo = event.target.closest("[data-rh-photo]");
    if (photo?.files.length) photo.form.requestSubmit();
  });

  // Finishing with scans still here would leave them out.
  page.querySelector("[data-rh-finish]")?.addEventListener("submit", (event) => {
    if (!queue.length) return;
    event.preventDefault();
    say("warn", waitingLine.textContent);
    flush();
  });

  // --- what others count on the same delivery, and the line coming back ---------------------------------------------------
  async function look() {
    if (queue.length) return flush();
    if (sending || document.hidden || board.contains(document.activeElement)) return;
    try {
      const answer = await fetch(page.dataset.rhScan + location.search, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
      if (answer.ok && !answer.redirected && !queue.length && !sending) {
        const unplaced = board.querySelector("[data-rh-unplaced]");
        board.innerHTML = await answer.text();
        if (unplaced) board.prepend(unplaced);
      }
    } catch {
      // Offline: the next look may succeed.
    }
  }

  window.addEventListener("online", flush);
  setInterval(look, 2000);
  choose("good");
  showLoud();
  keep();
  flush();
  if (matchMedia("(pointer: fine)").matches) field.focus();
})();
