// Draws the dashboard's bars from the figures in the page. Colours come from app.css, so they follow the theme.
(() => {
  "use strict";
  const canvas = document.getElementById("chart");
  const figures = JSON.parse(document.getElementById("chart-data").textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  const labels = figures.days.map((value) => day.format(new Date(`${value}T00:00:00Z`)));
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  const series = (label, values, name) => ({
    label, data: values, backgroundColor: colour(name), stack: "messages", maxBarThickness: 18, borderRadius: 2,
  });
  const settings = () => {
    const text = colour("--quiet-text");
    const lines = document.documentElement.dataset.bsTheme === "dark" ? "rgb(255 255 255 / 9%)" : "rgb(0 0 0 / 8%)";
    return {
      type: "bar",
      data: {
        labels,
        datasets: [
          series("Sent", figures.sent, "--chart-sent"),
          series("Opted out", figures.suppressed, "--chart-suppressed"),
          series("Not sent otherwise", figures.other, "--chart-other"),
        ],
      },
      options: {
        animation: still ? false : { duration: 300 },
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        scales: {
          x: { stacked: true, grid: { display: false }, ticks: { color: text, maxRotation: 0, autoSkipPadding: 18 } },
          y: { stacked: true, beginAtZero: true, border: { display: false }, grid: { color: lines }, ticks: { color: text, precision: 0 } },
        },
        plugins: { legend: { position: "bottom", align: "start", labels: { color: text, boxWidth: 12, boxHeight: 12 } } },
      },
    };
  };

  let chart = new Chart(canvas, settings());
  document.addEventListener("theme", () => {
    chart.destroy();
    chart = new Chart(canvas, settings());
  });
})();
