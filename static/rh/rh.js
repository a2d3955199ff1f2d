// Dialogs, the look-up field and local times. No inline code anywhere: hooks are data-rh-* attributes.
(function () {
  "use strict";

  // --- dialogs: a link or button with hx-target="#rh-dialog-box" fills the one dialog of the page --------------------
  let opener = null;

  function dialog() {
    return document.getElementById("rh-dialog");
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target?.id === "rh-dialog-box" && !dialog()?.open) opener = event.detail.elt;
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id !== "rh-dialog-box") return;
    const box = dialog();
    if (!box.open) box.showModal();
    (box.querySelector("[aria-invalid=true]") || box.querySelector("[autofocus]") || box.querySelector("input:not([type=hidden]), select, textarea"))?.focus();
  });

  document.addEventListener("click", (event) => {
    const closing = event.target.closest("[data-rh-close]");
    if (closing && dialog()?.open) {
      event.preventDefault();
      dialog().close();
    }
    const copying = event.target.closest("[data-rh-copy]");
    if (copying) navigator.clipboard?.writeText(document.getElementById(copying.dataset.rhCopy).textContent.trim());
    if (!event.target.closest(".rh-find")) document.querySelectorAll(".rh-find-list").forEach((list) => list.replaceChildren());
  });

  document.addEventListener("DOMContentLoaded", () => {
    dialog()?.addEventListener("close", () => {
      document.getElementById("rh-dialog-box").replaceChildren();
      opener?.focus();
      opener = null;
    });
  });

  // A form that is on its way cannot be sent a second time.
  document.addEventListener("htmx:beforeSend", (event) => {
    event.detail.elt.querySelectorAll?.("button[type=submit]").forEach((button) => (button.disabled = true));
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    event.detail.elt.querySelectorAll?.("button[type=submit]").forEach((button) => (button.disabled = false));
  });
  document.addEventListener("htmx:sendError", () => say("offline", "The server cannot be reached. Nothing was saved."));
  document.addEventListener("htmx:responseError", (event) => {
    const id = event.detail.xhr.getResponseHeader("X-Request-Id");
    say("failed", "That did not work. Nothing was saved.", id ? " (" + id + ")" : "");
  });

  function say(name, fallback, more) {
    const line = document.getElementById("rh-status");
    if (line) line.textContent = (line.dataset[name] || fallback) + (more || "");
    line?.removeAttribute("hidden");
  }

  // --- fields that show or hide others: <select data-rh-shows="name">, <div data-rh-when="value value"> ----------------
  function reveal(select) {
    document.querySelectorAll('[data-rh-by="' + select.name + '"]').forEach((part) => {
      const shown = part.dataset.rhWhen.split(" ").includes(select.value);
      part.hidden = !shown;
      part.querySelectorAll("input, select, textarea").forEach((field) => (field.disabled = !shown));
    });
  }
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-rh-shows]")) reveal(event.target);
    if (event.target.matches("[data-rh-submit]")) event.target.form.requestSubmit();
  });

  // --- look-up field: scanners type a code and press Enter; people type words and choose ---------------------------------
  function links(field) {
    return [...(field.closest(".rh-find")?.querySelectorAll(".rh-find-list a") || [])];
  }

  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("[data-rh-find]");
    if (field) {
      const choices = links(field);
      const at = choices.findIndex((link) => link.hasAttribute("data-current"));
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (!choices.length) return;
        const next = (at + (event.key === "ArrowDown" ? 1 : choices.length - 1) + choices.length) % choices.length;
        choices[at]?.removeAttribute("data-current");
        choices[next].setAttribute("data-current", "");
        choices[next].scrollIntoView({ block: "nearest" });
      } else if (event.key === "Enter" && at >= 0) {
        event.preventDefault();
        choices[at].click();
      } else if (event.key === "Escape") {
        field.value = "";
        field.closest(".rh-find").querySelector(".rh-find-list")?.replaceChildren();
      }
      return;
    }
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if ((event.key === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !typing)) {
      const spot = [...document.querySelectorAll("[data-rh-find]")].find((input) => input.offsetParent !== null);
      const search = event.key === "/" ? document.getElementById("searchbar") || spot : spot;
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    }
  });

  // A burst of fast keys that ends with Enter outside any field is a scanner: look the code up.
  let burst = "";
  let last = 0;
  document.addEventListener("keydown", (event) => {
    if (event.target.closest?.("input, textarea, select, [contenteditable]") || event.ctrlKey || event.metaKey || event.altKey) return;
    const quick = event.timeStamp - last <= 35;
    last = event.timeStamp;
    if (event.key === "Enter" || event.key === "Tab") {
      if (quick && burst.length >= 6) {
        event.preventDefault();
        location.assign("/find/?go=1&q=" + encodeURIComponent(burst));
      }
      burst = "";
    } else if (event.key.length === 1) {
      burst = quick ? burst + event.key : event.key;
    }
  });

  // --- rows that are scanned one after the other: the same code again adds to its row ------------------------------------------
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("[data-rh-code]");
    if (!field || event.key !== "Enter") return;
    event.preventDefault();
    if (field.value.trim()) htmx.trigger(field, "rh:code");
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const body = event.detail.target;
    if (!body?.hasAttribute?.("data-rh-rows")) return;
    const fresh = body.lastElementChild;
    const known = [...body.children].find((row) => row !== fresh && row.dataset.rhRow === fresh.dataset.rhRow);
    if (known) {
      const units = known.querySelector("[name=quantity]");
      units.value = Number(units.value || 0) + Number(fresh.querySelector("[name=quantity]").value || 1);
      fresh.remove();
    }
    const field = document.querySelector("[data-rh-code]");
    field.value = "";
    field.focus();
  });
  document.addEventListener("click", (event) => event.target.closest("[data-rh-remove]")?.closest("tr").remove());

  // --- times: written in UTC by the server, shown in the reader's own zone and language --------------------------------------
  function times(root) {
    const language = document.documentElement.lang || undefined;
    const format = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
    root.querySelectorAll("time.rh-time:not([data-rh-done])").forEach((spot) => {
      const moment = new Date(spot.dateTime);
      if (isNaN(moment)) return;
      spot.dataset.rhDone = "1";
      spot.title = format.format(moment) + "  ·  " + moment.toISOString().slice(0, 16).replace("T", " ") + " UTC";
      if (!spot.hasAttribute("data-rh-since")) spot.textContent = format.format(moment);
    });
  }

  function prepare(root) {
    times(root);
    root.querySelectorAll("[data-rh-shows]").forEach(reveal);
  }
  document.addEventListener("DOMContentLoaded", () => prepare(document));
  document.addEventListener("htmx:afterSettle", (event) => prepare(event.target.parentElement || document));
})();
