// The check report: filters whose state is in the address, keys, copy buttons, folds.
(() => {
  const field = (id) => document.getElementById(id);
  const form = field("filter"), names = ["q", "status", "level", "area"], fields = names.map(field);
  const list = field("rows"), areas = [...fields[3].options].map((option) => option.value);

  // The filter. The rows of the list are the truth; whatever names a verdict by data-v follows its row.
  let rows = null;
  const read = () => {
    const requirements = new Map([...document.querySelectorAll(".block")].map((block) => [
      block.id, block.querySelector(".requirement").textContent,
    ]));
    return [...list.children].map((row) => ({
      row, area: areas[+row.dataset.a + 1], status: row.className, level: row.children[1].textContent,
      text: `${row.textContent} ${requirements.get(row.dataset.f) ?? ""}`.toLowerCase(),
    }));
  };
  const groups = [".block", ".reason", ".others", ".rank-group", "section.found"].map((name) => document.querySelectorAll(name));
  const marked = document.querySelectorAll("[data-v]");
  let active = false;
  const filter = () => {
    const [words, status, level, area] = fields.map((one) => one.value);
    const sought = words.toLowerCase().split(/\s+/).filter(Boolean);
    const was = active;
    active = fields.some((one) => one.value);
    form.classList.toggle("active", active);
    field("clear").hidden = !active;
    if (!active && !was) return;
    rows ??= read();
    let count = 0;
    for (const item of rows) {
      const hit = (!status || item.status === status) && (!level || item.level === level)
        && (!area || item.area === area) && sought.every((word) => item.text.includes(word));
      item.row.hidden = !hit;
      count += hit;
    }
    for (const node of marked) node.hidden = rows[node.dataset.v].row.hidden;
    // From the inner to the outer: a group is shown where something in it is.
    for (const level of groups) for (const group of level) group.hidden = !group.querySelector("[data-v]:not([hidden])");
    for (const block of groups[0]) {
      const shown = block.querySelectorAll(".more:not([hidden])");
      const others = block.querySelector(".others");
      if (others) {
        const left = others.querySelectorAll("[data-v]:not([hidden])").length, all = others.querySelectorAll("[data-v]").length;
        others.querySelector(".part").textContent = left < all ? `${left.toLocaleString("en")} of ` : "";
      }
      if (active && shown.length && ![...shown].some((one) => one.open)) shown[0].open = true;
      if (active && others && !block.querySelector(":scope > .more:not([hidden])")) others.open = true;
    }
    if (active) field("list").open = true;
    field("nothing").hidden = count > 0;
    field("shown").textContent = active ? `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} verdicts` : "";
  };

  // The address: #?level=MUST&status=fail filters, #f3 goes to a failure.
  const say = () => {
    const told = new URLSearchParams(names.map((name, at) => [name, fields[at].value]).filter(([, value]) => value));
    history.replaceState(null, "", `${told}` ? `#?${told}` : location.pathname + location.search);
    filter();
  };
  const hear = () => {
    const hash = location.hash.slice(1);
    if (hash.startsWith("?")) {
      const told = new URLSearchParams(hash);
      names.forEach((name, at) => { fields[at].value = told.get(name) ?? ""; if (fields[at].selectedIndex < 0) fields[at].value = ""; });
      filter();
      field("explore").scrollIntoView();
      return;
    }
    const goal = hash && field(hash);
    if (!goal) return;
    for (let node = goal; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    if (hash === "all") field("list").open = true;
    if (goal.closest("[hidden]")) { form.reset(); filter(); }
    goal.scrollIntoView();
  };
  addEventListener("hashchange", hear);
  let timer = 0;
  fields[0].addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(say, 80); });
  for (const choice of fields.slice(1)) choice.addEventListener("change", say);
  form.addEventListener("submit", (submit) => { submit.preventDefault(); say(); });
  form.addEventListener("reset", () => setTimeout(say));
  form.hidden = false;
  hear();

  // Keys: / to the text, Escape out of the filter, j and k from failure to failure.
  const blocks = () => [...groups[0]].filter((block) => !block.hidden);
  const go = (step) => {
    const all = blocks(), at = all.findIndex((block) => block.contains(document.activeElement));
    const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step))];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView();
  };
  addEventListener("keydown", (key) => {
    if (key.ctrlKey || key.metaKey || key.altKey) return;
    if (key.key === "Escape" && active) { form.reset(); return; }
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
    if (key.key === "/") { key.preventDefault(); fields[0].focus(); }
    else if (key.key === "j" || key.key === "k") go(key.key === "j" ? 1 : -1);
  });

  // Copy buttons: the clipboard where the browser lets a file use it, else a selection.
  document.addEventListener("click", async (click) => {
    const button = click.target.closest("button.copy");
    if (!button) return;
    const source = button.parentElement.querySelector("pre"), title = button.textContent;
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
    setTimeout(() => { button.textContent = title; }, 1500);
  });

  // On paper nothing can be unfolded: the first failure of each check is printed whole; others, exchanges and the list
  // of all verdicts, which are long, only where the reader has opened them.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll(".block > .more:not([open])")];
    opened.forEach((node) => { node.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((node) => { node.open = false; }));
})();
