/*
 * On the page about reading without a network: a button that keeps the whole site, what is kept,
 * and a way to remove it.
 */

/** @param {number} bytes @returns {string} */
const megabytes = (bytes) => `${Math.ceil(bytes / 1e6)}\u00a0MB`;

/** @param {string} text @param {() => void} press @returns {HTMLButtonElement} */
function button(text, press) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "lg-keep__button";
  made.textContent = text;
  made.addEventListener("click", press);
  return made;
}

/** @param {URL} home @returns {Promise<string[]>} the names of this version's caches */
async function ours(home) {
  return (await caches.keys()).filter((name) => name.startsWith(`livegrad ${home.pathname} `));
}

/** @param {URL} home @returns {Promise<{pages: number, whole: boolean}>} what is kept now */
async function kept(home) {
  const found = new Set();
  for (const name of await ours(home)) {
    for (const { url } of await (await caches.open(name)).keys()) found.add(url);
  }
  const whole = found.delete(new URL("?whole", home).href);
  return { pages: [...found].filter((url) => url.endsWith("/")).length, whole };
}

/** @param {string} page @returns {string} what to say of a page that was asked for in vain */
const missing = (page) =>
  `The network does not answer, and the page “${page}” is not kept on this device.`;

/** @param {HTMLElement} place @param {URL} home */
export async function show(place, home) {
  const state = document.createElement("p");
  state.setAttribute("role", "status");
  const wanted = new URL(location.href).searchParams.get("page");
  if (wanted !== null) {
    const said = document.createElement("p");
    said.className = "lg-keep__missing";
    said.textContent = missing(wanted || "Livegrad");
    place.before(said);
  }
  if (!("serviceWorker" in navigator)) {
    state.textContent = "This browser cannot keep pages, or not at this address.";
    place.replaceChildren(state);
    return;
  }
  const { active } = await navigator.serviceWorker.ready;
  const size = await fetch(new URL("files.json", home)).then(
    async (answer) => megabytes((await answer.json()).bytes),
    () => "",
  );

  async function tell(more = "") {
    const now = await kept(home);
    const all = now.whole ? "The whole site is kept on this device" : "Kept on this device";
    state.textContent = `${more}${all}: ${now.pages} ${now.pages === 1 ? "page" : "pages"}.`;
    keep.hidden = now.whole || !size;
    remove.hidden = !now.pages;
  }

  const keep = button(`Keep the whole site on this device (${size})`, () => {
    keep.disabled = true;
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener("message", async ({ data }) => {
      if (data.of) {
        state.textContent = `${data.done} of ${data.of} files`;
        return;
      }
      keep.disabled = false;
      port1.close();
      await tell(data.failed ? "Not all of it came. " : "");
    });
    port1.start();
    active.postMessage({ whole: true }, [port2]);
  });
  const remove = button("Remove what is kept", async () => {
    for (const name of await ours(home)) await caches.delete(name);
    await tell();
  });
  await tell();
  const buttons = document.createElement("p");
  buttons.append(keep, " ", remove);
  place.replaceChildren(state, buttons);
}
