// Rows of an invoice that is typed: sums are asked for anew whenever something changed, rows can be taken out, and an
// empty first row makes way for the lines of an order. Hooks: [data-rh-typing] the form, [data-rh-bill] a row.
(function () {
  "use strict";
  const PAUSE = 400;
  let waiting = null;

  function check() {
    clearTimeout(waiting);
    waiting = setTimeout(() => htmx.trigger("#rh-sums", "rh:check"), PAUSE);
  }

  function isBlank(row) {
    return [...row.querySelectorAll("input")].every((field) => !field.value.trim());
  }

  document.addEventListener("input", (event) => event.target.closest("[data-rh-typing]") && event.target.type !== "file" && check());
  document.addEventListener("change", (event) => event.target.closest("[data-rh-typing]") && event.target.type !== "file" && check());
  document.addEventListener("click", (event) => {
    const removing = event.target.closest("[data-rh-bill-remove]");
    if (!removing) return;
    removing.closest("[data-rh-bill]").remove();
    check();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id !== "rh-bill-rows") return;
    const rows = [...event.detail.target.querySelectorAll("[data-rh-bill]")];
    const last = rows[rows.length - 1];
    if (!last) return;
    if (isBlank(last)) last.querySelector("input").focus();
    else rows.filter(isBlank).forEach((row) => row.remove());
    check();
  });
})();
