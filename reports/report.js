"use strict";
(() => {
  // Copy buttons: the clipboard where the browser lets a file use it, else a selection.
  document.addEventListener("click", async (click) => {
    const button = click.target.closest("button.copy");
    if (!button) return;
    const source = button.parentElement.querySelector("pre");
    let said = "Copied";
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      said = document.execCommand("copy") ? "Copied" : "Selected";
    }
    button.textContent = said;
    setTimeout(() => { button.textContent = "Copy curl"; }, 1500);
  });

  // A link into something folded unfolds it.
  const reveal = () => {
    const goal = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!goal) return;
    for (let node = goal; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    if (goal.id === "all") goal.querySelector("details").open = true;
    goal.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  // On paper nothing can be unfolded: failures and reasons are printed whole; exchanges, which are long, and the list
  // of all verdicts only where the reader has opened them.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll(".others:not([open]), .more:not([open]), .reason:not([open])")];
    opened.forEach((node) => { node.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((node) => { node.open = false; }));

  // The filter of all verdicts.
  const field = (id) => document.getElementById(id);
  const [text, status, level, area] = ["q", "status", "level", "area"].map(field);
  let rows = null;
  const read = () => [...field("rows").rows].map((row) => ({
    row, area: row.dataset.a, status: row.cells[0].className, level: row.cells[1].textContent,
    text: row.textContent.toLowerCase(),
  }));
  const filter = () => {
    rows ??= read();
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of rows) {
      const hit = (!status.value || item.status === status.value) && (!level.value || item.level === level.value)
        && (!area.value || item.area === area.value) && words.every((word) => item.text.includes(word));
      item.row.hidden = !hit;
      shown += hit;
    }
    field("shown").textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
  };
  let timer = 0;
  text.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(filter, 80); });
  for (const choice of [status, level, area]) choice.addEventListener("change", filter);
  text.form.addEventListener("submit", (submit) => submit.preventDefault());
  addEventListener("keydown", (key) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (key.key === "/" && !typing && !key.ctrlKey && !key.metaKey && !key.altKey) {
      key.preventDefault();
      field("all").querySelector("details").open = true;
      text.focus();
      text.scrollIntoView({ block: "center" });
    } else if (key.key === "Escape" && document.activeElement === text) {
      text.value = "";
      filter();
    }
  });
})();
