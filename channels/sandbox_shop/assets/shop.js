// Keeps the stock figures on the page true: asks once a second, and only while somebody looks.
"use strict";

const notice = document.getElementById("line");
let touched = false;
document.addEventListener("input", () => { touched = true; });

function show(box, left) {
  const label = box.querySelector("[data-left]");
  if (Number(label.dataset.left) === left) return;
  label.dataset.left = left;
  label.textContent = left > 0 ? `${left} in stock` : "Sold out";
  label.classList.toggle("none", left <= 0);
  label.classList.add("changed");
  setTimeout(() => label.classList.remove("changed"), 400);
  const button = (box.querySelector("form") || document.querySelector("form.buy"))?.querySelector("button");
  if (button) button.disabled = left <= 0;
}

function sameShelf(boxes, stock) {
  return boxes.length === Object.keys(stock).length && boxes.every((box) => box.dataset.listing in stock);
}

async function refresh() {
  const response = await fetch("/stock.json", { cache: "no-store" });
  if (!response.ok) throw new Error(response.status);
  const { stock } = await response.json();
  const boxes = [...document.querySelectorAll("[data-listing]")];
  for (const box of boxes) show(box, stock[box.dataset.listing] ?? 0);
  // New articles, or some taken away: show them, unless somebody is in the middle of typing.
  if (document.querySelector("[data-front]") && !touched && !sameShelf(boxes, stock)) location.reload();
}

async function watch() {
  if (!document.hidden) {
    try {
      await refresh();
      notice.hidden = true;
    } catch {
      notice.hidden = false;
    }
  }
  setTimeout(watch, 1000);
}

if (document.querySelector("[data-front], [data-listing]")) watch();
