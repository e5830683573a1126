// What pages do better with JavaScript; all of it works without.
(() => {
  "use strict";

  // A form that books is sent once, however often it is pressed. (The server sees to it as well.)
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches(".once")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    form.setAttribute("aria-busy", "true");
  });
  // The back button may show the page as it was left.
  window.addEventListener("pageshow", () => {
    document.querySelectorAll(".once[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
    });
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest(".print")) window.print();
  });

  // Say so where the reader's own clock shows another time than the venue's.
  const offset = (zone) =>
    new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" })
      .formatToParts(new Date())
      .find((part) => part.type === "timeZoneName").value;
  const nameZones = (root) => {
    root.querySelectorAll("[data-zone]:not(.told)").forEach((told) => {
      const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
      told.classList.add("told");
      if (own && offset(own) !== offset(told.dataset.zone)) {
        told.classList.add("differs");
        told.append(" ", told.dataset.differs);
      }
    });
  };

  // The time that is left to confirm a hold.
  const tick = () => {
    document.querySelectorAll("[data-until]").forEach((told) => {
      const left = Math.max(0, Math.floor((Date.parse(told.dataset.until) - Date.now()) / 1000));
      const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
      told.textContent = told.dataset.said.replace("{}", text);
    });
  };
  setInterval(tick, 1000);

  const improve = (root) => {
    nameZones(root);
    tick();
    root.querySelectorAll(".print").forEach((button) => (button.hidden = false));
  };
  // The bookings that the service worker keeps, on the page that is shown without a net.
  const listKept = async (section) => {
    const cache = await caches.open("bookings");
    for (const request of (await cache.keys()).reverse()) {
      const html = await (await cache.match(request)).text();
      const link = document.createElement("a");
      link.href = new URL(request.url).pathname;
      link.textContent = new DOMParser().parseFromString(html, "text/html").title;
      const item = document.createElement("li");
      item.append(link, ` ${link.href.split("/").at(-2)}`);
      section.querySelector("ul").append(item);
      section.hidden = false;
    }
  };
  const kept = document.getElementById("kept");
  if (kept && "caches" in window) listKept(kept);

  const isFramed = document.body.classList.contains("framed");
  if ("serviceWorker" in navigator && !isFramed) navigator.serviceWorker.register("/sw.js");

  // In a frame the page around it is told how high this one is, and nothing else.
  if (isFramed && window.parent !== window) {
    new ResizeObserver(() => {
      window.parent.postMessage({ holdfastHeight: document.documentElement.offsetHeight }, "*");
    }).observe(document.documentElement);
  }

  document.addEventListener("htmx:load", (event) => improve(event.target));
  improve(document);
})();
