// Server-sent events over fetch: EventSource could neither send the API key nor see why it was refused.

import { ApiError, request } from "./api.js";

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 15000;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Calls handlers[event](data) for each event, and state(text) when the connection changes. Never returns. */
export async function listen(path, handlers, state) {
  let pause = FIRST_PAUSE;
  for (;;) {
    let why = "the server ended it";
    let wait = 0;
    try {
      const response = await request(path);
      state("live");
      pause = FIRST_PAUSE;
      await read(response.body, handlers);
    } catch (error) {
      why = error instanceof ApiError ? error.message : "the server does not answer";
      wait = (error.retryAfter || 0) * 1000;
    }
    wait = Math.max(wait, pause);
    state(`not live: ${why}; trying again in ${Math.round(wait / 1000)} s`);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    await Promise.race([sleep(wait), new Promise((done) => document.addEventListener("key-given", done, { once: true }))]);
  }
}

async function read(body, handlers) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    buffer += value;
    const blocks = buffer.split("\n\n");
    buffer = blocks.pop();
    for (const block of blocks) dispatch(block, handlers);
  }
}

function dispatch(block, handlers) {
  let name = "message";
  let data = "";
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    else if (line.startsWith("data: ")) data += line.slice(6);
  }
  if (data && handlers[name]) handlers[name](JSON.parse(data));
}
