// The first page kept fresh: a booking that comes in shows without reload. Without this script the
// page is whole, and as old as it is.
"use strict";

(() => {
  const live = document.getElementById("live");
  const state = document.getElementById("live-state");
  const AGAIN_MS = 15000;
  const COLOURS = ["#2f6f6a", "#d08b3c", "#5a76b8", "#a8556b", "#7d8f45", "#8566a8", "#4d9fb5", "#8a7560"];
  const charts = {};
  let isFetching = false;
  let isDue = false;
  let newest = live.dataset.newest;

  function draw() {
    const figures = JSON.parse(document.getElementById("figures").textContent);
    for (const [name, chart] of Object.entries(figures)) {
      const canvas = document.getElementById(name);
      const isLine = name === "occupancy" && chart.series.length > 1;
      const datasets = chart.series.map((series, index) => ({
        label: series.name,
        data: series.values,
        backgroundColor: COLOURS[index % COLOURS.length],
        borderColor: COLOURS[index % COLOURS.length],
        borderWidth: isLine ? 2 : 0,
        pointRadius: 2,
      }));
      canvas.hidden = datasets.length === 0;
      if (charts[name] && charts[name].config.type === (isLine ? "line" : "bar")) {
        charts[name].data = { labels: chart.labels, datasets };
        charts[name].update("none");
        continue;
      }
      if (charts[name]) charts[name].destroy();
      charts[name] = new Chart(canvas, {
        type: isLine ? "line" : "bar",
        data: { labels: chart.labels, datasets },
        options: options(chart, name === "arrivals"),
      });
    }
  }

  function options(chart, isStacked) {
    return {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      plugins: {
        legend: { display: chart.series.length > 1, position: "bottom", labels: { boxWidth: 12 } },
        tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${item.formattedValue}${chart.unit}` } },
      },
      scales: {
        x: { stacked: isStacked, grid: { display: false } },
        y: {
          stacked: isStacked,
          beginAtZero: true,
          max: chart.unit === "%" ? 100 : undefined,
          ticks: { precision: 0, callback: (value) => `${value}${chart.unit}` },
        },
      },
    };
  }

  async function refresh() {
    if (isFetching) {
      isDue = true;
      return;
    }
    isFetching = true;
    try {
      const answer = await fetch(live.dataset.part, { credentials: "same-origin" });
      if (answer.redirected) return location.reload();
      if (answer.ok) put(await answer.text());
    } catch {
      // The stream tells when the server is back.
    } finally {
      isFetching = false;
    }
    if (isDue) {
      isDue = false;
      refresh();
    }
  }

  function put(page) {
    const focused = live.contains(document.activeElement) && document.activeElement.getAttribute("href");
    const isOpen = live.querySelector("details")?.open;
    live.innerHTML = page;
    if (isOpen) live.querySelector("details").open = true;
    if (focused) [...live.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
    draw();
    state.textContent = `Live, changed at ${new Date().toLocaleTimeString()}`;
  }

  function listen() {
    const source = new EventSource(live.dataset.stream);
    source.addEventListener("open", () => { if (!state.textContent) state.textContent = "Live"; });
    source.addEventListener("changed", (event) => {
      if (event.data === newest) return;
      newest = event.data;
      refresh();
    });
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return;
      // All places to wait are taken, or nobody is signed in any more: look now and then instead.
      setTimeout(() => { refresh(); listen(); }, AGAIN_MS);
    });
  }

  draw();
  listen();
})();
