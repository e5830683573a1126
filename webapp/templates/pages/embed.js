// Puts the booking form of a venue where the script stands.
(() => {
  "use strict";
  const frame = document.createElement("iframe");
  frame.src = {{ address | tojson }};
  frame.title = {{ name | tojson }};
  frame.style.cssText = "width: 100%; height: 44rem; border: 0;";
  document.currentScript.after(frame);
  // The form says how high it is; nothing else is believed.
  window.addEventListener("message", (event) => {
    if (event.origin !== {{ origin | tojson }} || event.source !== frame.contentWindow) return;
    const height = Number(event.data && event.data.holdfastHeight);
    if (height > 0 && height < 20000) frame.style.height = `${Math.ceil(height)}px`;
  });
})();
