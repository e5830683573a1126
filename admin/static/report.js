// The charts of a report. Without this script its figures are in the table below.
"use strict";

(() => {
  const charts = JSON.parse(document.getElementById("report-charts").textContent);
  charts.forEach((chart, number) => {
    new Chart(document.getElementById(`chart-${number}`), {
      type: chart.is_line ? "line" : "bar",
      data: {
        labels: chart.labels,
        datasets: chart.series.map((series) => ({
          label: series.name,
          data: series.values,
          backgroundColor: series.colour,
          borderColor: series.colour,
          borderWidth: chart.is_line ? 2 : 0,
          pointRadius: 2,
        })),
      },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        plugins: {
          legend: { display: chart.series.length > 1, position: "bottom", labels: { boxWidth: 12 } },
        },
        scales: {
          x: { stacked: !chart.is_line, grid: { display: false } },
          y: { stacked: !chart.is_line, beginAtZero: true },
        },
      },
    });
  });
})();
