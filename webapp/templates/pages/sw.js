// Keeps the last bookings that were looked at, for times without a net. Nothing that shows what is
// free is ever kept: an old answer must not look like a live one.
"use strict";

const SHELL = "shell-{{ version }}";
const BOOKINGS = "bookings";
const MOST_BOOKINGS = 10;
const FILES = {{ (["/offline"] + files) | tojson }};
const OUTCOME = /^\/bookings\/[A-Z0-9]{7}\/outcome$/;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches.open(SHELL).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting())
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys()
      .then((names) => names.filter((name) => name !== SHELL && name !== BOOKINGS))
      .then((old) => Promise.all(old.map((name) => caches.delete(name))))
      .then(() => self.clients.claim())
  );
});

self.addEventListener("fetch", (event) => {
  const request = event.request;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(visit(event, url));
  else if (FILES.includes(url.pathname + url.search))
    event.respondWith(caches.match(request).then((kept) => kept || fetch(request)));
});

const visit = async (event, url) => {
  try {
    const answer = await fetch(event.request);
    if (answer.ok && !answer.redirected && OUTCOME.test(url.pathname))
      event.waitUntil(keep(url.pathname, answer.clone()));
    return answer;
  } catch (error) {
    return (await kept(url.pathname)) || (await caches.match("/offline"));
  }
};

const keep = async (path, answer) => {
  const cache = await caches.open(BOOKINGS);
  await cache.delete(path);
  await cache.put(path, answer);
  const paths = await cache.keys();
  await Promise.all(paths.slice(0, -MOST_BOOKINGS).map((old) => cache.delete(old)));
};

// A kept page says that it is one.
const kept = async (path) => {
  const answer = await (await caches.open(BOOKINGS)).match(path);
  if (!answer) return null;
  const html = (await answer.text()).replace("data-offline hidden", "data-offline");
  return new Response(html, { headers: answer.headers });
};
