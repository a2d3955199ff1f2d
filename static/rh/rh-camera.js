// Barcodes by the camera, where the browser itself can read them. What is seen is told to the page as `rh:code-seen`.
// Hooks: [data-rh-camera] the button, [data-rh-camera-box] with the picture, [data-rh-camera-hint] where there is no way.
(function () {
  "use strict";

  const button = document.querySelector("[data-rh-camera]");
  if (!button) return;
  const box = document.querySelector("[data-rh-camera-box]");
  const view = box.querySelector("[data-rh-camera-view]");
  const page = button.closest("[data-rh-scan]");
  const PAUSE = 150; // milliseconds between two looks
  const SAME = 800; // the same code counts once more only after it was out of sight for so long
  const WANTED = ["ean_13", "ean_8", "upc_a", "upc_e", "itf", "code_128", "code_39", "data_matrix", "qr_code"];
  let stream = null;
  let detector = null;
  const seen = new Map();

  async function offer() {
    if (!("BarcodeDetector" in window) || !navigator.mediaDevices?.getUserMedia) return false;
    try {
      const able = await BarcodeDetector.getSupportedFormats();
      const formats = WANTED.filter((format) => able.includes(format));
      if (!formats.length) return false;
      detector = new BarcodeDetector({ formats });
      return true;
    } catch {
      return false;
    }
  }

  async function start() {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    } catch {
      stop();
      const said = page.querySelector("[data-rh-scan-status]");
      said.textContent = box.dataset.denied;
      said.className = "rh-note rh-scan-said rh-is-bad";
      return;
    }
    view.srcObject = stream;
    box.hidden = false;
    button.setAttribute("aria-pressed", "true");
    view.play().catch(() => {});
    look();
  }

  function stop() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    view.srcObject = null;
    box.hidden = true;
    button.setAttribute("aria-pressed", "false");
  }

  async function look() {
    if (!stream) return;
    try {
      for (const found of await detector.detect(view)) {
        const now = performance.now();
        if (now - (seen.get(found.rawValue) ?? -SAME) >= SAME) page.dispatchEvent(new CustomEvent("rh:code-seen", { detail: found.rawValue }));
        seen.set(found.rawValue, now);
      }
    } catch {
      // A frame that is not there yet; the next one will be.
    }
    setTimeout(look, PAUSE);
  }

  button.addEventListener("click", () => (stream ? stop() : start()));
  box.querySelector("[data-rh-camera-stop]").addEventListener("click", stop);
  document.addEventListener("visibilitychange", () => document.hidden && stop());
  window.addEventListener("pagehide", stop);
  offer().then((able) => {
    button.hidden = !able;
    document.querySelector("[data-rh-camera-hint]").hidden = able;
  });
})();
