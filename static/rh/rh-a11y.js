// What the shell leaves out for people who do not use a mouse or do not see the page (screens.md, U18).
(function () {
  "use strict";

  const text = (name, fallback) => document.querySelector('meta[name="rh-' + name + '"]')?.content || fallback;

  function landmarks() {
    const main = document.getElementById("content");
    if (main && !document.querySelector("main, [role=main]")) {
      main.setAttribute("role", "main");
      main.setAttribute("tabindex", "-1");
    }
    const sidebar = document.getElementById("nav-sidebar-inner");
    if (sidebar) sidebar.setAttribute("aria-label", text("nav-label", "Main menu"));
    document.querySelectorAll("#nav-sidebar a.active").forEach((link) => link.setAttribute("aria-current", "page"));
  }

  const labels = {
    dock_to_right: "menu", close: "close", more_horiz: "more", more_vert: "more", expand_more: "expand", unfold_more: "user-menu",
    search: "search", arrow_back: "back", settings: "more",
  };

  // A link or button that shows an icon and nothing else is named after the icon.
  function nameless(root) {
    root.querySelectorAll("a[href], button, [role=button]").forEach((spot) => {
      if (spot.hasAttribute("aria-label") || spot.title) return;
      const icon = spot.querySelector(".material-symbols-outlined");
      const words = [...spot.childNodes].filter((node) => node !== icon).map((node) => node.textContent).join("").trim();
      const name = icon && (words === "" || words === icon.textContent.trim()) && icon.textContent.trim();
      if (name) spot.setAttribute("aria-label", text(labels[name] || name, name.replaceAll("_", " ")));
    });
  }

  // Fields with a search of their own are drawn by a library that forgets the label.
  function choosers() {
    document.querySelectorAll("select.select2-hidden-accessible").forEach((select) => {
      const label = select.labels?.[0]?.textContent.replace("*", "").trim();
      if (!label) return;
      select.nextElementSibling?.querySelectorAll("[role=combobox], [role=textbox]").forEach((part) => part.setAttribute("aria-label", label));
    });
  }

  function shellButtons(root) {
    // Clickable spans and cells become buttons: reachable by Tab, pressed by Enter or Space.
    root.querySelectorAll("span.material-symbols-outlined, td.cursor-pointer, a.cursor-pointer:not([href]), div.cursor-pointer").forEach((spot) => {
      const clickable = [...spot.attributes].some((a) => a.name.startsWith("x-on:click") || a.name.startsWith("@click"));
      if (!clickable || spot.matches("button, a[href]") || spot.hasAttribute("role")) return;
      spot.setAttribute("role", "button");
      spot.setAttribute("tabindex", "0");
      const icon = spot.textContent.trim().split(/\s+/)[0];
      if (labels[icon]) spot.setAttribute("aria-label", text(labels[icon], labels[icon]));
      spot.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          spot.click();
        }
      });
    });
    // The ligature names of icons are not words.
    root.querySelectorAll("span.material-symbols-outlined:not([role])").forEach((icon) => icon.setAttribute("aria-hidden", "true"));
  }

  function lists(root) {
    root.querySelectorAll("#result_list").forEach((table) => {
      if (!table.caption) {
        const caption = table.createCaption();
        caption.className = "rh-sr";
        caption.textContent = document.title.split("|")[0].trim();
      }
      const cells = table.querySelector("tr.data-row")?.children || [];
      table.querySelectorAll("thead th").forEach((head, column) => {
        if (cells[column]?.querySelector(".rh-num")) head.classList.add("rh-num-head");
        const toggle = head.querySelector(".toggle");
        if (toggle) head.setAttribute("aria-sort", toggle.classList.contains("ascending") ? "ascending" : "descending");
      });
      table.querySelectorAll("input:not([aria-label]):not([type=hidden]), select:not([aria-label])").forEach((field) => {
        const cell = field.closest("td");
        if (cell?.dataset.label && !field.labels?.length) field.setAttribute("aria-label", cell.dataset.label);
      });
    });
    root.querySelectorAll("input[type=search]:not([aria-label])").forEach((field) => {
      if (!field.labels?.length) field.setAttribute("aria-label", field.placeholder || text("search", "Search"));
    });
  }

  function shellDialog() {
    const box = document.getElementById("modal-content");
    if (!box) return;
    box.setAttribute("role", "dialog");
    box.setAttribute("aria-modal", "true");
    let before = null;
    document.body.addEventListener("htmx:afterSwap", (event) => {
      if (event.detail.target !== box) return;
      const heading = box.querySelector("h1");
      if (heading) {
        heading.id = "rh-shell-dialog-title";
        box.setAttribute("aria-labelledby", heading.id);
      }
      before = document.activeElement;
      setTimeout(() => box.querySelector("input:not([type=hidden]), select, textarea, button, a[href]")?.focus(), 60);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && before) {
        before.focus();
        before = null;
      }
    });
  }

  function all(root) {
    shellButtons(root);
    nameless(root);
    lists(root);
  }

  document.addEventListener("DOMContentLoaded", () => {
    landmarks();
    all(document);
    shellDialog();
    // They are drawn after everything else, and anew with each row that is added.
    if (document.querySelector("select.admin-autocomplete")) {
      choosers();
      new MutationObserver(choosers).observe(document.body, { childList: true, subtree: true });
    }
  });
  document.addEventListener("htmx:afterSettle", (event) => all(event.target));

  // The shell stays hidden until its own script has run. If that file does not arrive, show the page without it.
  setTimeout(() => document.documentElement.removeAttribute("x-cloak"), 8000);
})();
