/*
 * What the theme leaves out for readers who use a keyboard or a screen reader: buttons that open
 * the menu and the search, a key for the slides, and no landmark for every copy button. And a link
 * to another language keeps the reader's place, and a link to a section of a page leads there.
 */

/** @param {"drawer" | "search"} name @returns {HTMLInputElement} the box that opens it */
const toggle = (name) => document.querySelector(`[data-md-toggle=${name}]`);

/** Tell assistive technology whether the menu is open. */
function tell() {
  document
    .querySelector("[data-lg-press=drawer]")
    ?.setAttribute("aria-expanded", String(toggle("drawer").checked));
}

/**
 * The header, which stays in sight, has what leads to this page in another language. Instant
 * navigation leaves the document's own language as it was.
 */
function speak() {
  const own = document.querySelector("article [data-lg-own]");
  document.documentElement.lang = own?.dataset.lgOwn ?? "en";
  const links = document.querySelectorAll("article [data-lg-language]");
  const short = [...links].map((link) => {
    const made = /** @type {HTMLAnchorElement} */ (link.cloneNode());
    made.href = link.href;
    made.className = "md-header__button";
    made.textContent = link.hreflang.toUpperCase();
    made.title = link.textContent.trim();
    made.setAttribute("aria-label", `${made.textContent}: ${made.title}`);
    return made;
  });
  document.querySelector("[data-lg-languages]")?.replaceChildren(...short);
}

/** Another language opens at the same section: its titles have the same names. */
document.addEventListener(
  "click",
  ({ target }) => {
    const link = target.closest?.("[data-lg-language]");
    if (link) link.hash = location.hash;
  },
  { capture: true },
);

/** Where the link leads that was followed last, if that is a section. */
let followed = "";

document.addEventListener(
  "click",
  ({ target }) => {
    const link = target.closest?.("a[href]");
    followed = link?.hash ? link.href : "";
  },
  { capture: true },
);

/**
 * A page that is left while it still scrolls has the theme keep its height under the next one's
 * address, and go there in place of the section.
 */
function land() {
  if (followed !== location.href) return;
  followed = "";
  requestAnimationFrame(() => {
    const section = document.getElementById(location.hash.slice(1));
    if (section && !section.matches(":target")) location.replace(location.hash);
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-lg-press]");
  if (!button) return;
  const name = button.dataset.lgPress;
  toggle(name).click();
  if (name === "search") document.querySelector("[data-md-component=search-query]").focus();
});

document.addEventListener("change", (event) => {
  const drawer = toggle("drawer");
  if (event.target !== drawer) return;
  tell();
  // The menu is hidden until the frame after the next.
  const enter = () => document.querySelector(".md-nav--primary .md-nav__list a")?.focus();
  if (drawer.checked) requestAnimationFrame(() => requestAnimationFrame(enter));
});

document.addEventListener("keydown", (event) => {
  const drawer = toggle("drawer");
  if (event.key !== "Escape" || !drawer.checked) return;
  drawer.click();
  document.querySelector("[data-lg-press=drawer]").focus();
});

/** @returns {boolean} whether letters alone do something, which the slides can turn off */
function letters() {
  try {
    return localStorage.getItem("lg.keys") !== "off";
  } catch {
    return true;
  }
}

/*
 * On a lesson the letter s leads to its slides. The theme would open the search, as it does for f
 * and for a slash.
 */
window.addEventListener(
  "keydown",
  (event) => {
    const slides = document.querySelector(".lg-place__slides");
    if (event.key !== "s" || event.ctrlKey || event.metaKey || event.altKey || !slides) return;
    if (toggle("search").checked || event.target.closest("input, select, textarea")) return;
    event.stopImmediatePropagation();
    if (letters()) location.assign(slides.href);
  },
  { capture: true },
);

/** A row of copy buttons is no landmark. */
function quieten() {
  for (const nav of document.querySelectorAll(".md-code__nav:not([role])")) {
    nav.setAttribute("role", "none");
  }
}

window.document$.subscribe(speak);
window.document$.subscribe(land);

new MutationObserver(quieten).observe(document.body, { childList: true, subtree: true });
quieten();
