/*
 * One slide at a time, by keys, touch and buttons. The document is one long page without it; the
 * style sheet makes slides of it as soon as the body has the class that is given here.
 */

const body = document.body;
const slides = [...document.querySelectorAll(".slide")];
const SMALLEST = 0.3;
const SWIPE = 50; // pixels
const KEYS = "lg.keys";
let at = 0;

/** @param {string} name @returns {HTMLButtonElement} the button that does it */
const button = (name) => document.querySelector(`[data-deck=${name}]`);

/** @returns {number} the slide that the address names, or that has in it what the address names */
function addressed() {
  let name = location.hash.slice(1);
  try {
    name = decodeURIComponent(name);
  } catch {
    // No name that was written here.
  }
  const slide = document.getElementById(name)?.closest(".slide");
  return Math.max(0, slides.indexOf(slide));
}

/** Whether anything in a slide is wider or higher than its place. @param {HTMLElement} slide */
function overflows(slide) {
  const place = slide.querySelector(".slide__body");
  const content = place.firstElementChild;
  if (Math.max(place.scrollHeight, content.scrollHeight) > place.clientHeight) return true;
  if (content.scrollWidth > place.clientWidth) return true;
  const wide = [...content.querySelectorAll("pre > code, .lg-math, table")];
  return wide.some((one) => one.scrollWidth > one.clientWidth + 1 || one.offsetWidth > place.clientWidth + 1);
}

/** Make what a slide shows as small as it must be. All is in one unit, so once is enough. @param {HTMLElement} slide */
function fit(slide) {
  const content = slide.querySelector(".slide__fit");
  if (slide.dataset.fits || !content.clientWidth) return;
  const set = (part) => content.style.setProperty("--fit", part.toFixed(3));
  set(1);
  if (overflows(slide)) {
    let [small, large] = [SMALLEST, 1];
    for (let step = 0; step < 7; step++) {
      const middle = (small + large) / 2;
      set(middle);
      if (overflows(slide)) large = middle;
      else small = middle;
    }
    set(small);
  }
  slide.dataset.fits = "";
}

/** Scroll on a phone, or the whole slide at once. @returns {boolean} */
const flows = () => getComputedStyle(slides[at]).position === "relative";

/** @param {number} to @param {boolean} [focus] - so that a screen reader reads the slide */
function show(to, focus = true) {
  at = Math.min(slides.length - 1, Math.max(0, to));
  for (const [n, slide] of slides.entries()) slide.classList.toggle("now", n === at);
  const slide = slides[at];
  if (!flows() && !body.classList.contains("overview")) fit(slide);
  document.querySelector(".deck-bar__at").textContent = `${at + 1} of ${slides.length}`;
  document.querySelector(".deck-bar__page").href = slide.querySelector(".lg-place a").href;
  button("back").disabled = at === 0;
  button("on").disabled = at === slides.length - 1;
  body.style.setProperty("--done", (at + 1) / slides.length);
  // The search of the address has the setting of an explorer.
  history.replaceState(null, "", `${location.pathname}${location.search}#${slide.id}`);
  if (body.classList.contains("overview")) slide.scrollIntoView({ block: "nearest" });
  else scrollTo(0, 0);
  if (focus) slide.focus({ preventScroll: true });
}

/** @param {string} name - of a class and of a button @param {boolean} [on] */
function turn(name, on) {
  const is = body.classList.toggle(name, on);
  button(name).setAttribute("aria-pressed", String(is));
  return is;
}

function overview(on) {
  const is = turn("overview", on);
  for (const slide of slides) {
    slide.querySelector(".slide__body").inert = is;
    if (is) fit(slide);
  }
  show(at);
}

function dark(on = body.dataset.mdColorScheme !== "slate") {
  body.dataset.mdColorScheme = on ? "slate" : "default";
  button("dark").setAttribute("aria-pressed", String(on));
}

/** Letters alone do something unless the reader has turned that off, here and on the lessons. */
function letters() {
  try {
    return localStorage.getItem(KEYS) !== "off";
  } catch {
    return true;
  }
}

const DO = {
  back: () => show(at - 1),
  on: () => show(at + 1),
  notes() {
    turn("notes");
    show(at);
  },
  overview: () => overview(),
  full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen?.();
  },
  dark: () => dark(),
  keys() {
    const off = letters();
    try {
      localStorage.setItem(KEYS, off ? "off" : "on");
    } catch {
      return; // nothing could be kept, so nothing changes
    }
    button("keys").setAttribute("aria-pressed", String(!off));
  },
};
const LETTERS = { n: DO.notes, o: DO.overview, f: DO.full, d: DO.dark, s: () => document.querySelector(".deck-bar__page").click() };
const WAYS = {
  ArrowRight: DO.on,
  PageDown: DO.on,
  ArrowLeft: DO.back,
  PageUp: DO.back,
  Home: () => show(0),
  End: () => show(slides.length - 1),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const target = event.target;
  if (target.closest("input, select, textarea, [role=slider]")) return;
  const pressed = target.closest("button, a, summary");
  let act = WAYS[event.key];
  if (event.key === " " && !pressed) act = event.shiftKey ? DO.back : DO.on;
  if (event.key === "Enter" && !pressed && body.classList.contains("overview")) act = DO.overview;
  if (event.key === "Escape" && body.classList.contains("overview")) act = DO.overview;
  if (letters()) act ??= LETTERS[event.key];
  // A page that scrolls keeps the keys that scroll it.
  if (flows() && ["PageDown", "PageUp", " ", "Home", "End"].includes(event.key)) return;
  if (!act) return;
  event.preventDefault();
  act();
});

document.querySelector(".deck-bar").addEventListener("click", (event) => {
  DO[event.target.closest("[data-deck]")?.dataset.deck]?.();
});

document.querySelector(".deck").addEventListener("click", (event) => {
  if (!body.classList.contains("overview")) return;
  const slide = event.target.closest(".slide");
  if (!slide) return;
  event.preventDefault();
  at = slides.indexOf(slide);
  overview(false);
});

let from = null;
document.addEventListener(
  "touchstart",
  ({ target, touches: [touch, second] }) => {
    const own = second || target.closest(".lgx, pre, table, .lg-math, .deck-bar, input");
    from = own ? null : [touch.clientX, touch.clientY];
  },
  { passive: true },
);
document.addEventListener("touchend", ({ changedTouches: [touch] }) => {
  if (!from || body.classList.contains("overview")) return;
  const [x, y] = [touch.clientX - from[0], touch.clientY - from[1]];
  from = null;
  if (Math.abs(x) > SWIPE && Math.abs(x) > 2 * Math.abs(y)) show(at + (x < 0 ? 1 : -1));
});

addEventListener("hashchange", () => show(addressed()));
document.addEventListener("fullscreenchange", () => {
  button("full").setAttribute("aria-pressed", String(Boolean(document.fullscreenElement)));
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ({ matches }) => dark(matches));
// A window that became wide enough for whole slides; what fits does so at every width.
addEventListener("resize", () => {
  if (!flows()) fit(slides[at]);
});
addEventListener("beforeprint", () => {
  body.classList.add("printing");
  slides.forEach(fit);
});
addEventListener("afterprint", () => body.classList.remove("printing"));

body.classList.add("live");
dark(body.dataset.mdColorScheme === "slate");
button("keys").setAttribute("aria-pressed", String(letters()));
button("full").hidden = !document.documentElement.requestFullscreen;
show(addressed(), false);
