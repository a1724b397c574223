"use strict";
// The plots: drawn after the page's first paint, again in other colours, and for paper.
(() => {
  const root = document.getElementById("figures"), probe = document.createElement("span");
  document.body.append(probe);
  const colour = (name) => { probe.style.color = `var(${name})`; return getComputedStyle(probe).color; };
  const axis = (title) => ({
    title: { text: title, font: { size: 12 } }, gridcolor: colour("--line"), linecolor: colour("--line"),
    zeroline: false, automargin: true, rangemode: "tozero",
  });
  const layout = (figure) => ({
    margin: { l: 52, r: 12, t: 12, b: 44 }, yaxis: axis(figure.y),
    xaxis: { ...axis(figure.x), ...(figure.log ? { type: "log", dtick: "D2" } : {}) },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: colour("--ink"), size: 12 },
    colorway: ["#4a90d9", "#e08a1e", "#d9534f", "#3aa76d", "#a26bc0"], showlegend: figure.traces.length > 1,
    legend: { orientation: "h", y: 1.03, yanchor: "bottom", x: 0 }, hovermode: "closest",
    hoverlabel: { bgcolor: colour("--card"), font: { color: colour("--ink") } },
  });
  const plots = figures.map((figure, number) => {
    const card = document.createElement("article"), head = document.createElement("h3"), plot = document.createElement("div");
    card.className = "plot";
    head.textContent = figure.title;
    head.id = `plot${number}`;
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-labelledby", head.id);
    card.append(head, plot);
    root.append(card);
    return plot;
  });
  const draw = (more = {}) => plots.forEach((plot, number) => {
    const figure = figures[number];
    Plotly.react(plot, figure.traces, { ...layout(figure), ...more }, { responsive: true, displaylogo: false, displayModeBar: false });
  });
  requestAnimationFrame(() => setTimeout(() => {
    draw();
    addEventListener("theme", () => draw());
    addEventListener("beforeprint", () => draw({ width: 620, height: 250, font: { color: "#000", size: 12 } }));
    addEventListener("afterprint", () => draw());
  }));
})();
