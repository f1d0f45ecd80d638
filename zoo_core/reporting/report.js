"use strict";

// Charts are drawn when they come near the screen, or when the page is printed.
const figures = new Map();
document.querySelectorAll("script.chart").forEach((source) => figures.set(source.previousElementSibling, source));

function draw(place) {
  const source = figures.get(place);
  if (!source) return;
  figures.delete(place);
  const { data, layout } = JSON.parse(source.textContent);
  Plotly.newPlot(place, data, layout, { displaylogo: false, responsive: true, displayModeBar: false });
}

const watch = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((e) => e.isIntersecting)) {
    watch.unobserve(entry.target);
    draw(entry.target);
  }
}, { rootMargin: "400px" });
for (const place of figures.keys()) watch.observe(place);
addEventListener("beforeprint", () => [...figures.keys()].forEach(draw));

// A click on a heading sorts by its column, a second one the other way round; what has no number stays last.
document.querySelectorAll("th button").forEach((button) => {
  button.addEventListener("click", () => {
    const heading = button.closest("th");
    const body = heading.closest("table").tBodies[0];
    const column = heading.cellIndex;
    const way = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", way === 1 ? "ascending" : "descending");
    const key = (row) => row.cells[column].dataset.value ?? null;
    const text = (row) => row.cells[column].textContent.trim();
    const numeric = heading.classList.contains("number");
    const rows = [...body.rows].sort((a, b) => {
      if (!numeric) return way * text(a).localeCompare(text(b));
      if (key(a) === null || key(b) === null) return (key(a) === null) - (key(b) === null);
      return way * (Number(key(a)) - Number(key(b)));
    });
    body.append(...rows);
  });
});
