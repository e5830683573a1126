// Ask how far a job is, once a second; when it is over, show the page anew.
"use strict";
const work = document.getElementById("work");
const bar = work.querySelector("progress");

async function ask() {
  try {
    const answer = await fetch(work.dataset.progress, { headers: { Accept: "application/json" } });
    if (answer.ok && answer.headers.get("Content-Type").startsWith("application/json")) {
      const progress = await answer.json();
      bar.max = progress.total;
      bar.value = progress.done + progress.refused;
      document.getElementById("done").textContent = progress.done;
      document.getElementById("refused").textContent = progress.refused;
      if (progress.is_over) {
        window.location.reload();
        return;
      }
    }
  } catch (error) {
    // The network comes back; the job does not wait for us.
  }
  window.setTimeout(ask, 1000);
}

ask();
