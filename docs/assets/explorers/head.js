/**
 * Which head? A few questions about the labels lead to a row of the page's task table.
 *
 * Nothing is known here that the page does not say: the questions are the nested list that stands
 * in the explorer's place without scripts, the answers are the table that `livegrad.outputs` made.
 */

import { sigmoid, softmax } from "./activations.js";
import { fixed, float, highlight, node, paint, say, scale, shape } from "./kit.js";

/** One example for each task, to show what the output is compared with. */
const EXAMPLES = {
  binary: { logits: [0.8], y: [1], most: 1 },
  multiclass: { logits: [2, 0.5, -1, 0], y: [1], most: 1 },
  multilabel: { logits: [2, 0.5, -1, 0], y: [1, 0, 1, 0], most: 1 },
  regression: { logits: [2.5], y: [4], most: 5 },
  count: { logits: [1], y: [4], most: 5 },
};

const PREDICT = {
  sigmoid: (logits) => logits.map((z) => sigmoid(z)),
  softmax: (logits) => softmax(logits),
  linear: (logits) => [...logits],
  exponential: (logits) => logits.map(Math.exp),
};

let tree; // {question, options: [{label, tasks, next?}]}
let table; // task -> {row, units, activation, ...}

/** The list as questions: each item is an answer, then the next question or the task. */
function questions(list, question) {
  const options = [...list.children].map((item) => {
    const [asked, below] = [item.querySelector(":scope > strong, :scope > p > strong"), item.querySelector(":scope > ul")];
    const own = item.cloneNode(true);
    for (const part of own.querySelectorAll("ul, strong, code")) part.remove();
    const label = own.textContent.trim().replace(/[.:]$/, "");
    const next = below && questions(below, asked.textContent);
    return { label, next, tasks: next ? next.options.flatMap(({ tasks }) => tasks) : [item.querySelector("code").textContent] };
  });
  return { question, options };
}

function readTable() {
  const tables = [...document.querySelectorAll("article table")];
  const found = tables.find((each) => each.querySelector("th")?.textContent === "task");
  return Object.fromEntries(
    [...found.tBodies[0].rows].map((row) => {
      const [task, units, activation, loss, labels, layer, examples] = [...row.cells].map((cell) => cell.textContent);
      const [shapeOf, content] = labels.split(/: (.*)/);
      return [task, { row, units, activation, loss, label_shape: shapeOf, labels: content, keras_layer: layer, examples }];
    }),
  );
}

function fields(element) {
  const list = element.querySelector("ul");
  tree = questions(list, list.previousElementSibling.textContent);
  table = readTable();
  return { task: { value: "multiclass", options: tree.options.flatMap(({ tasks }) => tasks) } };
}

function controls() {
  const found = [];
  const visit = ({ question, options }) => {
    const holding = ({ task }) => options.findIndex(({ tasks }) => tasks.includes(task));
    found.push({
      kind: "chips",
      label: question,
      words: Object.fromEntries(options.map(({ label }, at) => [at, label])),
      read: holding,
      write: (at) => ({ task: options[at].tasks[0] }),
      shown: (state) => holding(state) >= 0,
    });
    for (const { next } of options) if (next) visit(next);
  };
  visit(tree);
  return found;
}

function update({ task }) {
  const { row, ...answer } = table[task];
  const { logits, y } = EXAMPLES[task];
  const p = PREDICT[answer.activation](logits);
  const target = task === "multiclass" ? logits.map((_, at) => (at === y[0] ? 1 : 0)) : y;
  return { task, ...answer, keras_loss: `loss="${answer.loss}"`, p, target, difference: p.map((share, at) => share - target[at]) };
}

function draw({ svg, place }) {
  const facts = node("dl", { class: "lgx-facts" });
  const code = node("code");
  place.prepend(facts, node("pre", { class: "lgx-code" }, code));
  const art = svg.appendChild(shape("g"));
  return ({ task }, numbers, width) => {
    const said = {
      "output units": numbers.units,
      "output activation": numbers.activation,
      loss: numbers.loss,
      "the labels' shape": `${numbers.label_shape}: ${numbers.labels}`,
    };
    facts.replaceChildren(
      ...Object.entries(said).map(([name, value]) => node("div", {}, node("dt", {}, name), node("dd", {}, value))),
    );
    code.replaceChildren(highlight(`layers.${numbers.keras_layer}\nmodel.compile(\n    ${numbers.keras_loss}\n)`));
    for (const [name, { row }] of Object.entries(table)) row.classList.toggle("lgx-answer", name === task);
    paint(art, compared(numbers, EXAMPLES[task].most, width));
    return 40 + 34 * 4;
  };
}

/** Output and label of one example, unit by unit, and what is between them. */
function compared({ p, target, difference }, most, width) {
  const x = scale([0, most], [34, width - 150]);
  const shapes = [
    ["text", { class: "quiet small", x: 0, y: 14 }, "one example: the output p, its label y"],
    ["text", { class: "quiet small end", x: width, y: 14 }, "p − y"],
  ];
  p.forEach((value, at) => {
    const y = 44 + 34 * at;
    const [from, to] = [Math.min(value, target[at]), Math.max(value, target[at])];
    shapes.push(
      ["text", { class: "strong", x: 0, y: y + 5 }, p.length > 1 ? `p${"₀₁₂₃"[at]}` : "p"],
      ["rect", { class: "shade", x: x(0), y: y - 9, width: x(most) - x(0), height: 18, rx: 3 }],
      ["rect", { class: "hd pale", x: x(0), y: y - 9, width: Math.max(1, x(value) - x(0)), height: 18, rx: 3 }],
      ["line", { class: "line hd", x1: x(from), x2: x(to), y1: y, y2: y }],
      ["line", { class: "line ink", x1: x(target[at]), x2: x(target[at]), y1: y - 12, y2: y + 12 }],
      ["text", { class: "small number", x: x(most) + 10, y: y + 4 }, `${say(value, 2)}, y = ${target[at]}`],
      ["text", { class: "number strong end hd", x: width, y: y + 4 }, say(difference[at], 2)],
    );
  });
  return shapes;
}

function python({ task }) {
  const { logits, y } = EXAMPLES[task];
  const label = task === "multiclass" ? y[0] : logits.length > 1 ? `[${y.join(", ")}]` : y[0];
  return `from livegrad import outputs

head = outputs.head("${task}")
print(head.units, "|", head.activation, "|", head.loss)
print(head.label_shape, "|", head.labels)
print(head.keras_layer, "|", head.keras_loss)

logits, y = [[${logits.map(float).join(", ")}]], [${label}]  # (1, ${logits.length}), (1,)
difference = head.predict(logits) - head.targets(y, units=${logits.length})  # (1, ${logits.length})
print("p - y", *(f"{d:.3f}" for d in difference[0]))
`;
}

function prints(state, { units, activation, loss, label_shape, labels, keras_layer, keras_loss, difference }) {
  return `${units} | ${activation} | ${loss}
${label_shape} | ${labels}
${keras_layer} | ${keras_loss}
p - y ${difference.map((d) => fixed(d, 3)).join(" ")}
`;
}

function says({ task }, { activation, loss, examples }) {
  return `The ${task} head: ${activation} with ${loss}. Where it occurs: ${examples}.`;
}

export default {
  name: "head",
  title: "Explorer: which head does the task need?",
  fields,
  controls,
  update,
  draw,
  python,
  prints,
  says,
};
