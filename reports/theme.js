"use strict";
// Light or dark as the reader chose, else as the system says.
(() => {
  const button = document.querySelector("button.theme"), root = document.documentElement, key = "seatrial-theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try { chosen = localStorage.getItem(key); } catch { /* a browser may refuse a file its storage */ }
  const apply = () => {
    const dark = chosen ? chosen === "dark" : system.matches;
    if (chosen) root.dataset.theme = chosen;
    button.textContent = dark ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to ${dark ? "light" : "dark"} colours`);
    dispatchEvent(new Event("theme"));
  };
  button.addEventListener("click", () => {
    chosen = (chosen ? chosen === "dark" : system.matches) ? "light" : "dark";
    try { localStorage.setItem(key, chosen); } catch { /* then it holds for this page */ }
    apply();
  });
  system.addEventListener("change", apply);
  button.hidden = false;
  apply();
})();
