/**
 * Wakes the explorers of a page: each is loaded when it comes near the screen, on the first page
 * and on those that instant navigation brings. Until then, and without scripts, its place shows
 * the static figure.
 */
const NEAR = "600px 0px";
let mounted = [];

const watcher = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      wake(target);
    }
  },
  { rootMargin: NEAR },
);

async function wake(element) {
  const [kit, explorer] = await Promise.all([
    import("./kit.js"),
    import(`./${element.dataset.explorer}.js`),
  ]);
  // The reader may have left the page meanwhile.
  if (element.isConnected && !element.explorer) mounted.push(kit.mount(element, explorer.default));
}

function arrive() {
  for (const explorer of mounted) if (!explorer.element.isConnected) explorer.leave();
  mounted = mounted.filter((explorer) => explorer.element.isConnected);
  watcher.disconnect();
  for (const element of document.querySelectorAll(".lg-explorer:not([data-ready])")) {
    watcher.observe(element);
  }
}

// Material's stream of documents also gives the one that is there now.
if (window.document$) window.document$.subscribe(arrive);
else arrive();
