/*
 * Lets the worker keep what is visited, once the page is there and the reader is served. Only a
 * built site has a worker: what an author has just written must be seen.
 */

const manifest = document.querySelector("link[rel=manifest]");
const home = new URL("./", manifest.href);

/** @returns {string[]} addresses of the page and of what came with it, of this site alone */
function visited() {
  const loaded = performance.getEntriesByType("resource").map((entry) => entry.name);
  return [location.href, ...loaded].filter((address) => address.startsWith(home.href));
}

async function begin() {
  const alone = !navigator.serviceWorker.controller;
  try {
    await navigator.serviceWorker.register(new URL("worker.js", home), { scope: home.pathname });
    const { active } = await navigator.serviceWorker.ready;
    // What came before there was a worker, it has not seen.
    if (alone) active.postMessage({ visited: visited() });
  } catch {
    // A reader who forbids storage reads on with a network.
  }
}

if ("serviceWorker" in navigator) {
  if (document.readyState === "complete") begin();
  else window.addEventListener("load", begin);
}

window.document$.subscribe(async () => {
  const place = document.querySelector("[data-lg-keep]");
  if (place) (await import("./keep.js")).show(place, home);
});
