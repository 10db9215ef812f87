/*
 * Predict first: each fold that asks becomes a form. The reader guesses, says how sure, and sees
 * the guess beside what came out, with the reply that belongs to it. The words are those that
 * stand in the fold for readers without a script; nothing is sent.
 */

import { SURE, answers, keep, node } from "./predict/kept.js";
import { sideOfNumber, spoken, stops, written } from "./predict/scale.js";
import { listen, say } from "./predict/words.js";

/**
 * What each kind of guess can do.
 * @typedef {object} Guess
 * @property {Element} element
 * @property {() => any} read - the guess, or undefined while there is none
 * @property {() => string} missing - what to do before there is one
 * @property {(guess: any) => number | string} judge - the reply that belongs to it
 * @property {(guess: any) => boolean} fits - whether something that was kept can be shown
 * @property {(guess: any) => Node | string} words
 * @property {(guess?: any) => void} show - this guess beside the answer, or none, to guess anew
 * @property {() => HTMLElement} first - what is moved or chosen first
 */

const SIDES = ["right", "above", "below"];
// An answer counts once, in whatever language the question was read.
const home = (fold) => fold.dataset.home ?? location.pathname.slice(window.__md_scope.pathname.length);

/** @param {Element} fold @param {number} right @returns {Guess} one of several sentences */
function choices(fold, right) {
  const list = fold.querySelector(".lg-predict__choices");
  const items = [...list.children];
  const labels = items.map((item, at) => {
    const input = node("input", { type: "radio", name: `guess-${fold.dataset.predict}`, value: at, required: true });
    const said = node("span", {}, ...item.childNodes);
    const mark = node("span", { class: "lg-predict__mark" });
    // In one run of text: beside a long choice, a column of its own would be a word wide.
    item.append(node("label", {}, input, node("span", {}, said, " ", mark)));
    return { item, input, mark, said };
  });
  return {
    element: list,
    read: () => {
      const at = labels.findIndex(({ input }) => input.checked);
      return at < 0 ? undefined : at;
    },
    missing: () => say("Choose one first."),
    judge: (guess) => guess,
    fits: (guess) => guess in labels,
    words: (guess) => labels[guess].said.cloneNode(true),
    show(guess) {
      for (const [at, { item, input, mark }] of labels.entries()) {
        input.checked = at === guess;
        input.disabled = guess !== undefined;
        const kind = guess === undefined ? "" : at === right ? "came" : at === guess ? "missed" : "";
        item.dataset.mark = kind;
        mark.textContent = kind && `(${kind === "came" ? say("came out") : say("your guess")})`;
      }
    },
    first: () => labels[0].input,
  };
}

/** @param {Element} fold @returns {Guess} a number on a slider */
function number(fold) {
  const asked = JSON.parse(fold.dataset.asked);
  const all = stops(asked);
  const unit = asked.unit && ` ${asked.unit}`;
  const middle = Math.floor(all.length / 2);
  const input = node("input", { type: "range", min: 0, max: all.length - 1, step: 1, "aria-label": say("Your guess") });
  const output = node("span", { class: "lg-predict__value", "aria-hidden": "true" });
  const ends = [all[0], all.at(-1)].map((end) => node("span", {}, written(end)));
  const element = fold.querySelector(".lg-predict__scale");
  const made = node("div", { class: "lg-predict__number" }, output, input, node("div", { class: "lg-predict__ends", "aria-hidden": "true" }, ...ends));
  element.replaceWith(made);
  let touched = false;
  const words = (value) => {
    const [eye, ear] = [written(value), spoken(value)];
    return `${eye}${unit}${asked.log && ear !== eye ? ` (${ear})` : ""}`;
  };
  const update = () => {
    const value = all[input.value];
    output.textContent = touched ? words(value) : say("Move the slider");
    input.setAttribute("aria-valuetext", touched ? `${spoken(value)}${unit}` : say("not moved yet"));
  };
  input.addEventListener("input", () => {
    touched = true;
    update();
  });
  return {
    element: made,
    read: () => (touched ? all[input.value] : undefined),
    missing: () => say("Move the slider first."),
    judge: (guess) => sideOfNumber(guess, asked),
    fits: Number.isFinite,
    words,
    show(guess) {
      touched = guess !== undefined;
      input.disabled = touched;
      const far = all.map((one) => Math.abs(one - guess));
      input.value = touched ? far.indexOf(Math.min(...far)) : middle;
      update();
    },
    first: () => input,
  };
}

/** @param {Element} fold @returns {Promise<Guess>} a curve, whose part is loaded where one is asked for */
async function drawing(fold) {
  const { curve } = await import("./predict/curve.js");
  const made = curve(JSON.parse(fold.dataset.asked));
  fold.querySelector(".lg-predict__scale").replaceWith(made.element);
  return made;
}

/** @param {string} id @returns {HTMLElement} how sure, in three steps */
function sureness(id) {
  const steps = Object.entries(SURE).map(([share, word]) =>
    node("label", {}, node("input", { type: "radio", name: `sure-${id}`, value: share, required: true }), node("span", {}, `${say(word)}, ${share} %`)),
  );
  return node("fieldset", { class: "lg-predict__sure" }, node("legend", {}, say("How sure are you?")), node("div", {}, ...steps));
}

/** @param {HTMLElement} fold */
async function mount(fold) {
  const { predict, kind } = fold.dataset;
  const name = `${home(fold)}#${predict}`;
  const replies = [...fold.querySelectorAll(".lg-predict__replies > li")];
  const right = replies.findIndex((reply) => "right" in reply.dataset);
  const bodies = replies.map((reply) => [...reply.childNodes].slice(1));
  const result = [...fold.querySelector(".lg-predict__result").childNodes];
  const guess = await { choices: () => choices(fold, right), number: () => number(fold), curve: () => drawing(fold) }[kind]();
  fold.querySelector(".lg-predict__answer").remove();

  const question = fold.querySelector("summary");
  const state = node("span", { class: "lg-predict__state" });
  question.append(state);
  const own = node("fieldset", { class: "lg-predict__guess" }, node("legend", { class: "lg-said" }, say("Your guess")));
  guess.element.replaceWith(own);
  own.append(guess.element);
  const sure = sureness(predict);
  const button = node("button", { type: "submit" }, say("Answer"));
  const lead = question.querySelector(".lg-predict__lead").textContent;
  const asks = question.textContent.replace(lead, "").trim();
  const form = node("form", { class: "lg-predict__form", "aria-label": asks });
  const said = node("div", { class: "lg-predict__said", "aria-live": "polite" });
  own.replaceWith(form);
  form.append(own, sure, button);
  form.after(said);

  let answered = false;

  /** @param {import("./predict/kept.js").Answer} answer @param {boolean} counts */
  function reveal(answer, counts) {
    answered = true;
    guess.show(answer.guess);
    for (const input of sure.querySelectorAll("input")) {
      input.checked = Number(input.value) === answer.sure;
      input.disabled = true;
    }
    const belongs = guess.judge(answer.guess);
    const reply = typeof belongs === "string" ? SIDES.indexOf(belongs) : belongs;
    const side = (head, ...children) => node("p", {}, node("span", { class: "lg-predict__head" }, head), ...children);
    said.replaceChildren(
      node("div", { class: "lg-predict__sides" }, side(say("Your guess"), guess.words(answer.guess)), side(say("What came out"), ...result)),
      node("p", {}, node("strong", {}, answer.right ? say("Right.") : say("Missed.")), " ", ...bodies[reply]),
    );
    if (!counts) said.append(node("p", { class: "lg-predict__hint" }, say("Your first answer is the one that counts.")));
    button.textContent = say("Try again");
  }

  function anew() {
    answered = false;
    guess.show();
    for (const input of sure.querySelectorAll("input")) input.checked = input.disabled = false;
    said.replaceChildren();
    button.textContent = say("Answer");
    guess.first().focus();
  }

  /** In the question's line, what the first answer was. */
  function tell() {
    const first = answers()[name];
    state.textContent = first ? (first.right ? say("right") : say("missed")) : "";
    return first;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (answered) {
      anew();
      return;
    }
    const value = guess.read();
    if (value === undefined) {
      said.replaceChildren(node("p", {}, guess.missing()));
      guess.first().focus();
      return;
    }
    const belongs = guess.judge(value);
    const chosen = sure.querySelector("input:checked");
    const answer = { guess: value, sure: Number(chosen.value), right: belongs === "right" || belongs === right };
    reveal(answer, keep(name, answer));
    tell();
  });

  const first = tell();
  guess.show();
  if (first && guess.fits(first.guess)) reveal(first, true);
  fold.dataset.ready = "";
}

// Material's stream of documents: the first, and each that instant navigation brings.
window.document$.subscribe(() => {
  listen();
  for (const fold of document.querySelectorAll(".lg-predict:not([data-begun])")) {
    fold.dataset.begun = "";
    mount(fold);
  }
});
