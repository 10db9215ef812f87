/**
 * Keeps the site on the reader's device. The build writes its own digest into this file, so that a
 * new build is a new worker with a cache of its own; it brings along what the reader had kept.
 *
 * What is named by its content is taken from the cache. All else is asked of the network first, and
 * a page that is shown from the cache says so.
 */
const BUILD = "of this build";
const HOME = new URL(self.registration.scope);
// Each version of the site lies in a folder of its own, and has a cache of its own.
const OURS = `livegrad ${HOME.pathname} `;
const CACHE = OURS + BUILD;
const OFFLINE = new URL("reference/offline/", HOME).href;
// What stands in for a page that is not kept, and works though nobody has opened it.
const ALWAYS = [OFFLINE, new URL("assets/keep.js", HOME).href];
// An empty entry of this name says that the reader asked for all.
const WHOLE = new URL("?whole", HOME).href;
const LIST = new URL("files.json", HOME).href;
const NAMED_BY_CONTENT = /\.[0-9a-f]{8}\.min\.(?:js|css)$/;
// So long the network may think before a kept page is shown, in milliseconds.
const PATIENCE = 3000;
const AT_ONCE = 6;

/** @param {string} address @returns {string} what it is kept under: no query, no place on the page */
function key(address) {
  const url = new URL(address);
  url.search = url.hash = "";
  if (url.pathname.endsWith("/index.html")) url.pathname = url.pathname.slice(0, -10);
  return url.href;
}

/** @param {string} address @returns {boolean} */
const isPage = (address) => address.endsWith("/");

/**
 * Fetch each address into the cache. What the site has no more is left out; where the network does
 * not answer, this fails.
 * @param {Cache} cache @param {Iterable<string>} addresses @param {RequestCache} how
 * @param {(done: number) => void} [tell]
 */
async function keep(cache, addresses, how, tell = () => {}) {
  const todo = [...addresses];
  let done = 0;
  async function next() {
    for (let address = todo.pop(); address; address = todo.pop()) {
      const answer = await fetch(address, { cache: how });
      // A page may not be opened from what was answered elsewhere.
      if (answer.ok && !answer.redirected) await cache.put(address, answer);
      tell((done += 1));
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

/** @returns {Promise<string[]>} the addresses of all files of the newest build */
async function everything() {
  const { files } = await (await fetch(LIST, { cache: "no-cache" })).json();
  return files.map((name) => new URL(name, HOME).href);
}

/** @returns {Promise<string[]>} the names of all caches of this version of the site */
const ours = async () => (await caches.keys()).filter((name) => name.startsWith(OURS));

/** Fill the cache of this build with all that was kept of the one before, as it is now. */
async function takeOver() {
  const cache = await caches.open(CACHE);
  const addresses = new Set(ALWAYS);
  for (const name of await ours()) {
    for (const { url } of await (await caches.open(name)).keys()) addresses.add(url);
  }
  if (addresses.delete(WHOLE)) {
    await cache.put(WHOLE, new Response());
    for (const address of await everything()) addresses.add(address);
  }
  await keep(cache, addresses, "no-cache");
  await self.skipWaiting();
}

async function begin() {
  for (const name of await ours()) if (name !== CACHE) await caches.delete(name);
  // No page is loaded anew for it: what is open stays, and what is asked for next is newer.
  await self.clients.claim();
}

/** @param {Response} kept @returns {Promise<Response>} the page, which says that it is a copy */
async function dated(kept) {
  const came = new Date(kept.headers.get("date") ?? Number.NaN);
  const day = came.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
  const when = Number.isNaN(came.valueOf()) ? "" : ` of ${day}`;
  const said = `The network does not answer. This is the copy${when} that is kept on this device.`;
  const place = 'data-md-component="announce">';
  const box = `<p class="lg-kept" role="status">${said}</p>`;
  const text = (await kept.text()).replace(place, place + box);
  return new Response(text, { headers: { "content-type": "text/html; charset=utf-8" } });
}

/** @param {string} address @returns {Response} what stands for a page that is not kept */
const missing = (address) =>
  Response.redirect(`${OFFLINE}?page=${encodeURIComponent(address.slice(HOME.href.length))}`);

/** @param {FetchEvent} event */
async function answer(event) {
  const { request } = event;
  const address = key(request.url);
  const cache = await caches.open(CACHE);
  const kept = await cache.match(address);
  if (kept && NAMED_BY_CONTENT.test(address)) return kept;
  // A page is never taken from the browser's own store unseen.
  const how = isPage(address) ? { cache: "no-cache" } : {};
  const asked = fetch(request, how).then(async (found) => {
    if (found.ok && !found.redirected) await cache.put(address, found.clone());
    return found;
  });
  event.waitUntil(asked.catch(() => {}));
  const patience = new Promise((resolve) => {
    setTimeout(resolve, kept ? PATIENCE : 2 ** 30);
  });
  try {
    const found = await Promise.race([asked, patience]);
    if (found) return found;
  } catch (error) {
    // A script that asked for a page learns that it cannot have it, and goes there as a reader does.
    if (!kept && isPage(address) && request.mode === "navigate") return missing(address);
    if (!kept) throw error;
  }
  return isPage(address) ? dated(kept) : kept;
}

self.addEventListener("install", (event) => event.waitUntil(takeOver()));
self.addEventListener("activate", (event) => event.waitUntil(begin()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(HOME.href)) return;
  if (request.url !== LIST) event.respondWith(answer(event));
});

self.addEventListener("message", (event) => {
  const [port] = event.ports;
  /** What a page has loaded before there was a worker; its bytes are still at hand. */
  async function visited() {
    const cache = await caches.open(CACHE);
    await keep(cache, new Set(event.data.visited.map(key)), "force-cache");
  }
  async function whole() {
    const cache = await caches.open(CACHE);
    const addresses = await everything();
    await keep(cache, addresses, "no-cache", (done) =>
      port.postMessage({ done, of: addresses.length }),
    );
    await cache.put(WHOLE, new Response());
    port.postMessage({ whole: true });
  }
  if (event.data.visited) event.waitUntil(visited().catch(() => {}));
  if (event.data.whole) {
    event.waitUntil(whole().catch(() => port.postMessage({ failed: true })));
  }
});
