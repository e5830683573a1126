// A slot's form in a dialog over the calendar, instead of on a page of its own.
"use strict";

(() => {
  const dialog = document.getElementById("dialog");
  if (!dialog || !dialog.showModal) return;

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-slot]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    try {
      const answer = await fetch(link.href, { credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const form = page.getElementById("slot-form");
      if (!answer.ok || !form) throw new Error("no form");
      dialog.replaceChildren(document.adoptNode(form));
      dialog.showModal();
      dialog.querySelector("input:not([type=hidden])")?.focus();
    } catch {
      location.assign(link.href);
    }
  });

  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });
})();
