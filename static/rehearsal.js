// Draws the rehearsal's bars whenever its panel has been filled in anew. Colours come from app.css, so they follow the theme.
(() => {
  "use strict";
  let chart = null;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  const draw = () => {
    if (chart) chart.destroy();
    chart = null;
    const canvas = document.querySelector("[data-rehearsal-chart]");
    const data = document.getElementById("rehearsal-data");
    if (!canvas || !data) return;
    const figures = JSON.parse(data.textContent);
    const text = colour("--quiet-text");
    const lines = document.documentElement.dataset.bsTheme === "dark" ? "rgb(255 255 255 / 9%)" : "rgb(0 0 0 / 8%)";
    chart = new Chart(canvas, {
      type: "bar",
      data: {
        labels: figures.days.map((value) => day.format(new Date(`${value}T00:00:00Z`))),
        datasets: [{ label: "Would go", data: figures.counts, backgroundColor: colour("--chart-sent"), maxBarThickness: 18, borderRadius: 2 }],
      },
      options: {
        animation: still ? false : { duration: 300 },
        maintainAspectRatio: false,
        scales: {
          x: { grid: { display: false }, ticks: { color: text, maxRotation: 0, autoSkipPadding: 18 } },
          y: { beginAtZero: true, border: { display: false }, grid: { color: lines }, ticks: { color: text, precision: 0 } },
        },
        plugins: { legend: { display: false } },
      },
    });
  };

  document.addEventListener("htmx:afterSettle", draw);
  document.addEventListener("theme", draw);
})();
