/**
 * Both engines on the same network, data, order and steps.
 *
 * nn.ts subtracts the learning rate times the mean of (output - target) * ...: the gradient of half the
 * squared error. The engine's regression head does not halve it, so it takes half the learning rate.
 */

import { MLP } from "/explorers/engine.js";
import { Generator } from "/explorers/random.js";
import { loadKernel } from "/explorers/kernel.js";
import { Trainer } from "/explorers/trainer.js";
import * as nn from "/nn.js";

const EXAMPLES = 500;
const BATCH = 10;
const RATE = 0.03;

/** Two spirals, labels 1 and -1, already shuffled. */
function spirals() {
  const rng = new Generator(0);
  const x = new Float64Array(2 * EXAMPLES);
  const y = new Float64Array(EXAMPLES);
  for (let i = 0; i < EXAMPLES; i++) {
    const [arm, share] = [rng.integer(1), rng.random()];
    const angle = 1.75 * share * 2 * Math.PI + arm * Math.PI;
    x[2 * i] = share * Math.sin(angle) + 0.05 * rng.normal();
    x[2 * i + 1] = share * Math.cos(angle) + 0.05 * rng.normal();
    y[i] = arm ? 1 : -1;
  }
  return { x, y };
}

/** Playground's network with the weights of the engine's. */
function playground(net, activation) {
  const { RELU, TANH, LINEAR } = nn.Activations;
  const network = nn.buildNetwork(net.widths, activation === "relu" ? RELU : TANH, LINEAR, null, ["x", "y"]);
  for (let l = 1; l < net.widths.length; l++) {
    network[l].forEach((node, o) => {
      node.bias = net.biases[l - 1][o];
      node.inputLinks.forEach((link, i) => {
        link.weight = net.weights[l - 1][i * net.widths[l] + o];
      });
    });
  }
  return network;
}

/** @returns {Promise<{seconds: (engine: string, seconds: number) => number, apart: (epochs: number) => number}>} */
export async function race(widths, activation) {
  const { x, y } = spirals();
  const points = Array.from(y, (target, i) => ({ input: [x[2 * i], x[2 * i + 1]], target }));
  const order = Int32Array.from(y, (_, i) => i);
  const kernel = await loadKernel();
  if (!kernel) throw new Error("the kernel does not load");
  const { SQUARE } = nn.Errors;

  const start = () => {
    const net = new MLP(widths, { activation, head: "regression", rng: 1 });
    const network = playground(net, activation);
    const trainer = new Trainer(net, kernel);
    const options = { learningRate: RATE / 2, batchSize: BATCH, order };
    return {
      net,
      network,
      engine: () => trainer.epoch(x, y, options),
      playground() {
        for (let i = 0; i < points.length; i++) {
          nn.forwardProp(network, points[i].input);
          nn.backProp(network, points[i].target, SQUARE);
          if ((i + 1) % BATCH === 0) nn.updateWeights(network, RATE, 0);
        }
      },
    };
  };
  const racing = start();

  return {
    /** Examples a second of one engine. */
    speed(engine, seconds) {
      const began = performance.now();
      let epochs = 0;
      while (performance.now() - began < 1000 * seconds) {
        racing[engine]();
        epochs += 1;
      }
      return (epochs * EXAMPLES * 1000) / (performance.now() - began);
    },
    /** [loss of both after some epochs from the same weights, largest difference of an output]. */
    learned(epochs) {
      const pair = start();
      for (let e = 0; e < epochs; e++) {
        pair.engine();
        pair.playground();
      }
      const outputs = pair.net.predict(x);
      let [ours, theirs, apart] = [0, 0, 0];
      for (let i = 0; i < EXAMPLES; i++) {
        const output = nn.forwardProp(pair.network, points[i].input);
        ours += SQUARE.error(outputs[i], y[i]) / EXAMPLES;
        theirs += SQUARE.error(output, y[i]) / EXAMPLES;
        apart = Math.max(apart, Math.abs(output - outputs[i]));
      }
      return [ours, theirs, apart];
    },
  };
}
